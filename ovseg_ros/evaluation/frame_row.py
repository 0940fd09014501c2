"""`FrameRow`: what is known of one frame of an evaluation, scored or not."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ovseg_ros.evaluation.metrics.frame_scores import FrameScores


class FrameFate(Enum):
    """What became of a frame: `segmented`, or why there is no mask of it."""

    SEGMENTED = "segmented"
    UNREADABLE = "unreadable"
    LOST = "lost"
    REPLACED = "replaced"
    STALE = "stale"
    SUPERSEDED = "superseded"
    REJECTED = "rejected"


@dataclass(frozen=True)
class FrameRow:
    """One frame: where it is from, what it scored, and in live mode how long it took.

    `source` is the bag it is from, where there are several; `index` counts the frames of its
    camera in that; `adapters` are (name, weight) of the mix in force;
    `scores` is None where there is no mask; `age_ms` is from the frame's stamp and
    `inference_ms` from the start of inference, each to the mask.
    """

    camera: str
    index: int
    name: str
    stamp_ns: int
    domain: str = ""
    sequence: str = ""
    adapters: tuple[tuple[str, float], ...] = ()
    scores: FrameScores | None = None
    fate: FrameFate = FrameFate.SEGMENTED
    age_ms: float | None = None
    inference_ms: float | None = None
    source: str = ""

    @property
    def stream(self) -> tuple[str, str]:
        """The frames that it is one of: its source and camera."""
        return self.source, self.camera

    @property
    def key(self) -> tuple[str, str, int]:
        """What a frame is known by within an evaluation: its source, camera and index."""
        return self.source, self.camera, self.index

    @property
    def mean_iou(self) -> float | None:
        """The mean IoU of the frame, None where there is none."""
        return self.scores.mean_iou if self.scores else None

    def as_json(self) -> dict[str, Any]:
        """Return the row as JSON types, without loss."""
        return {
            **vars(self),
            "adapters": [list(pair) for pair in self.adapters],
            "scores": self.scores.as_json() if self.scores else None,
            "fate": self.fate.value,
        }

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> FrameRow:
        """Return the row that `as_json` gave; raises `TypeError`, `KeyError` or `ValueError`."""
        scores = data["scores"]
        return cls(
            **{
                **data,
                "adapters": tuple((str(name), float(weight)) for name, weight in data["adapters"]),
                "scores": None if scores is None else FrameScores.from_json(scores),
                "fate": FrameFate(data["fate"]),
            }
        )
