"""Counters and rolling percentiles, with a clock that the test moves."""

from __future__ import annotations

import math

import pytest

from ovseg_ros.nodes.statistics import WINDOW_S, Fate, RollingWindow, Statistics


class Clock:
    """A monotonic clock in seconds that stands still until told."""

    def __init__(self) -> None:
        self.now_s = 100.0

    def __call__(self) -> float:
        return self.now_s


def test_percentiles_and_rate_cover_the_window_only() -> None:
    clock = Clock()
    window = RollingWindow(clock)
    assert math.isnan(window.percentiles().p50)
    assert math.isnan(window.rate_hz())
    window.add(1000.0)
    clock.now_s += WINDOW_S + 1
    for value in range(101):
        window.add(float(value))
        clock.now_s += 0.01
    found = window.percentiles()
    assert (found.p50, found.p95, found.p99) == (50.0, 95.0, 99.0)
    assert window.rate_hz() == pytest.approx(100.0, rel=0.02)


def test_the_rate_of_a_source_that_stopped_goes_down() -> None:
    clock = Clock()
    window = RollingWindow(clock)
    for _ in range(11):
        window.add(0.0)
        clock.now_s += 0.1
    before_hz = window.rate_hz()
    clock.now_s += 2.0
    assert window.rate_hz() < before_hz / 2


def test_fates_add_up() -> None:
    statistics = Statistics(Clock())
    for fate in Fate:
        statistics.note_received()
        statistics.count(fate)
    snapshot = statistics.snapshot()
    assert snapshot.received == sum(snapshot.fates.values()) == len(Fate)
    assert snapshot.last_fate is list(Fate)[-1]


def test_silence_is_measured_while_listening() -> None:
    clock = Clock()
    statistics = Statistics(clock)
    assert statistics.snapshot().silence_s is None
    statistics.listen(True)
    clock.now_s += 3.0
    assert statistics.snapshot().silence_s == pytest.approx(3.0)
    statistics.note_arrival()
    assert statistics.snapshot().silence_s == pytest.approx(0.0)
    statistics.listen(False)
    assert statistics.snapshot().silence_s is None


def test_ages_start_anew_when_stamps_go_backwards() -> None:
    statistics = Statistics(Clock())
    statistics.note_times(age_ms=5.0, latency_ms=4.0, inference_ms=3.0)
    statistics.note_stamp_backwards()
    snapshot = statistics.snapshot()
    assert math.isnan(snapshot.age_ms.p50)
    assert snapshot.latency_ms.p50 == 4.0
    assert snapshot.stamps_backwards == 1
    statistics.note_times(age_ms=None, latency_ms=4.0, inference_ms=3.0)
    assert math.isnan(statistics.snapshot().age_ms.p50), "no stamp, no age"


def test_reset_keeps_the_last_error() -> None:
    statistics = Statistics(Clock())
    statistics.note_received()
    statistics.note_error("the package is gone")
    statistics.reset()
    snapshot = statistics.snapshot()
    assert (snapshot.received, snapshot.last_error) == (0, "the package is gone")


def test_what_is_told_to_a_part_is_told_to_the_whole() -> None:
    clock = Clock()
    whole = Statistics(clock)
    front, rear = whole.part("front"), whole.part("rear")
    assert whole.part("front") is front
    for part, inference_ms in ((front, 10.0), (rear, 30.0)):
        part.note_received()
        part.count(Fate.PUBLISHED)
        part.note_times(None, 2 * inference_ms, inference_ms)
    rear.note_error("half a JPEG")
    assert [s.snapshot().received for s in (whole, front, rear)] == [2, 1, 1]
    assert whole.snapshot().inference_ms.p50 == 20.0
    assert (whole.snapshot().last_error, front.snapshot().last_error) == ("half a JPEG", "")
    for part in (front, rear):
        part.listen(True)
    clock.now_s += 3.0
    rear.note_arrival()
    assert [s.snapshot().silence_s for s in (whole, front, rear)] == [0.0, 3.0, 0.0]
    whole.reset()
    assert whole.part("front").snapshot().received == 0
