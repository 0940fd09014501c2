"""Build the TensorRT engine of a package, check it, and put it where the node finds it.

`tensorrt` builds on the GPU that is to run the engine; `tensorrt_rtx` builds without a GPU, for
GeForce and RTX cards. An engine that fails its check is not installed. Exit code 0: all were built,
1: something failed.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.commands.frames import add_frame_options
from ovseg_ros.commands.options import add_package_option, buckets, camera, positive
from ovseg_ros.engine.choice import PRECISIONS, BackendName, EngineChoice
from ovseg_ros.engine.profile import EngineProfile

if TYPE_CHECKING:
    from ovseg_ros.check.material import Material
    from ovseg_ros.engine.tensorrt.library import Library
    from ovseg_ros.engine.tensorrt.make import BuildRequest
    from ovseg_ros.engine.tensorrt.store import StoredEngine
    from ovseg_ros.engine.verdicts import Verdict

NAME = "build"
HELP = "build the TensorRT engine of a package, and check it"
_USUAL = EngineProfile((640, 480))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_package_option(parser)
    precisions = [precision.value for precision in PRECISIONS[BackendName.TENSORRT]]
    parser.add_argument(
        "--precision",
        choices=precisions,
        default=precisions[0],
        help="what it computes in; int8 and fp8 need `ovseg calibrate` (default: %(default)s)",
    )
    parser.add_argument(
        "--camera",
        type=camera,
        default=_USUAL.camera_px,
        metavar="WxH",
        help=f"the one size of frames that it takes (default: {_USUAL.camera})",
    )
    parser.add_argument(
        "--labels",
        type=buckets,
        default=_USUAL.label_buckets,
        metavar="N,N",
        help="sizes that queries are filled up to, negatives included (default: 8,32,128)",
    )
    parser.add_argument(
        "--rank",
        type=buckets,
        default=_USUAL.rank_buckets,
        metavar="R,R",
        help="sizes that the ranks of adapters are filled up to (default: 16,64)",
    )
    _add_machine_options(parser)
    parser.add_argument(
        "--all-recipes",
        action="store_true",
        help="instead of one engine, those of engines/builds whose packages are installed",
    )
    add_frame_options(parser)


def _add_machine_options(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--library",
        choices=["tensorrt", "tensorrt_rtx"],
        help="what builds and runs it (default: tensorrt where it is installed)",
    )
    parser.add_argument(
        "--device", default="cuda", metavar="D", help="cuda or cuda:N (default: %(default)s)"
    )
    parser.add_argument(
        "--workspace-mb",
        type=positive,
        metavar="MB",
        help="the most memory that one layer may take (default: all there is)",
    )


@dataclass(frozen=True)
class _Workshop:
    """What all engines of one call are built with: library, cache and frames to check them on."""

    library: Library
    cache: Path
    material: Material
    workspace_mb: int | None
    command: str


def run(arguments: argparse.Namespace) -> int:
    """Build one engine, or those of all recipes."""
    from ovseg_ros.check.material import DEFAULT_LABELS
    from ovseg_ros.commands.frames import material_of
    from ovseg_ros.engine.tensorrt.library import TensorRtLibrary, open_library
    from ovseg_ros.engine.tensorrt.target import target_of
    from ovseg_ros.user_folders import user_cache_folder

    choice = EngineChoice.of(BackendName.TENSORRT.value, arguments.precision, arguments.device)
    profile = EngineProfile(arguments.camera, arguments.labels, arguments.rank)
    library = open_library(TensorRtLibrary(arguments.library) if arguments.library else None)
    target_of(library, choice.gpu)  # where a GPU is missing, say so before any work
    workshop = _Workshop(
        library,
        user_cache_folder(),
        material_of(arguments, DEFAULT_LABELS),
        arguments.workspace_mb,
        shlex.join(["ovseg", *sys.argv[1:]]),
    )
    if arguments.all_recipes:
        return _build_recipes(workshop, choice.device)
    return 0 if _build(workshop, arguments.package, choice, profile) else 1


def _build_recipes(workshop: _Workshop, device: str) -> int:
    """Build what the recipes say, name what cannot be, and go on after a failure."""
    from dataclasses import replace

    from ovseg_ros.engine.tensorrt.recipes import build_recipes, how_to_get
    from ovseg_ros.errors import OvsegError
    from ovseg_ros.packages import installed_packages

    failed = 0
    for recipe in build_recipes():
        if recipe.package not in installed_packages():
            print(f"{recipe.package}: not installed; get it with  {how_to_get(recipe.package)}")
            continue
        choice = replace(recipe.choice, device=device)
        try:
            failed += not _build(workshop, recipe.package, choice, recipe.profile)
        except OvsegError as error:
            print(f"ovseg build: {recipe.package}: {error}", file=sys.stderr)
            failed += 1
    return 1 if failed else 0


def _build(
    workshop: _Workshop, package_name: str, choice: EngineChoice, profile: EngineProfile
) -> bool:
    """Build, check and install one engine; False where it failed its check."""
    from datetime import datetime, timezone

    from ovseg_ros.commands.progress import build_bar
    from ovseg_ros.engine.tensorrt.make import (
        BuildRequest,
        make_engine,
        note_check,
        why_not_runnable,
    )
    from ovseg_ros.engine.tensorrt.staging import keep_compiled, staging
    from ovseg_ros.engine.tensorrt.store import install_engine
    from ovseg_ros.engine.verdicts import write_verdict
    from ovseg_ros.packages import ModelPackage

    package = ModelPackage.load(package_name)
    now = datetime.now(timezone.utc)
    request = BuildRequest(package, choice, profile, workshop.command, now, workshop.workspace_mb)
    with staging(workshop.cache) as stage:
        with build_bar(f"building {package.card.name}, {choice}") as on_progress:
            engine = make_engine(workshop.library, request, workshop.cache, stage, on_progress)
        reason = why_not_runnable(workshop.library, engine, choice.gpu)
        if reason is not None:
            engine = note_check(engine, f"not made: {reason}")
            _report(install_engine(workshop.cache, engine))
            print(f"  not checked: {reason}; on the robot run  {_check_command(request)}")
            return True
        verdict = _check(workshop, request, stage)
        if verdict.failed:
            return False
        engine = note_check(engine, f"passed on {workshop.material.source}")
        keep_compiled(stage, workshop.cache)
        _report(install_engine(workshop.cache, engine))
        write_verdict(workshop.cache, verdict)
    return True


def _check(workshop: _Workshop, request: BuildRequest, stage: Path) -> Verdict:
    """Compare the engine in the cache folder `stage` with the reference, and print the outcome."""
    from rich.console import Console

    from ovseg_ros.check.run import check_engine, print_failures, print_verdict
    from ovseg_ros.commands.progress import progress_bar

    package, choice, material = request.package, request.choice, workshop.material
    with progress_bar(f"checking {choice} on {material.source}", len(material)) as advance:
        verdict = check_engine(
            package,
            choice,
            material,
            stage,
            workshop.command,
            request.now,
            advance,
            request.profile.camera_px,
        )
    print_verdict(verdict, Console())
    print_failures(verdict, f"ovseg build: {choice} of '{package.card.name}' is not installed")
    return verdict


def _report(engine: StoredEngine) -> None:
    key, about = engine.key, engine.sidecar
    print(engine.folder)
    print(f"  {key.library} {key.library_version} for {key.target}, {key.precision}, {key.profile}")
    print(f"  built in {about.build_s:.1f} s, {about.plan_bytes / 1e6:.1f} MB")


def _check_command(request: BuildRequest) -> str:
    from ovseg_ros.engine.verdicts import check_command

    return check_command(request.package, request.choice, request.profile.camera_px)
