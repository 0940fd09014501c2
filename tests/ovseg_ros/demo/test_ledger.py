"""Which query a mask belongs to, and the rules it must keep."""

from dataclasses import replace

import pytest

from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord, Ledger, MaskRecord, Rule

FIRST = LabelMapRecord(1, 100, (LabelEntry(1, "car"), LabelEntry(0, "sky", negative=True)))
SECOND = LabelMapRecord(2, 200, (LabelEntry(1, "car"), LabelEntry(2, "tree")))
STAMPS = frozenset({50, 60, 70})


def mask(stamp=50, published=150, ids=(0, 1), well_formed=True):
    return MaskRecord(stamp, published, published + 5, frozenset(ids), well_formed)


@pytest.mark.parametrize(
    ("masks", "revisions", "broken"),
    [
        pytest.param([mask()], [1], {}, id="kept"),
        pytest.param([mask(), mask(60, 250, (0, 2))], [1, 2], {}, id="change-of-query"),
        pytest.param([mask(ids=(0, 2))], [1], {Rule.IDS_OF_REVISION: 1}, id="id-of-the-next-query"),
        pytest.param([mask(50, 250, (7,))], [2], {Rule.IDS_OF_REVISION: 1}, id="id-of-no-query"),
        pytest.param([mask(published=90)], [None], {Rule.LABELS_FIRST: 1}, id="mask-before-labels"),
        pytest.param([mask(stamp=55)], [1], {Rule.STAMP_OF_A_FRAME: 1}, id="foreign-stamp"),
        pytest.param([mask(), mask()], [1, 1], {Rule.ONCE_AND_IN_ORDER: 1}, id="twice"),
        pytest.param([mask(60), mask(50)], [1, 1], {Rule.ONCE_AND_IN_ORDER: 1}, id="backwards"),
        pytest.param([mask(well_formed=False)], [1], {Rule.SAME_SIZE: 1}, id="malformed"),
    ],
)
def test_masks_are_judged_by_the_map_published_before_them(masks, revisions, broken):
    ledger = Ledger()
    for record in (SECOND, FIRST, SECOND):
        ledger.book_labels(record)
    found = [ledger.book_mask(item, STAMPS) for item in masks]
    assert [record.revision if record else None for record in found] == revisions
    assert dict(ledger.broken) == broken


def test_masks_of_two_cameras_may_have_one_stamp_and_any_order():
    ledger = Ledger()
    ledger.book_labels(FIRST)
    for stamp, camera in ((60, "front"), (50, "rear"), (60, "rear"), (70, "front")):
        ledger.book_mask(replace(mask(stamp), camera=camera), STAMPS)
    assert not ledger.broken
    ledger.book_mask(replace(mask(60), camera="rear"), STAMPS)
    assert dict(ledger.broken) == {Rule.ONCE_AND_IN_ORDER: 1}


def test_a_repeated_map_does_not_move_the_start_of_its_query():
    ledger = Ledger()
    ledger.book_labels(FIRST)
    ledger.book_labels(LabelMapRecord(1, 300, FIRST.labels))
    assert ledger.map_at(150) == FIRST


def test_negative_labels_have_no_value_in_a_mask():
    assert FIRST.ids == {0, 1}
