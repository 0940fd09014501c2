"""Adapters that a user names: whether names and weights are what `srv/SetAdapter.srv` describes."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ovseg_ros.adapters.mix import AdapterMode
from ovseg_ros.errors import AdapterError

# Weights arrive as float32, so shares that sum to 1 may be a little beyond.
_ROUNDING = 1e-5


def pinned_weights(names: Sequence[str], weights: Sequence[float]) -> tuple[float, ...]:
    """Return the weight of each of `names`; equal shares of 1 where `weights` is empty.

    Raises `AdapterError` where there are no names, one is there twice, or the weights are not as
    many shares from 0 to 1 that sum to at most 1.
    """
    if not names:
        raise AdapterError(
            "no adapter is named; mode 'pinned' takes names, see `ovseg adapters list`; the base "
            "model is mode 'none'"
        )
    twice = sorted({name for name in names if list(names).count(name) > 1})
    if twice:
        raise AdapterError(
            f"adapter {ascii(twice[0][:80])} is named twice; name it once, with the sum of both "
            "weights"
        )
    if not weights:
        return (1.0 / len(names),) * len(names)
    if len(weights) != len(names):
        raise AdapterError(
            f"{len(weights)} weights were given for {len(names)} adapters; give one for each name, "
            "or none for equal shares"
        )
    for name, weight in zip(names, weights, strict=True):
        if not (math.isfinite(weight) and 0.0 <= weight <= 1.0 + _ROUNDING):
            raise AdapterError(
                f"adapter {ascii(name[:80])} has the weight {weight:g}; a share from 0 to 1 was "
                "wanted"
            )
    total = sum(weights)
    if total > 1.0 + _ROUNDING:
        raise AdapterError(
            f"the weights sum to {total:.6g}; at most 1 was wanted, what lacks to it is the share "
            "of the base model"
        )
    return tuple(float(weight) for weight in weights)


def refuse_names(mode: AdapterMode, names: Sequence[str], weights: Sequence[float]) -> None:
    """Raise `AdapterError` where a `mode` that takes no adapters is given some."""
    if len(names) or len(weights):
        raise AdapterError(
            f"mode '{mode.value}' takes no names and no weights; use mode 'pinned' for exactly "
            "these adapters, or leave them out"
        )


def parse_choice(choice: str) -> tuple[AdapterMode, tuple[str, ...], tuple[float, ...]]:
    """Return mode, names and weights of 'auto', 'none', or names: 'fog', or 'fog=0.7,rain=0.3'.

    No weights mean equal shares. Raises `AdapterError` for a weight that is no number.
    """
    if choice in (AdapterMode.AUTO.value, AdapterMode.NONE.value):
        return AdapterMode(choice), (), ()
    parts = [part.strip().partition("=") for part in choice.split(",")]
    names = tuple(name for name, _, _ in parts)
    if not any(sign for _, sign, _ in parts):
        return AdapterMode.PINNED, names, ()
    try:
        return AdapterMode.PINNED, names, tuple(float(weight) for _, _, weight in parts)
    except ValueError:
        raise AdapterError(
            f"adapters '{choice}' were asked for; auto, none, or names were wanted, all of them "
            "with a weight or none, for example fog=0.7,rain=0.3"
        ) from None
