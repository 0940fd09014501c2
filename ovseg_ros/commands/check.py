"""Compare an engine with the reference, ONNX Runtime in fp32; one that passes may be used.

The frames are those of --bag, --images or --data; by default of the drive that comes along. The
limits are those of the package's card. Exit code 0: passed, 1: failed.
"""

from __future__ import annotations

import argparse
import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.commands.options import (
    add_engine_options,
    add_package_option,
    engine_of,
    positive,
)
from ovseg_ros.engine.choice import BackendName

if TYPE_CHECKING:
    from ovseg_ros.check.material import Material

NAME = "check"
HELP = "compare an engine with the reference, and let it be used if it passes"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments of this verb."""
    add_package_option(parser)
    add_engine_options(parser, BackendName.OPENVINO)
    frames = parser.add_mutually_exclusive_group()
    frames.add_argument("--bag", type=Path, metavar="PATH", help="frames of a bag")
    frames.add_argument("--images", type=Path, metavar="FOLDER", help="images of a folder")
    frames.add_argument("--data", type=Path, metavar="FOLDER", help="a labelled folder")
    parser.add_argument(
        "--frames", type=positive, default=32, metavar="N", help="at most (default: %(default)s)"
    )
    parser.add_argument(
        "--labels", help="the query for frames without ground truth (default: streets and yards)"
    )


def run(arguments: argparse.Namespace) -> int:
    """Check, print the table and write the verdict; 1 where a limit does not hold."""
    from datetime import datetime, timezone

    from rich.console import Console

    from ovseg_ros.check.run import check_engine, print_verdict
    from ovseg_ros.commands.progress import progress_bar
    from ovseg_ros.engine.verdicts import verdict_path
    from ovseg_ros.packages import ModelPackage
    from ovseg_ros.user_folders import user_cache_folder

    choice = engine_of(arguments)
    package = ModelPackage.load(arguments.package)
    material, cache = _material(arguments), user_cache_folder()
    command = shlex.join(["ovseg", *sys.argv[1:]])
    with progress_bar(f"checking {choice} on {material.source}", len(material)) as advance:
        verdict = check_engine(
            package,
            choice,
            material,
            cache,
            command,
            datetime.now(timezone.utc),
            advance,
            arguments.camera,
        )
    print_verdict(verdict, Console())
    print(f"verdict: {verdict_path(cache, verdict.identity)}")
    for row in verdict.failed:
        print(
            f"ovseg check: {choice} fails on '{package.card.name}': {row.name}: "
            f"{row.found:.4f} found, {row.wanted_text} wanted",
            file=sys.stderr,
        )
    return 1 if verdict.failed else 0


def _material(arguments: argparse.Namespace) -> Material:
    from ovseg_ros.check.material import (
        DEFAULT_LABELS,
        material_from_bag,
        material_from_images,
        material_from_labelled,
    )
    from ovseg_ros.evaluation.drive import default_bag

    labels = DEFAULT_LABELS if arguments.labels is None else arguments.labels
    if arguments.data:
        return material_from_labelled(arguments.data, arguments.frames)
    if arguments.images:
        return material_from_images(arguments.images, arguments.frames, labels)
    return material_from_bag(arguments.bag or default_bag(), arguments.frames, labels)
