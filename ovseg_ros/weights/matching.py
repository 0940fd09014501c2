"""Do these weights fit this network: every difference at once, none of them guessed away."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.errors import WeightsError
from ovseg_ros.weights.key_groups import key_groups

if TYPE_CHECKING:
    from torch import Tensor

Shape = tuple[int, ...]
# Enough for every key of CAT-Seg-large at once, merged.
_MOST_LINES = 200


def match_state_dict(
    found: Mapping[str, Tensor],
    wanted: Mapping[str, Shape],
    file: Path,
    harmless: Collection[str] = (),
) -> dict[str, Tensor]:
    """Return the tensors of `found` that `wanted` names, in the order of `wanted`.

    `wanted` gives the shape of every parameter and buffer of the network, which are all floating
    point; `harmless` names keys that `found` may have beyond them, and that are left out. Raises
    `WeightsError` with every missing key, every other extra key, every key of another shape and
    every key that holds no floating point; keys that differ in one number share a line.
    """
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted and key not in harmless]
    reshaped: dict[str, list[str]] = {}
    retyped: dict[str, list[str]] = {}
    for key in wanted.keys() & found.keys():
        if not found[key].is_floating_point():
            kind = str(found[key].dtype).removeprefix("torch.")
            retyped.setdefault(f"{kind} was found, float32 was wanted", []).append(key)
        shape = tuple(found[key].shape)
        if shape != tuple(wanted[key]):
            change = f"{list(shape)} was found, {list(wanted[key])} was wanted"
            reshaped.setdefault(change, []).append(key)
    if missing or extra or reshaped or retyped:
        sections = (
            (f"missing ({len(missing)})", key_groups(missing)),
            (f"not part of the network ({len(extra)})", key_groups(extra)),
            (f"of another shape ({_count(reshaped)})", _lines(reshaped)),
            (f"not floating point ({_count(retyped)})", _lines(retyped)),
        )
        raise WeightsError(_report(sections, len(wanted), file))
    return {key: found[key] for key in wanted}


def _count(changes: Mapping[str, list[str]]) -> int:
    return sum(map(len, changes.values()))


def _lines(changes: Mapping[str, list[str]]) -> list[str]:
    return [
        f"{group}: {change}"
        for change, keys in sorted(changes.items())
        for group in key_groups(sorted(keys))
    ]


def _report(sections: Sequence[tuple[str, list[str]]], wanted: int, file: Path) -> str:
    lines = [
        f"{file} does not fit the network, which has {wanted} tensors; "
        "use the checkpoint that belongs to it, or the network that belongs to the checkpoint"
    ]
    for title, entries in sections:
        if entries:
            lines += [f"  {title}:", *(f"    {entry}" for entry in entries[:_MOST_LINES])]
        if len(entries) > _MOST_LINES:
            lines.append(f"    ... and {len(entries) - _MOST_LINES} more lines")
    return "\n".join(lines)
