"""What following the scene was worth: the demo's masks beside those of the base model.

The base model segments the same frames under the same queries again, after the run.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.bags.reader import read_messages, stamp_ns_of
from ovseg_ros.demo import topics
from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord
from ovseg_ros.demo.scoring import QueryScorer
from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.evaluation.drive import Drive
from ovseg_ros.image_files import decode_ids, decode_rgb
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import Vocabulary

# Enough for every look under every query, and a few seconds of work.
MOST_FRAMES = 160


class Tally:
    """Scores by query and by look."""

    def __init__(self, nouns: Mapping[int, str]) -> None:
        """`nouns` maps ground-truth ids to names."""
        self._nouns = nouns
        self._scorers: dict[int, QueryScorer] = {}
        self._matrices: dict[tuple[int, str], ConfusionMatrix] = {}
        self._frames: dict[tuple[int, str], int] = {}

    def add(self, labels: LabelMapRecord, look: str, truth: UInt8Array, mask: UInt8Array) -> None:
        """Count one mask, uint8 [H, W], under `labels`."""
        key = (labels.revision, look)
        if labels.revision not in self._scorers:
            self._scorers[labels.revision] = QueryScorer(labels, self._nouns)
        one = self._scorers[labels.revision].add(truth, mask)
        self._matrices[key] = self._matrices[key] + one if key in self._matrices else one
        self._frames[key] = self._frames.get(key, 0) + 1

    def mean_iou(self, look: str | None = None) -> float | None:
        """Return the mean over queries, each weighted with its frames; of one `look` or of all."""
        scores = []
        for revision, scorer in self._scorers.items():
            keys = [k for k in self._frames if k[0] == revision and look in (None, k[1])]
            matrix = scorer.matrix if look is None else self._matrices.get((revision, look))
            mean_iou = matrix.mean_iou() if matrix is not None else None
            if mean_iou is not None:
                scores.append((mean_iou, sum(self._frames[key] for key in keys)))
        if not scores:
            return None
        return float(np.average([iou for iou, _ in scores], weights=[n for _, n in scores]))


def compare_with_base(
    bag: Path,
    drive: Drive,
    recording: Mapping[str, Any],
    queries: Sequence[Mapping[str, Any]],
    package: str,
) -> dict[str, Any] | None:
    """Return the mean IoU with selection on and off, of all frames and by look; None without truth.

    `bag` and `recording` are those of the run, `queries` as the operator reported them.
    """
    rows = _chosen(drive, recording["masks"])
    if not rows:
        return None
    on, off = Tally(drive.names), Tally(drive.names)
    masks = _recorded(bag, {row["stamp_ns"] for row in rows})
    maps = {entry["revision"]: _record(entry) for entry in recording["label_maps"]}
    texts = {query["revision"]: query["query"] for query in queries if query["accepted"]}
    with Segmenter.open(package) as segmenter:
        for revision in sorted({row["revision"] for row in rows}):
            labels = _labels_of(segmenter.set_query(texts[revision]), revision)
            for row in (row for row in rows if row["revision"] == revision):
                frame = drive.frames[row["frame"]]
                assert frame.truth is not None, "only frames with ground truth were chosen"
                truth = decode_ids(frame.truth)
                plain = segmenter.infer(decode_rgb(frame.image)).label_mask.astype(np.uint8)
                on.add(maps[revision], frame.domain, truth, masks[row["stamp_ns"]])
                off.add(labels, frame.domain, truth, plain)
    looks = dict.fromkeys(drive.frames[row["frame"]].domain for row in rows)
    return {
        "frames": len(rows),
        "all": {"on": on.mean_iou(), "off": off.mean_iou()},
        "looks": {look: {"on": on.mean_iou(look), "off": off.mean_iou(look)} for look in looks},
    }


def _chosen(drive: Drive, masks: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Return at most `MOST_FRAMES` masks with a query and ground truth, spread over the run."""
    known = [
        mask
        for mask in masks
        if mask["revision"]
        and mask["frame"] is not None
        and drive.frames[mask["frame"]].truth is not None
    ]
    if len(known) <= MOST_FRAMES:
        return known
    return [known[i] for i in np.linspace(0, len(known) - 1, MOST_FRAMES).round().astype(int)]


def _recorded(bag: Path, stamps: set[int]) -> dict[int, UInt8Array]:
    return {
        stamp_ns_of(message): message.data.reshape(message.height, message.width)
        for _, _, message in read_messages(bag, (topics.MASK,))
        if stamp_ns_of(message) in stamps
    }


def _record(entry: Mapping[str, Any]) -> LabelMapRecord:
    """Return a label map as the recorder wrote it down."""
    labels = tuple(
        LabelEntry(label["id"], label["name"], tuple(label["synonyms"]), label["negative"])
        for label in entry["labels"]
    )
    return LabelMapRecord(entry["revision"], entry["published_ns"], labels)


def _labels_of(vocabulary: Vocabulary, revision: int) -> LabelMapRecord:
    labels = tuple(
        LabelEntry(label.id, label.name, label.synonyms, label.negative)
        for label in vocabulary.labels
    )
    return LabelMapRecord(revision, 0, labels)
