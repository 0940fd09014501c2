"""From a package to an engine that is written down, for the user's own hands to install."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from pathlib import Path

from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.builder import BuildOrder, build_plan
from ovseg_ros.engine.tensorrt.key import key_of
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.engine.tensorrt.program import islands_of, program_of
from ovseg_ros.engine.tensorrt.progress import OnProgress
from ovseg_ros.engine.tensorrt.sidecar import Sidecar, write_sidecar
from ovseg_ros.engine.tensorrt.store import StoredEngine, build_command, read_plan, store_engine
from ovseg_ros.engine.tensorrt.target import driver_of, target_of
from ovseg_ros.engine.tensorrt.timing import timing_path
from ovseg_ros.errors import BackendError, MissingExtraError
from ovseg_ros.machine import describe_machine
from ovseg_ros.packages import ModelPackage


@dataclass(frozen=True)
class BuildRequest:
    """What a user asks for; `command` and `now` are written down.

    `workspace_mb` is the most memory that one layer may take, None for no limit.
    """

    package: ModelPackage
    choice: EngineChoice
    profile: EngineProfile
    command: str
    now: datetime
    workspace_mb: int | None = None


def make_engine(
    library: Library, request: BuildRequest, cache: Path, stage: Path, on_progress: OnProgress
) -> StoredEngine:
    """Build the engine of `request` and write it into the cache folder `stage`.

    `cache` is the user's, which timings are taken from and kept in. Raises whatever `program_of`
    and `build_plan` raise, `BackendError` where the library needs a GPU and finds none, and
    `OutputError`.
    """
    package, choice = request.package, request.choice
    target = target_of(library, choice.gpu)
    order = BuildOrder(
        program_of(package, choice.precision, cache, stage),
        package.card,
        request.profile,
        timing_path(cache, library, target),
        choice.gpu,
        request.workspace_mb,
    )
    built = build_plan(library, order, on_progress)
    key = key_of(package, choice, library, target, request.profile)
    sidecar = Sidecar(
        package=package.card.name,
        plan_sha256="",
        plan_bytes=0,
        build_s=round(built.build_s, 1),
        built_at=request.now.isoformat(timespec="microseconds"),
        command=request.command,
        rebuild=build_command(package.reference, key),
        check="not made",
        layers_of="",
        driver=_driver(choice.gpu),
        float32_islands=islands_of(package, choice.precision),
        machine=describe_machine(),
    )
    return store_engine(stage, key, built.plan, built.layers, sidecar)


def why_not_runnable(library: Library, engine: StoredEngine, gpu: int) -> str | None:
    """Return why `engine` cannot be run on this machine's GPU number `gpu`; None if it may be."""
    try:
        driver_of(gpu)
    except BackendError:
        return "no GPU here (`ovseg doctor` looks for one)"
    except MissingExtraError as error:
        return str(error)
    reason = library.why_not_usable(library.runtime(), read_plan(engine))
    return None if reason is None else " ".join(reason.split())


def note_check(engine: StoredEngine, words: str) -> StoredEngine:
    """Write down how the check of `engine` ended; raises `OutputError`."""
    sidecar = replace(engine.sidecar, check=words)
    write_sidecar(engine.folder, engine.key, sidecar)
    return replace(engine, sidecar=sidecar)


def _driver(gpu: int) -> str:
    try:
        return driver_of(gpu)
    except (BackendError, MissingExtraError):
        return ""
