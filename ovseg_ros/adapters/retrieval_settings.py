"""How adapters are weighed."""

from __future__ import annotations

import math
from dataclasses import dataclass

from ovseg_ros.adapters.distance import Distance
from ovseg_ros.errors import AdapterError


@dataclass(frozen=True)
class RetrievalSettings:
    """How adapters are weighed; `published` is how SemLA does it.

    Weights are a softmax of the similarity over `temperature`, for the `top_k` nearest. The
    published 0.05 belongs to euclidean distances of 768 numbers around 10 and hardly tells near
    from far; in the units of `rms` 0.2 is sharper: with `tiny` on CamVid, a dusk frame gives dusk
    0.98 against day and Indian roads. 0.1 would give the own one of eight adapters 0.01 to 0.05
    more on frames to learn from, but a scene on the border of two changes its mix ten times a
    minute. Shares below `least_weight` are left out, as each adapter costs its rank.

    An adapter takes part where the scene is within `gate` times the spread of its domain: of the
    ball around its centroid, and where its shape is known, of that too. 1.4 was chosen on frames to
    learn from: those of the own domain are at 0.7 to 1.3 spreads of the ball (5th to 95th
    percentile; 1.5 for domains of many places), day of CamVid is at 1.56 or more from adapters of
    its dusk. Infinity is no gate. Raises `AdapterError` for numbers that make no sense.
    """

    distance: Distance = Distance.RMS
    temperature: float = 0.2
    top_k: int = 5
    gate: float = 1.4
    least_weight: float = 0.01

    @classmethod
    def published(cls) -> RetrievalSettings:
        """Return those of the published program, which has no gate."""
        return cls(Distance.EUCLIDEAN, 0.05, top_k=5, gate=math.inf, least_weight=0.0)

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for what, value in (("temperature", self.temperature), ("gate", self.gate)):
            if not value > 0 or (what == "temperature" and math.isinf(value)):
                raise AdapterError(f"the {what} is {value}; a number above 0 was wanted")
        if self.top_k < 1:
            raise AdapterError(f"top_k is {self.top_k}; a whole number from 1 up was wanted")
        if not 0 <= self.least_weight <= 0.1:
            raise AdapterError(
                f"least_weight is {self.least_weight}; a share from 0 to 0.1 was wanted"
            )
