"""Weights that are no numbers: every key and how much of it, so that the cause can be told."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from ovseg_ros.errors import WeightsError
from ovseg_ros.weights.key_groups import key_groups

if TYPE_CHECKING:
    from torch import Tensor


def require_finite(weights: Mapping[str, Tensor], file: Path) -> None:
    """Raise `WeightsError` where a value of `weights` is NaN or infinite.

    It names every such key with how many of its values are bad; keys that differ in one number and
    are equally bad share a line.
    """
    bad: dict[str, list[str]] = {}
    for name, tensor in weights.items():
        finite = tensor.isfinite()
        if not bool(finite.all()):
            count = tensor.numel() - int(finite.sum())
            bad.setdefault(f"{count} of {tensor.numel()} values", []).append(name)
    if bad:
        keys = sum(map(len, bad.values()))
        lines = [
            f"  {group}: {share}" for share, names in bad.items() for group in key_groups(names)
        ]
        raise WeightsError(
            f"{file} holds NaN or infinity in {keys} of {len(weights)} tensors; the training run "
            "that wrote it diverged: take an earlier checkpoint, or fetch the published one again\n"
            + "\n".join(lines)
        )
