"""`AdapterMix`: the LoRA factors in force, as the engine takes them."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt


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


@dataclass(frozen=True)
class AdapterMix:
    """Which adapters are mixed in, with their weights and distances to the scene.

    `factors` None is the base model. `gate` says in words why the mix is what it is.
    """

    mode: AdapterMode = AdapterMode.NONE
    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    distances: tuple[float, ...] = ()
    gate: str = "base model"
    factors: LoraFactors | None = None
