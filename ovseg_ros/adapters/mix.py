"""`AdapterMix`: the LoRA factors in force, as the engine takes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import AdapterError


class AdapterMode(Enum):
    """Who chooses the adapters: the scene (`auto`), nobody (`none`), or the user (`pinned`)."""

    AUTO = "auto"
    NONE = "none"
    PINNED = "pinned"


@dataclass(frozen=True)
class LoraFactors:
    """LoRA factors of every site, packed.

    `a` is float32 [R, sum of C_in], `b` is float32 [R, sum of C_out].

    Site s adds `b_s.T @ a_s` to its weight [C_out, C_in]; scaling and fusion weights are folded in,
    so several adapters are one by concatenation along R.
    """

    a: npt.NDArray[np.float32]
    b: npt.NDArray[np.float32]

    @property
    def rank(self) -> int:
        """R; 0 is the base model."""
        return int(self.a.shape[0])


def packed_factors(
    factors: LoraFactors | None, widths: tuple[int, int]
) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Return `factors` as the inputs `lora_a` and `lora_b` of a graph of `widths`.

    None and rank 0 become rank 1 of zeros, the base model: some backends refuse empty tensors.
    Raises `AdapterError` where the factors have other widths.
    """
    if factors is None or factors.rank == 0:
        return np.zeros((1, widths[0]), np.float32), np.zeros((1, widths[1]), np.float32)
    found = (factors.a.shape[1], factors.b.shape[1])
    if found != widths:
        raise AdapterError(
            f"LoRA factors of widths {found[0]} and {found[1]} were given; "
            f"this package takes {widths[0]} and {widths[1]}; "
            "use an adapter that was trained on this package"
        )
    return factors.a, factors.b


@dataclass(frozen=True)
class AdapterMix:
    """Which adapters are mixed in, with their weights and distances to the scene.

    `factors` None is the base model, and what the weights lack to 1 is its share. `text_factors`
    are those of the text tower, None for the base model's; where they change, texts must be encoded
    again. `gate` says in words why the mix is what it is; it may be empty where adapters are in it.
    """

    mode: AdapterMode = AdapterMode.NONE
    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    distances: tuple[float, ...] = ()
    gate: str = "base model"
    factors: LoraFactors | None = None
    text_factors: LoraFactors | None = None

    def __str__(self) -> str:
        """Return it in words, for example 'auto: fog 0.82, night 0.18'."""
        shares = [f"{name} {w:.2f}" for name, w in zip(self.names, self.weights, strict=True)]
        return f"{self.mode.value}: {'; '.join(filter(None, [', '.join(shares), self.gate]))}"
