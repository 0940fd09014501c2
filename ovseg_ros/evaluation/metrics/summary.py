"""`Summary`: the numbers read off a tally."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class LabelSummary:
    """What one label scored over a selection of frames.

    IoU, accuracy (recall) and boundary IoU are None where the ground truth never shows the label,
    and then it is in no mean; precision is None where no evaluated pixel was given the label.
    """

    name: str
    iou: float | None
    accuracy: float | None
    precision: float | None
    boundary_iou: float | None
    truth_px: int
    predicted_px: int


@dataclass(frozen=True)
class ReliabilityBin:
    """The labelled pixels whose confidence is in `low`..`high` (the last bin has its end too).

    `confidence` is their mean confidence and `accuracy` the share of them that are right; both are
    None for a bin without pixels.
    """

    low: float
    high: float
    pixels: int
    confidence: float | None
    accuracy: float | None


@dataclass(frozen=True)
class Summary:
    """The numbers of one selection of frames; a number is None where nothing can be said.

    Pixels are evaluated where the ground truth is not 255, and unlabelled where they are evaluated
    and got no label. `ece` is the expected calibration error over `reliability`. `flicker` is the
    share of pixels with the same ground truth as in the frame before that changed their label;
    `label_change` is the share of all pixels that did, which needs no ground truth. `confusion` has
    a row per truth and a column per prediction, first "no label", then the labels in order.
    """

    frames: int
    evaluated_px: int
    unlabelled_px: int
    labels: tuple[LabelSummary, ...]
    mean_iou: float | None
    mean_accuracy: float | None
    mean_boundary_iou: float | None
    pixel_accuracy: float | None
    ece: float | None
    reliability: tuple[ReliabilityBin, ...]
    flicker: float | None
    label_change: float | None
    confusion: tuple[tuple[int, ...], ...]

    @property
    def names(self) -> tuple[str, ...]:
        """The names of the labels in order."""
        return tuple(label.name for label in self.labels)

    @property
    def absent(self) -> tuple[str, ...]:
        """The labels that the ground truth never shows and that no mean therefore contains."""
        return tuple(label.name for label in self.labels if not label.truth_px)

    def as_json(self) -> dict[str, Any]:
        """Return the numbers as JSON types, the labels by name."""
        data = asdict(self)
        labels = {label.pop("name"): label for label in data.pop("labels")}
        return {**data, "absent_from_ground_truth": list(self.absent), "labels": labels}


def mean_of(values: Iterable[float | None]) -> float | None:
    """Return the mean of the values that are not None, None without any."""
    known = [value for value in values if value is not None]
    return sum(known) / len(known) if known else None
