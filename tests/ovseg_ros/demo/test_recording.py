"""The recorder's books, fed in the order in which messages may arrive."""

from pathlib import Path

import numpy as np
import pytest
from generated_drive import NAMES, draw_ids, write_drive

from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord, MaskRecord
from ovseg_ros.demo.recording import SETTLE_NS, Recording
from ovseg_ros.evaluation.drive import open_drive

LABELS = tuple(LabelEntry(10 * key, name) for key, name in NAMES.items())


@pytest.fixture
def drive(tmp_path: Path):
    return open_drive(write_drive(tmp_path / "bag", frames=4))


def perfect_mask(index: int) -> np.ndarray:
    ids = draw_ids(index)
    return np.where(ids == 255, 10, 10 * ids.astype(int)).astype(np.uint8)


def record(stamp_ns, published_ns, mask):
    return MaskRecord(
        stamp_ns, published_ns, published_ns + 1_000_000, frozenset(np.unique(mask).tolist()), True
    )


def test_a_mask_waits_for_the_label_map_published_before_it(drive):
    recording = Recording(drive)
    recording.on_frame(1000, drive.frames[0].key)
    mask = perfect_mask(0)
    recording.on_mask(record(1000, 2000, mask), mask)
    recording.settle(2000 + SETTLE_NS)
    assert not recording.rows
    recording.on_labels(LabelMapRecord(1, 1500, LABELS))
    recording.settle(2_000_000 + SETTLE_NS)
    (row,) = recording.rows
    assert (row.revision, row.frame, row.mean_iou) == (1, 0, 1.0)
    assert not recording.ledger.broken


def test_scores_are_kept_by_query_and_by_domain(drive):
    recording = Recording(drive)
    recording.on_labels(LabelMapRecord(1, 0, LABELS))
    recording.on_labels(LabelMapRecord(2, 3000, LABELS[:2]))
    for index in range(4):
        stamp = 1000 * (index + 1)
        recording.on_frame(stamp, drive.frames[index].key)
        mask = perfect_mask(index)
        if stamp >= 3000:
            mask[mask > 20] = 0
        recording.on_mask(record(stamp, stamp + 1, mask), mask)
    recording.finish()
    scores = recording.result()["scores"]
    assert scores["1"]["all"]["mean_iou"] == 1.0
    assert set(scores["1"]["domains"]) == {"day"}
    assert set(scores["2"]["domains"]) == {"night"}
    assert set(scores["2"]["all"]["labels"]) == {"sky", "road"}
    assert recording.result()["broken_rules"] == {}
    second = recording.take_second()
    assert (second["masks"], second["mean_iou"], second["query_mean_iou"]) == (4, 1.0, 1.0)
    assert recording.take_second()["masks"] == 0


def test_a_mask_of_an_unknown_frame_breaks_a_rule(drive):
    recording = Recording(drive)
    recording.on_labels(LabelMapRecord(1, 0, LABELS))
    mask = perfect_mask(0)
    recording.on_mask(record(77, 78, mask), mask)
    recording.finish()
    assert list(recording.result()["broken_rules"].values()) == [1]
