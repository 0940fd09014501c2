"""What the benchmark of the console counts: phases of viewers, and the masks of their time."""

import threading
import time

import pytest

pytest.importorskip("uvicorn", reason="pip install 'ovseg_ros[console]'")
pytest.importorskip("websockets", reason="pip install 'ovseg_ros[console]'")

from console_parts import moment, running_console  # noqa: E402

from ovseg_ros.bench.console import console_result  # noqa: E402
from ovseg_ros.bench.console_viewers import Phase, ViewerSchedule  # noqa: E402
from ovseg_ros.demo.session import SessionResult  # noqa: E402


def test_viewers_come_and_go_and_count_what_they_get():
    phases = [Phase(0), Phase(1), Phase(2)]
    over = threading.Event()
    with running_console() as console:

        def play() -> None:
            while not over.wait(0.01):
                console.hub.moments.put(moment(time.time_ns()))

        camera = threading.Thread(target=play)
        camera.start()
        schedule = ViewerSchedule(console.port, phases, phase_s=0.4, settle_s=0.1)
        schedule.start()
        schedule.join()
        over.set()
        camera.join()
    assert schedule.failure is None
    none, one, two = schedule.phases
    assert (none.frames, none.bytes) == (0, 0)
    assert two.frames > one.frames > 0
    assert one.bytes / one.frames == pytest.approx(two.bytes / two.frames, rel=0.1)
    assert len(two.delays_ms) == two.frames and min(two.delays_ms) >= 0
    assert none.end_ns <= one.start_ns < one.end_ns <= two.start_ns
    assert one.seconds == pytest.approx(0.3, abs=0.2)


def test_masks_count_for_the_viewers_of_their_time():
    second = 1_000_000_000
    phases = [
        Phase(0, False, 0, 10 * second),
        Phase(1, False, 20 * second, 30 * second, 140, 7_000_000, [50.0] * 140),
        Phase(5, False, 40 * second, 50 * second, 500, 25_000_000, [60.0] * 500),
        Phase(1, True, 60 * second, 70 * second, 100, 5_000_000, [80.0] * 100),
    ]
    ages_ms = {0: 40, 20: 42, 40: 60, 60: 99, 15: 1000}
    masks = [
        {"stamp_ns": at * second, "published_ns": at * second + age * 1_000_000}
        for at, age in ages_ms.items()
    ]
    statuses = [
        {"time_ns": at * second + 1, "latency_p50_ms": float(age)} for at, age in ages_ms.items()
    ]
    result = SessionResult(recording={"masks": masks, "statuses": statuses})
    bench = console_result(result, phases, ["car"], 10.0)
    rows = {row["viewers"]: row for row in bench.data["rows"]}
    assert [rows[n]["age_p50_ms"] for n in (0, 1, 5)] == [40.0, 42.0, 60.0]
    assert rows[5]["frames_per_s_and_viewer"] == 10.0
    assert rows[5]["bytes_per_s_and_viewer"] == 500_000.0
    assert rows[0]["bytes_per_s_and_viewer"] is None
    assert bench.data["screen"]["p50_ms"] == 80.0
    assert [claim.met for claim in bench.claims if "latency" in claim.what] == [True, False]
    assert "| 5 | 60.0 |" in bench.body and bench.charts["console.svg"].startswith("<svg")
