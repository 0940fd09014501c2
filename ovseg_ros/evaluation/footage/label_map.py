"""The label map: what the names of a ground truth are called here, and what is not evaluated."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.errors import OvsegError

_FIELDS = ("ids", "map", "synonyms", "ignore")


@dataclass(frozen=True)
class LabelMap:
    """How to read a ground truth.

    `ids` names ids where the data does not; `renamed` maps names of the ground truth to labels,
    several of which may become one; `synonyms` are asked for together with a label; names and ids
    in `ignored` are not evaluated.
    """

    ids: Mapping[int, str] = field(default_factory=dict)
    renamed: Mapping[str, str] = field(default_factory=dict)
    synonyms: Mapping[str, Sequence[str]] = field(default_factory=dict)
    ignored: frozenset[str | int] = frozenset()

    def require_known(self, names: Sequence[str]) -> None:
        """Raise `OvsegError` for a name that is not in the ground truth, whose are `names`."""
        named = (*names, *self.ids.values())
        known = {name.casefold() for name in named}
        for name in (*self.renamed, *(n for n in self.ignored if isinstance(n, str))):
            if name.casefold() not in known:
                raise OvsegError(
                    f"the label map speaks of '{name}', which the ground truth does not name; its "
                    f"names are {', '.join(named) or 'none'}"
                )

    def applied(self, names: Mapping[int, str]) -> tuple[dict[int, str], frozenset[int]]:
        """Return the label of each id, and the ids not to evaluate, where `names` names ids."""
        named = {**names, **self.ids}
        renamed = {name.casefold(): label for name, label in self.renamed.items()}
        skipped = {n if isinstance(n, int) else n.casefold() for n in self.ignored}
        ignored = {i for i, name in named.items() if i in skipped or name.casefold() in skipped}
        ignored |= {i for i in skipped if isinstance(i, int)}
        labels = {
            i: renamed.get(name.casefold(), name) for i, name in named.items() if i not in ignored
        }
        return labels, frozenset(ignored)


def read_label_map(path: Path) -> LabelMap:
    """Read a label map from YAML; raises `OvsegError` for a file of another shape.

    ids: {1: sky, 2: road}; map: {truck: car}; synonyms: {car: [automobile]}; ignore: [void, 0]
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        if not isinstance(data, dict) or set(data) - set(_FIELDS):
            raise ValueError(f"it may hold {', '.join(_FIELDS)}")
        return LabelMap(
            ids={_id_of(key): str(name) for key, name in data.get("ids", {}).items()},
            renamed={str(name): str(label) for name, label in data.get("map", {}).items()},
            synonyms={str(n): _strings(words) for n, words in data.get("synonyms", {}).items()},
            ignored=frozenset(
                entry if isinstance(entry, int) else str(entry) for entry in data.get("ignore", [])
            ),
        )
    except (OSError, yaml.YAMLError, ValueError, TypeError, AttributeError) as error:
        raise OvsegError(
            f"{path} is no label map: {error}; write for example "
            "{map: {truck: car}, synonyms: {car: [automobile]}, ignore: [void]}"
        ) from None


def _id_of(value: Any) -> int:
    number = int(value)
    if not 0 <= number <= 255:
        raise ValueError(f"id {number} is not from 0 to 255")
    return number


def _strings(value: Any) -> tuple[str, ...]:
    if isinstance(value, str):
        return (value,)
    return tuple(str(entry) for entry in value)
