"""Recipes: which published file, from where, proven by which hash, under which licence.

They are data, one YAML file each, in `engines/recipes`; a path to one of your own works as well.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.errors import WeightsError
from ovseg_ros.packages import package_roots

_RECIPE_FOLDER = "recipes"
_SHA256 = re.compile(r"[0-9a-f]{64}")
_OPTIONAL = {"size_bytes", "sha256"}
_KINDS: dict[str, type] = {"urls": list, "size_bytes": int}


@dataclass(frozen=True)
class Recipe:
    """One published weight file.

    `file` is its name; `urls` are the addresses, tried in this order; `sha256` (hexadecimal) and
    `size_bytes` are None where no public source tells them.
    """

    name: str
    summary: str
    page: str
    paper: str
    file: str
    urls: tuple[str, ...]
    size_bytes: int | None
    sha256: str | None
    license: str
    license_text: str

    @property
    def size(self) -> str:
        """The size in words."""
        return "size unknown" if self.size_bytes is None else f"{self.size_bytes / 1e6:,.0f} MB"


def find_recipe(name_or_file: str) -> Recipe:
    """Return the recipe with a name, or the one in a YAML file; raises `WeightsError`."""
    path = Path(name_or_file).expanduser()
    if path.suffix == ".yaml":
        return read_recipe(path)
    known = recipe_files()
    if name_or_file in known:
        return read_recipe(known[name_or_file])
    raise WeightsError(
        f"no recipe is called '{name_or_file}'; there are: {', '.join(known) or 'none'}, "
        "or give the path of a recipe file that ends in .yaml"
    )


def recipe_files() -> dict[str, Path]:
    """Return the files of the installed recipes by their names, sorted."""
    found: dict[str, Path] = {}
    for root in package_roots():
        for path in (root / _RECIPE_FOLDER).glob("*.yaml"):
            found.setdefault(path.stem, path)
    return dict(sorted(found.items()))


def read_recipe(path: Path) -> Recipe:
    """Read and check one recipe file; raises `WeightsError` naming the field at fault."""
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise WeightsError(f"the recipe {path} cannot be read as YAML: {error}") from None
    if not isinstance(raw, dict):
        raise WeightsError(f"the recipe {path} holds no mapping of fields")
    known = [field.name for field in fields(Recipe)]
    for name in {*known, *raw}:
        _check_field(path, name, raw.get(name), known)
    if Path(raw["file"]).name != raw["file"]:
        raise WeightsError(f"the recipe {path}: 'file' is {raw['file']!r}, a bare name was wanted")
    if raw.get("sha256") is not None:
        require_hash(raw["sha256"], f"the recipe {path}")
    return Recipe(**{name: raw.get(name) for name in known} | {"urls": tuple(raw["urls"])})


def _check_field(path: Path, name: str, value: Any, known: list[str]) -> None:
    if name not in known:
        raise WeightsError(f"the recipe {path} has no field '{name}'; it has {', '.join(known)}")
    kind = _KINDS.get(name, str)
    if value is None and name in _OPTIONAL:
        return
    if not isinstance(value, kind):
        raise WeightsError(
            f"the recipe {path}: '{name}' is {value!r}, a value of type {kind.__name__} was wanted"
        )


def require_hash(text: str, where: str) -> None:
    """Raise `WeightsError` unless `text` is a SHA-256 in lower-case hexadecimal."""
    if not _SHA256.fullmatch(text):
        raise WeightsError(f"{where}: '{text}' is no SHA-256; 64 hexadecimal digits were wanted")
