"""Build recipes: which engines a user of a package usually wants. Data, in `engines/builds`."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.engine.choice import BackendName, EngineChoice
from ovseg_ros.engine.profile import EngineProfile, camera_from_text
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import package_roots
from ovseg_ros.weights.recipe import recipe_files

_FOLDER = "builds"
_KINDS = {"package": str, "precision": str, "camera": str, "labels": list, "rank": list}


@dataclass(frozen=True)
class BuildRecipe:
    """One engine: the name of its package, what it computes in, and its shapes."""

    package: str
    choice: EngineChoice
    profile: EngineProfile


def build_recipes() -> list[BuildRecipe]:
    """Return the installed recipes, sorted by file; raises `BackendError` for a faulty one."""
    found: dict[str, Path] = {}
    for root in package_roots():
        for path in (root / _FOLDER).glob("*.yaml"):
            found.setdefault(path.name, path)
    return [read_build_recipe(path) for _, path in sorted(found.items())]


def read_build_recipe(path: Path) -> BuildRecipe:
    """Read and check one recipe; raises `BackendError` naming the file and the field at fault."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
        _check(raw)
        profile = EngineProfile(
            camera_from_text(raw["camera"]), tuple(raw["labels"]), tuple(raw["rank"])
        )
        choice = EngineChoice.of(BackendName.TENSORRT.value, raw["precision"])
    except (OSError, UnicodeDecodeError, yaml.YAMLError, ValueError, BackendError) as error:
        raise BackendError(f"the build recipe {path} is refused: {error}") from None
    return BuildRecipe(raw["package"], choice, profile)


def how_to_get(package: str) -> str:
    """Return the commands after which a package of this name is installed."""
    root = package_roots()[0]
    convert = f"ovseg convert {package} --at-once --out {shlex.quote(str(root / package))}"
    return f"ovseg fetch {package} && {convert}" if package in recipe_files() else convert


def _check(raw: Any) -> None:
    if not isinstance(raw, dict) or set(raw) != set(_KINDS):
        raise ValueError(f"it must hold {', '.join(_KINDS)}, and nothing else")
    for name, kind in _KINDS.items():
        if not isinstance(raw[name], kind):
            raise ValueError(f"'{name}' is {raw[name]!r}, a {kind.__name__} was wanted")
    for name in ("labels", "rank"):
        if not all(type(number) is int for number in raw[name]):
            raise ValueError(f"'{name}' is {raw[name]!r}, whole numbers were wanted")
