"""What a training run knows of itself: how far it is, and which factors were the best so far."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import Enum
from typing import Any

from torch import Tensor

State = dict[str, Tensor]


class Ending(Enum):
    """Why training ended."""

    ALL_STEPS = "all steps done"
    NO_BETTER = "no better on the frames held out"
    NOT_FINITE = "the loss was not a number"


@dataclass
class Progress:
    """How far a run is.

    `losses` has one for each step; `good` are the factors to fall back on: the best ones
    on the frames held out, or without such frames the last ones under a finite loss. `base_miou`
    and `best_miou` are of the frames held out, None where there are none.
    """

    step: int = 0
    losses: list[float] = field(default_factory=list)
    good: State = field(default_factory=dict)
    good_step: int = 0
    base_miou: float | None = None
    best_miou: float | None = None
    looks_without_better: int = 0
    ending: Ending | None = None

    def look(self, miou: float, factors: State) -> None:
        """Take note of the mIoU of the frames held out under `factors`, present at this step."""
        if self.best_miou is None or miou > self.best_miou:
            self.best_miou, self.looks_without_better = miou, 0
            self.keep(factors)
        else:
            self.looks_without_better += 1

    def keep(self, factors: State) -> None:
        """Fall back on copies of `factors` from now on."""
        self.good = {name: value.detach().clone() for name, value in factors.items()}
        self.good_step = self.step

    def as_dict(self) -> dict[str, Any]:
        """Return what a checkpoint holds."""
        return {**vars(self), "ending": self.ending.value if self.ending else None}

    @classmethod
    def from_dict(cls, held: dict[str, Any]) -> Progress:
        """Return the progress in a checkpoint."""
        ending = held["ending"]
        return cls(**{**held, "ending": Ending(ending) if ending else None})
