"""What the recorder makes of the messages it hears: ledger, scores and numbers by second."""

from __future__ import annotations

from collections import deque
from dataclasses import asdict, dataclass
from typing import Any, TypeVar

import numpy as np

from ovseg_ros.demo.ledger import LabelMapRecord, Ledger, MaskRecord
from ovseg_ros.demo.scoring import QueryScorer
from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.evaluation.drive import Drive
from ovseg_ros.evaluation.report import scores_as_json
from ovseg_ros.image_files import decode_ids
from ovseg_ros.segmentation import UInt8Array

SETTLE_NS = 300_000_000
K = TypeVar("K")


@dataclass(frozen=True)
class MaskRow:
    """One judged mask: times in ns since the epoch, its revision (0: none), the frame it shows.

    `camera` is that of its `MaskRecord`.
    """

    stamp_ns: int
    published_ns: int
    received_ns: int
    revision: int
    frame: int | None
    mean_iou: float | None
    camera: str = ""


class Recording:
    """Takes label maps, camera frames and masks as they arrive; judges each mask once settled."""

    def __init__(self, drive: Drive | None) -> None:
        """`drive` gives the ground truth; without it masks are judged but not scored."""
        self._drive = drive
        self._frame_of_key = {f.key: i for i, f in enumerate(drive.frames)} if drive else {}
        self._frame_of_stamp: dict[int, int | None] = {}
        self._pending: deque[tuple[MaskRecord, UInt8Array]] = deque()
        self._scorers: dict[int, QueryScorer] = {}
        self._domains: dict[int, dict[str, ConfusionMatrix]] = {}
        self._second: dict[int, ConfusionMatrix] = {}
        self._ages_ms: list[float] = []
        self.ledger = Ledger()
        self.rows: list[MaskRow] = []

    def on_labels(self, record: LabelMapRecord) -> None:
        """Book a label map."""
        self.ledger.book_labels(record)

    def on_frame(self, stamp_ns: int, key: bytes) -> None:
        """Note which frame of the drive the camera published under a stamp."""
        self._frame_of_stamp[stamp_ns] = self._frame_of_key.get(key)

    def on_mask(self, record: MaskRecord, mask: UInt8Array) -> None:
        """Take a mask, to be judged when the label maps published before it must have arrived."""
        self._ages_ms.append((record.received_ns - record.stamp_ns) / 1e6)
        self._pending.append((record, mask))

    def settle(self, now_ns: int) -> None:
        """Judge the masks that were received at least `SETTLE_NS` before `now_ns`."""
        while self._pending and self._pending[0][0].received_ns + SETTLE_NS <= now_ns:
            self._judge(*self._pending.popleft())

    def finish(self) -> None:
        """Judge all that is left."""
        while self._pending:
            self._judge(*self._pending.popleft())

    def take_second(self) -> dict[str, Any]:
        """Return the numbers since the last call: masks, their ages when received, mean IoU."""
        ages_ms, self._ages_ms = self._ages_ms, []
        second, self._second = self._second, {}
        revision = max(second, default=None)
        return {
            "masks": len(ages_ms),
            "age_p50_ms": float(np.percentile(ages_ms, 50)) if ages_ms else None,
            "age_p95_ms": float(np.percentile(ages_ms, 95)) if ages_ms else None,
            "mean_iou": None if revision is None else second[revision].mean_iou(),
            "query_mean_iou": None if revision is None else self._query_mean_iou(revision),
            "broken": sum(self.ledger.broken.values()),
        }

    def result(self) -> dict[str, Any]:
        """Return everything as JSON types, after `finish`."""
        return {
            "masks": [asdict(row) for row in self.rows],
            "label_maps": [asdict(record) for record in self.ledger.maps],
            "broken_rules": {rule.value: n for rule, n in self.ledger.broken.items()},
            "frames_seen": len(self._frame_of_stamp),
            "scores": {
                str(revision): {
                    "all": scores_as_json(scorer.matrix),
                    "domains": {
                        name: scores_as_json(matrix)
                        for name, matrix in self._domains[revision].items()
                    },
                }
                for revision, scorer in self._scorers.items()
            },
        }

    def _judge(self, record: MaskRecord, mask: UInt8Array) -> None:
        known = self._frame_of_stamp if self._drive else None
        in_force = self.ledger.book_mask(record, known)
        frame = self._frame_of_stamp.get(record.stamp_ns)
        mean_iou = None
        if in_force is not None and frame is not None:
            mean_iou = self._score(in_force, frame, mask)
        self.rows.append(
            MaskRow(
                record.stamp_ns,
                record.published_ns,
                record.received_ns,
                in_force.revision if in_force else 0,
                frame,
                mean_iou,
                record.camera,
            )
        )

    def _score(self, query: LabelMapRecord, frame: int, mask: UInt8Array) -> float | None:
        assert self._drive is not None
        shown = self._drive.frames[frame]
        if shown.truth is None:
            return None
        if query.revision not in self._scorers:
            self._scorers[query.revision] = QueryScorer(query, self._drive.names)
        one = self._scorers[query.revision].add(decode_ids(shown.truth), mask)
        _accumulate(self._second, query.revision, one)
        _accumulate(self._domains.setdefault(query.revision, {}), shown.domain, one)
        return one.mean_iou()

    def _query_mean_iou(self, revision: int) -> float | None:
        return self._scorers[revision].matrix.mean_iou()


def _accumulate(matrices: dict[K, ConfusionMatrix], key: K, one: ConfusionMatrix) -> None:
    matrices[key] = matrices[key] + one if key in matrices else one
