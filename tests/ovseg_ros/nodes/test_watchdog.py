"""When an inference counts as stuck, on a clock that the tests move, and what happens then."""

from __future__ import annotations

import threading

import pytest

from ovseg_ros.nodes.watchdog import Patience, Watchdog

STEP_S = 0.5
LIMIT_S = 10.0
SOON_S = 20.0


def over_after_s(
    patience: Patience, limit_s: float = LIMIT_S, stopped_s: float = 0.0
) -> float | None:
    """Begin a call at 0 s and look every `STEP_S`; return when it is over, None within 1000 s.

    After two seconds the process is stopped for `stopped_s`.
    """
    patience.begin(0.0)
    now_s = 0.0
    while now_s < 1000.0:
        now_s += STEP_S + (stopped_s if now_s == 2.0 else 0.0)
        if patience.is_over(now_s, limit_s):
            return now_s
    return None


def used_to(usual_s: float) -> Patience:
    """Return the patience after five calls that took `usual_s` each."""
    patience = Patience(2 * STEP_S)
    for start_s in range(5):
        patience.begin(start_s)
        patience.end(start_s + usual_s)
    return patience


@pytest.mark.parametrize(
    ("patience", "options", "after_s"),
    [
        pytest.param(used_to(0.03), {}, LIMIT_S, id="a-fast-engine"),
        pytest.param(used_to(3.0), {}, 30.0, id="a-slow-engine-has-ten-times-the-usual"),
        pytest.param(Patience(2 * STEP_S), {}, 30.0, id="the-first-call-has-three-times-as-long"),
        pytest.param(used_to(0.03), {"limit_s": 0.0}, None, id="no-limit"),
        pytest.param(used_to(0.03), {"stopped_s": 60.0}, 69.5, id="a-stopped-process"),
    ],
)
def test_a_call_is_over(
    patience: Patience, options: dict[str, float], after_s: float | None
) -> None:
    found = over_after_s(patience, **options)
    # The look after the limit is the first to see it.
    assert found == (None if after_s is None else after_s + STEP_S)


def test_calls_that_come_back_are_not_added_up() -> None:
    patience = used_to(0.03)
    for start_s in range(0, 100, 8):
        patience.begin(start_s)
        assert not any(patience.is_over(start_s + step, LIMIT_S) for step in range(8))
        patience.end(start_s + 8.0)
    assert not patience.is_over(1000.0, LIMIT_S), "nothing is under way"


def test_a_stuck_call_is_told_once_and_may_do_nothing_when_it_comes_back() -> None:
    told, heard = [], threading.Event()

    def on_stall(seconds: float) -> None:
        told.append(seconds)
        heard.set()

    with Watchdog(lambda: 0.1, on_stall) as watchdog:
        watchdog.begin()
        assert watchdog.end(), "in time"
        watchdog.begin()
        assert heard.wait(SOON_S)
        assert watchdog.gave_up
        assert not watchdog.end()
    assert len(told) == 1
