"""`FrameScores`: what one frame scored, one row of the table of frames."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class FrameScores:
    """The measures of one frame, as `Summary` defines them; None where nothing can be said.

    `ious` are in the order of the tally's names, None for a label that the frame's ground truth
    does not show.
    """

    mean_iou: float | None
    pixel_accuracy: float | None
    boundary_iou: float | None
    ece: float | None
    flicker: float | None
    label_change: float | None
    evaluated_px: int
    unlabelled_px: int
    ious: tuple[float | None, ...]

    def as_json(self) -> dict[str, Any]:
        """Return the scores as JSON types."""
        return {**asdict(self), "ious": list(self.ious)}

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FrameScores:
        """Return the scores that `as_json` gave; raises `TypeError` or `KeyError` for others."""
        return cls(**{**data, "ious": tuple(data["ious"])})
