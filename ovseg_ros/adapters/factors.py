"""The factors of an adapter: whether they are sound, and how they are packed for engines."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import AdapterInfo, Array
from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.adapters.sites import LoraSite, packed_widths
from ovseg_ros.errors import AdapterError

# A change adds about |B A|_F / sqrt(C_out) to outputs whose inputs are around 1. Trained adapters
# stay below 1 and so do the layers themselves: a hundred times more is a training that diverged.
MOST_GAIN = 100.0
# Half-precision engines compute x @ A.T and the product with B one after the other: the sums over
# some thousand channels of values around 1 must stay within float16, which ends at 65,504.
MOST_VALUE = 1000.0


class SiteFactors(NamedTuple):
    """The factors of one site as PEFT has them: `a` [R, C_in], `b` [C_out, R], not scaled."""

    a: npt.NDArray[np.floating]
    b: npt.NDArray[np.floating]


def require_sound(info: AdapterInfo, factors: Mapping[str, SiteFactors], path: Path) -> None:
    """Raise `AdapterError` where factors are not finite or explode, naming the site."""
    for site, (a, b) in factors.items():
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise AdapterError(
                f"{path} holds NaN or infinity at the site '{site}'; the training that wrote it "
                "diverged: train it again with a lower learning rate"
            )
        gain, largest = _gain(a, b, info.scale), max(info.scale * _largest(a), _largest(b))
        if gain > MOST_GAIN or largest > MOST_VALUE:
            raise AdapterError(
                f"{path} explodes at the site '{site}': it adds {gain:.3g} times its input with "
                f"values up to {largest:.3g}; at most {MOST_GAIN:g} and {MOST_VALUE:g} were "
                "wanted; the training that wrote it diverged: train it again with a lower learning "
                "rate"
            )


def pack(
    info: AdapterInfo, factors: Mapping[str, SiteFactors], sites: Sequence[LoraSite]
) -> LoraFactors:
    """Return `factors` packed in the order of `sites`, alpha / rank folded into A.

    Sites without factors are zero; without any at all the rank is 0.
    """
    used = any(site.name in factors for site in sites)
    rank = info.rank if used else 0
    width_a, width_b = packed_widths(sites)
    packed = LoraFactors(
        np.zeros((rank, width_a), np.float32), np.zeros((rank, width_b), np.float32)
    )
    for name, at_a, at_b in slices_of(sites):
        if name in factors:
            packed.a[:, at_a] = np.float32(info.scale) * factors[name].a
            packed.b[:, at_b] = factors[name].b.T
    return packed


def slices_of(sites: Sequence[LoraSite]) -> Iterable[tuple[str, slice, slice]]:
    """Yield (name, columns of A, columns of B) of each of `sites` in packed factors."""
    start_a = start_b = 0
    for site in sites:
        end_a, end_b = start_a + site.c_in, start_b + site.c_out
        yield site.name, slice(start_a, end_a), slice(start_b, end_b)
        start_a, start_b = end_a, end_b


def _gain(a: Array, b: Array, scale: float) -> float:
    """Return |scale B A|_F / sqrt(C_out) without making the product, which may be large."""
    a64, b64 = a.astype(np.float64), b.astype(np.float64)
    squared = float(np.sum((a64 @ a64.T) * (b64.T @ b64)))
    return scale * float(np.sqrt(max(squared, 0.0) / b.shape[0]))


def _largest(values: Array) -> float:
    return float(np.abs(values).max(initial=0.0))
