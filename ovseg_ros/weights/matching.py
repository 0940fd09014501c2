"""Do these weights fit this network: every difference at once, none of them guessed away."""

from __future__ import annotations

from collections.abc import Collection, Mapping
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

    `wanted` gives the shape of every parameter and buffer of the network; `harmless` names keys
    that `found` may have beyond them, and that are left out. Raises `WeightsError` with every
    missing key, every other extra key and every key of another shape; keys that differ in one
    number share a line.
    """
    missing = [key for key in wanted if key not in found]
    extra = [key for key in found if key not in wanted and key not in harmless]
    reshaped: dict[str, list[str]] = {}
    for key in wanted.keys() & found.keys():
        shape = tuple(found[key].shape)
        if shape != tuple(wanted[key]):
            change = f"{list(shape)} was found, {list(wanted[key])} was wanted"
            reshaped.setdefault(change, []).append(key)
    if missing or extra or reshaped:
        raise WeightsError(_report(missing, extra, reshaped, len(wanted), file))
    return {key: found[key] for key in wanted}


def _report(
    missing: list[str],
    extra: list[str],
    reshaped: Mapping[str, list[str]],
    wanted: int,
    file: Path,
) -> str:
    shapes = [
        f"{group}: {change}"
        for change, keys in sorted(reshaped.items())
        for group in key_groups(sorted(keys))
    ]
    wrong_shapes = sum(map(len, reshaped.values()))
    sections = (
        (f"missing ({len(missing)})", key_groups(missing)),
        (f"not part of the network ({len(extra)})", key_groups(extra)),
        (f"of another shape ({wrong_shapes})", shapes),
    )
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
