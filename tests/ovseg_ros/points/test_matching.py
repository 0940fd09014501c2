"""Frames and depth: the same stamp first, then the nearest, and nothing waits or grows forever."""

from __future__ import annotations

import threading

import pytest

from ovseg_ros.points.matching import WAITING_FRAMES, DepthMatcher, StampRing

MS = 1_000_000
GAP_MS = 20


class Scene:
    """A matcher with a clock that the test moves. Depth images are named by their stamps in ms."""

    def __init__(self, gap_ms: int = GAP_MS) -> None:
        self.now_s = 0.0
        self.matcher: DepthMatcher[str, int] = DepthMatcher(lambda: gap_ms * MS, lambda: self.now_s)

    def depth(self, *stamps_ms: int) -> None:
        for stamp_ms in stamps_ms:
            self.matcher.put_depth(stamp_ms * MS, 1, stamp_ms)

    def frame(self, stamp_ms: int, name: str = "frame") -> object:
        return self.matcher.put_frame(stamp_ms * MS, name)

    def taken(self) -> list[tuple[str, int | None]]:
        """Return all frames whose depth is decided by now."""
        return [(match.frame, match.depth) for match in iter(self.matcher.poll, None)]


@pytest.mark.parametrize(
    ("depths_ms", "wanted"),
    [
        pytest.param([80, 100, 120], 100, id="its own stamp"),
        pytest.param([99, 100], 100, id="its own before a near one"),
        pytest.param([90, 105, 130], 105, id="the nearest, once passed"),
        pytest.param([80, 120], 120, id="just near enough, the newer of equals"),
        pytest.param([70, 130], None, id="none near enough"),
        pytest.param([5000, 100], 100, id="a clock that was set back"),
    ],
)
def test_a_frame_gets_its_depth(depths_ms: list[int], wanted: int | None) -> None:
    scene = Scene()
    scene.depth(*depths_ms)
    scene.frame(100)
    assert scene.taken() == [("frame", wanted)]


def test_depth_may_come_after_the_frame() -> None:
    scene = Scene()
    scene.frame(100, "a")
    scene.frame(133, "b")
    scene.depth(67)
    scene.depth(100, 133)
    assert scene.taken() == [("a", 100), ("b", 133)]


def test_a_frame_waits_for_better_depth_no_longer_than_the_limit() -> None:
    scene = Scene()
    scene.depth(95)
    scene.frame(100)
    assert scene.taken() == [], "one of its own stamp may still come"
    scene.now_s = GAP_MS / 1000
    assert scene.taken() == [("frame", 95)]


def test_with_a_limit_of_zero_only_the_same_stamp_counts() -> None:
    scene = Scene(gap_ms=0)
    scene.frame(100, "a")
    scene.frame(133, "b")
    scene.depth(99, 101, 133)
    assert scene.taken() == [("a", None), ("b", 133)]


def test_without_depth_the_oldest_frame_is_given_back() -> None:
    scene = Scene()
    lost = [scene.frame(100 * n, f"frame {n}") for n in range(WAITING_FRAMES + 2)]
    assert lost[:WAITING_FRAMES] == [None] * WAITING_FRAMES
    assert [(m.frame, m.depth, m.gap_ns) for m in lost[WAITING_FRAMES:]] == [
        ("frame 0", None, None),
        ("frame 1", None, None),
    ]


def test_a_taker_that_is_too_slow_loses_frames_that_have_depth() -> None:
    scene = Scene()
    scene.depth(100)
    lost = [scene.frame(100, f"frame {n}") for n in range(WAITING_FRAMES + 1)]
    assert (lost[-1].frame, lost[-1].depth) == ("frame 0", 100)


def test_cleared_is_empty() -> None:
    scene = Scene()
    scene.depth(100)
    scene.frame(100)
    scene.matcher.clear()
    scene.frame(100, "later")
    assert scene.taken() == []


def test_a_taker_sleeps_until_there_is_something_or_this_is_closed() -> None:
    scene = Scene()
    found = []
    taker = threading.Thread(target=lambda: found.extend(iter(scene.matcher.take, None)))
    taker.start()
    scene.frame(100)
    scene.depth(100)
    while not found:
        assert taker.is_alive()
    scene.matcher.close()
    taker.join(20)
    assert (taker.is_alive(), [match.depth for match in found]) == (False, [100])


def test_the_ring_is_bounded_in_number_and_memory() -> None:
    ring: StampRing[int] = StampRing(limit_bytes=1000, limit_items=5)
    for n in range(20):
        ring.put(n, 10, n)
    assert len(ring) == 5
    for n in range(20, 30):
        ring.put(n, 400, n)
    assert len(ring) == 2
    ring.put(30, 5000, 30)
    assert (len(ring), ring.nearest(0)) == (1, (30, 30)), "the newest is kept whatever its size"
    ring.clear()
    ring.put(31, 999, 31)
    assert ring.nearest(31) == (0, 31)
