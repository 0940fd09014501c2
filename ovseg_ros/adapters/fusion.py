"""Several adapters as one: their ranks side by side, each with its weight folded in. Exact.

Averaging A and B separately would mix each A with the B of every other adapter.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from ovseg_ros.adapters.adapter import Adapter
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode, LoraFactors
from ovseg_ros.errors import AdapterError


def fuse(parts: Sequence[LoraFactors], weights: Sequence[float]) -> LoraFactors | None:
    """Return factors whose change is the sum of `weights` times the changes of `parts`.

    Their rank is the sum of the ranks; parts of weight 0 are left out, and None is the base model.
    Raises `AdapterError` where the parts are not of one package.
    """
    used = [(p, w) for p, w in zip(parts, weights, strict=True) if w != 0.0 and p.rank > 0]
    if not used:
        return None
    widths = {(part.a.shape[1], part.b.shape[1]) for part, _ in used}
    if len(widths) > 1:
        raise AdapterError(
            f"adapters of widths {sorted(widths)} cannot be fused; use adapters of one package"
        )
    return LoraFactors(
        np.concatenate([np.float32(weight) * part.a for part, weight in used]),
        np.concatenate([part.b for part, _ in used]),
    )


def fitting(ranks: Sequence[int], most_rank: int | None) -> list[int]:
    """Return which of adapters with `ranks` go into an engine together, the first ones first.

    `most_rank` is the largest rank that the engine was built for, None for any.
    """
    places: list[int] = []
    for place, rank in enumerate(ranks):
        if most_rank is None or rank + sum(ranks[p] for p in places) <= most_rank:
            places.append(place)
    return places


def mixed(
    mode: AdapterMode,
    adapters: Sequence[Adapter],
    weights: Sequence[float],
    distances: Sequence[float],
    gate: str,
) -> AdapterMix:
    """Return the mix of `adapters` with `weights`, fused into one."""
    with_text = [
        (adapter.text_factors, weight)
        for adapter, weight in zip(adapters, weights, strict=True)
        if adapter.text_factors is not None
    ]
    return AdapterMix(
        mode=mode,
        names=tuple(adapter.info.name for adapter in adapters),
        weights=tuple(weights),
        distances=tuple(distances),
        gate=gate,
        factors=fuse([adapter.factors for adapter in adapters], weights),
        text_factors=fuse([part for part, _ in with_text], [weight for _, weight in with_text]),
    )
