"""What the listener of a soak finds wrong, also across lives of the node."""

import pytest

from ovseg_ros.bench.soak.frame_claim import GARBAGE_ID, FrameClaim
from ovseg_ros.bench.soak.observer import HeardMask, Observer
from ovseg_ros.demo.ledger import LabelEntry, LabelMapRecord, MaskRecord, Rule

LATER_NS = 10**12


def labels(revision, published, ids, since=0):
    entries = tuple(LabelEntry(each, f"label {each}") for each in ids)
    return LabelMapRecord(revision, published, entries, since)


def mask(stamp, published, ids, claim=True):
    record = MaskRecord(stamp, published, published + 5, frozenset(ids), well_formed=True)
    return HeardMask(record, FrameClaim(640, 480, stamp) if claim else None)


def broken(*heard):
    observer = Observer()
    for each in heard:
        if isinstance(each, HeardMask):
            observer.on_mask(each)
        else:
            observer.on_labels(each)
    observer.settle(LATER_NS)
    found = observer.take()
    assert observer.take() == {"masks": [], "broken": {}}, "everything is told once"
    return found["broken"]


@pytest.mark.parametrize(
    ("heard", "rules"),
    [
        pytest.param([labels(1, 10, [1]), mask(15, 20, [0, 1])], [], id="kept"),
        pytest.param(
            [labels(1, 10, [1]), mask(15, 20, [2])], [Rule.IDS_OF_REVISION], id="foreign-id"
        ),
        pytest.param(
            [labels(7, 10, [1], 9), labels(1, 50, [2], 49), mask(15, 20, [1]), mask(55, 60, [2])],
            [],
            id="a-node-that-was-started-again",
        ),
        pytest.param(
            [labels(1, 10, [1], 9), labels(1, 50, [2], 49), mask(55, 60, [1])],
            [Rule.IDS_OF_REVISION],
            id="an-id-of-the-life-before",
        ),
        pytest.param([labels(1, 30, [1]), mask(15, 20, [9])], [], id="from-before-it-listened"),
        pytest.param(
            [labels(1, 10, [1]), mask(15, 20, [1], claim=False)],
            [Rule.STAMP_OF_A_FRAME],
            id="a-mask-of-garbage",
        ),
    ],
)
def test_broken_rules_are_counted(heard, rules):
    assert broken(*heard) == {rule.value: 1 for rule in rules}


def test_a_claim_is_read_as_it_was_written():
    claim = FrameClaim(640, 480, 1_700_000_000_123_456_789)
    assert FrameClaim.parse(str(claim)) == claim
    for text in (GARBAGE_ID, "", "camera", "soak/1/2", "soak/1/2/-3", "other/1/2/3"):
        assert FrameClaim.parse(text) is None
