"""Selection on and off, side by side: means by query and by look."""

import numpy as np
import pytest
from generated_drive import NAMES, draw_ids

from ovseg_ros.demo.comparison import Tally
from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord

LABELS = tuple(LabelEntry(10 * key, name) for key, name in NAMES.items())
EVERYTHING, SKY = LabelMapRecord(1, 0, LABELS), LabelMapRecord(2, 0, LABELS[:1])


def perfect(truth):
    return np.where(truth == 255, 10, 10 * truth.astype(int)).astype(np.uint8)


def test_nothing_counted_is_no_score():
    assert Tally(NAMES).mean_iou() is None
    assert Tally(NAMES).mean_iou("day") is None


def test_means_are_weighted_with_the_frames_of_each_query_and_kept_by_look():
    tally, truth = Tally(NAMES), draw_ids(0)
    for _ in range(3):
        tally.add(EVERYTHING, "day", truth, perfect(truth))
    tally.add(SKY, "night", truth, np.zeros_like(truth))
    assert tally.mean_iou("day") == 1.0
    assert tally.mean_iou("night") == 0.0
    assert tally.mean_iou() == pytest.approx(0.75)
    assert tally.mean_iou("fog") is None
