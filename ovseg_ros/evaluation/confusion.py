"""The confusion matrix over label names, and the IoU per name that is read off it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.vocabulary import NOT_EVALUATED_ID


@dataclass(frozen=True)
class LabelScore:
    """What one label name scored.

    `truth_px` counts its ground-truth pixels, `predicted_px` the evaluated pixels given its name;
    `iou` is None where the label is absent from the ground truth, and then it is in no mean.
    """

    name: str
    iou: float | None
    truth_px: int
    predicted_px: int


class ConfusionMatrix:
    """Counts of (ground truth, prediction) over pixels whose ground truth is not 255.

    `counts` is uint64 [K+1, K+1] for K names: row = truth, column = prediction, index 0 = no label
    and index i = `names[i-1]`.
    """

    def __init__(self, names: Sequence[str]) -> None:
        """Start with nothing counted. At most 254 names; raises `OvsegError` for more."""
        if len(names) > 254:
            raise OvsegError(f"{len(names)} names to evaluate; a uint8 ground truth holds 254")
        self.names = tuple(names)
        side = len(self.names) + 1
        self.counts: npt.NDArray[np.uint64] = np.zeros((side, side), np.uint64)

    def add(self, truth: npt.NDArray[np.uint8], predicted: npt.NDArray[np.uint8]) -> None:
        """Count one image.

        Both are uint8 [H, W] of indices: 0 = no label, i = `names[i-1]`; 255 in `truth` is not
        evaluated. Raises `OvsegError` where shapes differ or an index names nothing.
        """
        if truth.shape != predicted.shape:
            raise OvsegError(
                f"the ground truth is {truth.shape} and the mask {predicted.shape}; "
                "a mask of the size of its image was wanted"
            )
        side = len(self.counts)
        counted = np.bincount(
            truth.astype(np.uint16).ravel() << 8 | predicted.ravel(), minlength=1 << 16
        ).reshape(256, 256)[:NOT_EVALUATED_ID]
        if counted[side:].any() or counted[:, side:].any():
            raise OvsegError(f"an index above {side - 1} was found; there are {side - 1} names")
        self.counts += counted[:side, :side].astype(np.uint64)

    def __add__(self, other: ConfusionMatrix) -> ConfusionMatrix:
        """Return the sum of two matrices over the same names."""
        if self.names != other.names:
            raise OvsegError("confusion matrices over different names cannot be added")
        total = ConfusionMatrix(self.names)
        total.counts = self.counts + other.counts
        return total

    @property
    def pixels(self) -> int:
        """How many pixels were evaluated."""
        return int(self.counts.sum())

    def scores(self) -> tuple[LabelScore, ...]:
        """Return the score of each name: IoU = TP / (TP + FP + FN)."""
        hits = self.counts.diagonal()[1:]
        truth = self.counts.sum(axis=1)[1:]
        predicted = self.counts.sum(axis=0)[1:]
        return tuple(
            LabelScore(name, int(hit) / int(t + p - hit) if t else None, int(t), int(p))
            for name, hit, t, p in zip(self.names, hits, truth, predicted, strict=True)
        )

    def mean_iou(self) -> float | None:
        """Return the mean IoU over the names present in the ground truth, None where none is."""
        present = [score.iou for score in self.scores() if score.iou is not None]
        return sum(present) / len(present) if present else None

    def absent(self) -> tuple[str, ...]:
        """Return the names that the ground truth never shows and the mean therefore leaves out."""
        return tuple(score.name for score in self.scores() if score.iou is None)


def index_table(index_by_id: dict[int, int], otherwise: int) -> npt.NDArray[np.uint8]:
    """Return a uint8 [256] table from ids to indices of a matrix; other ids become `otherwise`."""
    table = np.full(256, otherwise, np.uint8)
    for label_id, index in index_by_id.items():
        table[label_id] = index
    return table
