"""Frames, masks and confidences find each other by their stamps."""

import numpy as np
import pytest
from console_parts import picture

from ovseg_ros.console.matching import Matcher

MASK = np.ones((6, 8), np.uint8)


def feed(matcher, steps):
    """Add parts written as 'p1' (picture of stamp 1), 'm1', 'c1'; return the stamps that came."""
    out = []
    for step in steps.split():
        kind, stamp = step[0], int(step[1:])
        if kind == "p":
            moment = matcher.add_picture(stamp, picture(), 0.0)
        elif kind == "m":
            moment = matcher.add_mask(stamp, MASK, 0.0)
        else:
            moment = matcher.add_confidence(stamp, MASK)
        if moment is not None:
            out.append((moment.stamp_ns, moment.confidence is not None))
    return out


@pytest.mark.parametrize(
    ("steps", "wanted"),
    [
        ("p1 m1 c1", [(1, True)]),
        ("c1 m1 p1", [(1, True)]),
        ("p1 p2 p3 m2 c2 m3 c3", [(2, True), (3, True)]),
        ("p1 m1 p2 m2", [(1, False)]),
        ("p1 m1 p2 m2 c2", [(1, False), (2, True)]),
        ("p1 p2 m2 c2 m1 c1", [(2, True)]),
        ("m1 c1 p2", []),
    ],
)
def test_a_moment_comes_out_once_it_is_whole(steps, wanted):
    assert feed(Matcher(), steps) == wanted


def test_frames_go_out_alone_when_there_are_no_masks():
    matcher = Matcher(maskless_after_s=1.0)
    out = [matcher.add_picture(stamp, picture(), stamp * 0.4) for stamp in range(1, 7)]
    assert [moment.stamp_ns for moment in out if moment] == [4, 5, 6]
    assert all(moment.mask is None for moment in out if moment)
    assert matcher.add_mask(6, MASK, 2.4) is None
    assert matcher.add_picture(7, picture(), 2.8) is None


def test_what_waits_is_bounded():
    matcher = Matcher(maskless_after_s=1e9, most_bytes=10 * 144)
    for stamp in range(1000):
        matcher.add_picture(stamp, picture(), 0.0)
    assert matcher.add_mask(980, MASK, 0.0) is None
    matcher.add_mask(999, MASK, 0.0)
    assert matcher.add_confidence(980, MASK) is None
    assert matcher.add_confidence(999, MASK).stamp_ns == 999


def test_nothing_is_kept_between_two_looks():
    matcher = Matcher()
    feed(matcher, "p1 m1")
    matcher.clear()
    assert feed(matcher, "c1") == []
