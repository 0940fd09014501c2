"""The engine that a package, a library and a GPU ask for, or the sentence that says why not."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.key import EngineKey, key_of
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.engine.tensorrt.store import StoredEngine, build_command, stored_engines
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage

_MOST_SHOWN = 3
_USUAL_CAMERA_PX = (640, 480)


@dataclass(frozen=True)
class _Near:
    """An engine that is not the one: the key it should have had, and what is different."""

    engine: StoredEngine
    wanted: EngineKey
    differences: tuple[str, ...]


def find_engine(
    cache: Path,
    package: ModelPackage,
    choice: EngineChoice,
    library: Library,
    target: str | None,
    camera_px: tuple[int, int] | None,
) -> StoredEngine:
    """Return the engine of `package` in `cache`, the newest where some differ by their buckets.

    `target` is the GPU as in the key; None takes an engine for any. A `camera_px` (W, H) of None
    takes the one there is. Raises `BackendError` with the command that builds it where there is
    none, with both keys where there are others, and with their cameras where there are several.
    """
    engines, damaged = stored_engines(cache)
    nears = []
    for engine in engines:
        if engine.sidecar.package == package.card.name:
            wanted = _wanted(engine.key, package, choice, library, target, camera_px)
            nears.append(_Near(engine, wanted, wanted.differences(engine.key)))
    matching = [near.engine for near in nears if not near.differences]
    if not matching:
        profile = EngineProfile(camera_px or _USUAL_CAMERA_PX)
        wanted = key_of(package, choice, library, target or "any GPU", profile)
        raise BackendError(_refusal(package, choice, wanted, nears, damaged))
    cameras = sorted({engine.key.profile.camera_px for engine in matching})
    if len(cameras) > 1:
        listed = ", ".join(f"{width}x{height}" for width, height in cameras)
        raise BackendError(
            f"package '{package.card.name}' has engines of {choice} for several cameras: {listed}; "
            f"say which one is meant, for example with  --camera {cameras[0][0]}x{cameras[0][1]}"
        )
    return matching[0]


def _wanted(
    found: EngineKey,
    package: ModelPackage,
    choice: EngineChoice,
    library: Library,
    target: str | None,
    camera_px: tuple[int, int] | None,
) -> EngineKey:
    """Return the key that `found` has to be; what nobody asked for stays as it was found."""
    profile = replace(found.profile, camera_px=camera_px or found.profile.camera_px)
    return key_of(package, choice, library, target or found.target, profile)


def _refusal(
    package: ModelPackage,
    choice: EngineChoice,
    wanted: EngineKey,
    nears: list[_Near],
    damaged: list[str],
) -> str:
    nearest = sorted(nears, key=lambda near: len(near.differences))[:_MOST_SHOWN]
    if nearest:
        wanted = nearest[0].wanted
    lines = [
        f"package '{package.card.name}' has no engine of {choice} that runs here; build one with  "
        f"{build_command(package.reference, wanted)}"
    ]
    for near in nearest:
        lines += [f"  wanted {near.wanted}", f"  found  {near.engine.key}"]
        lines += [f"    {difference}" for difference in near.differences]
    return "\n".join([*lines, *(f"  {fault}" for fault in damaged)])
