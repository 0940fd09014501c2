"""What the operator's console costs the node, and how long a frame takes to the screen."""

from __future__ import annotations

import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.bench.console_viewers import (
    Phase,
    ViewerSchedule,
    can_browse,
    require_websockets,
)
from ovseg_ros.bench.material import SIZE_PX, median_and_p95
from ovseg_ros.bench.node import LABELS, RATE_HZ
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.demo import topics
from ovseg_ros.demo.events import Event, EventKind
from ovseg_ros.demo.run import nouns_by_frequency
from ovseg_ros.demo.script import Door, Step
from ovseg_ros.demo.session import CAMERA, SessionPlan, SessionResult, run_session
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.svg_chart import Chart, Series

# There and back, so that a machine that gets slower or faster meanwhile favours nobody.
ORDER = (0, 1, 5, 5, 1, 0)
# The console lets go of the cameras three seconds after the last viewer has gone.
SETTLE_S = 5.0
_MOST_TIMES = 1.1


def bench_console(
    drive_path: Path,
    package: str,
    phase_s: float,
    work: Path,
    on_event: Callable[[str, Event], None],
) -> BenchResult:
    """Stream raw 640x480 frames at 15 Hz through the node while viewers come and go.

    Each phase of `ORDER` counts for `phase_s` seconds, a last one with a browser too where there is
    one. Raises `OvsegError` where a process dies or the console does not come up.
    """
    require_websockets()
    labels = nouns_by_frequency(open_drive(drive_path))[:LABELS]
    phases = [Phase(viewers) for viewers in ORDER]
    phases += [Phase(1, browser=True)] if can_browse() else []
    port = _free_port()
    schedule = ViewerSchedule(port, phases, SETTLE_S + phase_s, SETTLE_S)

    def on_each(name: str, event: Event) -> None:
        if (name, event.kind) == (CAMERA, EventKind.READY):
            schedule.start()
        on_event(name, event)

    plan = SessionPlan(
        drive_path,
        (SETTLE_S + phase_s) * len(phases) + 2 * SETTLE_S,
        (Step(0.0, Door.SERVICE, "; ".join(labels)),),
        package,
        rate_hz=RATE_HZ,
        raw_size_px=SIZE_PX,
        companions={"console": _console(port)},
    )
    result = run_session(plan, work, on_each)
    schedule.join(SETTLE_S)
    if schedule.failure is not None:
        raise OvsegError(f"the viewers failed: {schedule.failure}") from schedule.failure
    return console_result(result, schedule.phases, labels, phase_s)


def console_result(
    result: SessionResult, phases: Sequence[Phase], labels: Sequence[str], phase_s: float
) -> BenchResult:
    """Return what a session found, by the number of viewers at the time."""
    rows = [_row(result, viewers, phases) for viewers in sorted(set(ORDER))]
    screen = _screen(phases)
    return BenchResult(
        name="console",
        title=f"The console at {RATE_HZ:g} Hz, 640x480, with {_count(rows)} viewers",
        data={"labels": list(labels), "phase_s": phase_s, "rows": rows, "screen": screen},
        body=_body(rows, screen),
        charts={"console.svg": _chart(rows)},
        claims=_claims(rows),
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def _console(port: int) -> tuple[str, ...]:
    words = ("console", "--port", str(port), "--node", f"/{topics.NODE}")
    return ("ovseg_ros.cli", *words, "--image-topic", topics.CAMERA_RAW, "--transport", "raw")


def _row(result: SessionResult, viewers: int, phases: Sequence[Phase]) -> dict[str, Any]:
    """Return the numbers of all phases with so many viewers, taken together."""
    mine = [phase for phase in phases if phase.viewers == viewers and not phase.browser]
    ages = [
        (mask["published_ns"] - mask["stamp_ns"]) / 1e6
        for mask in result.recording["masks"]
        if any(phase.start_ns <= mask["published_ns"] <= phase.end_ns for phase in mine)
    ]
    latencies = [
        status["latency_p50_ms"]
        for status in result.recording["statuses"]
        if any(phase.start_ns <= status["time_ns"] <= phase.end_ns for phase in mine)
        and status["latency_p50_ms"] is not None
    ]
    seconds = sum(phase.seconds for phase in mine)
    delays = [delay_ms for phase in mine for delay_ms in phase.delays_ms]
    per_viewer = seconds * viewers or float("nan")
    return {
        "viewers": viewers,
        "masks": len(ages),
        "mask_rate_hz": len(ages) / seconds,
        "node_latency_p50_ms": float(np.median(latencies)),
        "age_p50_ms": median_and_p95(ages)[0],
        "age_p95_ms": median_and_p95(ages)[1],
        "bytes_per_s_and_viewer": _of(sum(p.bytes for p in mine) / per_viewer, viewers),
        "frames_per_s_and_viewer": _of(sum(p.frames for p in mine) / per_viewer, viewers),
        "received_p50_ms": median_and_p95(delays)[0] if delays else None,
        "received_p95_ms": median_and_p95(delays)[1] if delays else None,
    }


def _of(value: float, viewers: int) -> float | None:
    return value if viewers else None


def _screen(phases: Sequence[Phase]) -> dict[str, float] | None:
    """Return the delays from the camera's stamp to the canvas, None where there was no browser."""
    delays = [delay_ms for phase in phases if phase.browser for delay_ms in phase.delays_ms]
    if not delays:
        return None
    p50, p95, p99 = (float(value) for value in np.percentile(delays, (50, 95, 99)))
    seconds = sum(phase.seconds for phase in phases if phase.browser)
    frames_hz = len(delays) / seconds
    return {"p50_ms": p50, "p95_ms": p95, "p99_ms": p99, "frames_hz": frames_hz}


def _claims(rows: Sequence[dict[str, Any]]) -> tuple[Claim, ...]:
    alone, *watched = rows
    alone_ms = alone["node_latency_p50_ms"]
    claims = []
    for row in watched:
        times = row["node_latency_p50_ms"] / alone_ms
        claims.append(
            Claim(
                f"node latency with {row['viewers']} viewer{'s' * (row['viewers'] > 1)}, p50",
                f"at most {_MOST_TIMES} times that with none, {alone_ms:.1f} ms",
                f"{row['node_latency_p50_ms']:.1f} ms = {times:.2f} times",
                times <= _MOST_TIMES,
            )
        )
        claims.append(
            Claim(
                f"frames to {row['viewers']} viewer{'s' * (row['viewers'] > 1)}",
                "some",
                f"{row['frames_per_s_and_viewer']:.1f} Hz",
                row["frames_per_s_and_viewer"] > 0,
            )
        )
    return tuple(claims)


def _body(rows: Sequence[dict[str, Any]], screen: dict[str, float] | None) -> str:
    head = (
        "viewers",
        "node latency p50, ms",
        "age when published p50 / p95, ms",
        "masks, Hz",
        "frames to each, Hz",
        "kB/s to each",
        "stamp to reception p50 / p95, ms",
    )
    lines = [
        (
            row["viewers"],
            f"{row['node_latency_p50_ms']:.1f}",
            f"{row['age_p50_ms']:.1f} / {row['age_p95_ms']:.1f}",
            f"{row['mask_rate_hz']:.1f}",
            _shown(row["frames_per_s_and_viewer"], 1),
            _shown(row["bytes_per_s_and_viewer"], 1e3),
            f"{_shown(row['received_p50_ms'], 1)} / {_shown(row['received_p95_ms'], 1)}",
        )
        for row in rows
    ]
    text = (
        "Camera (raw rgb8), node, recorder, operator and console are processes of their own; the "
        "viewers are WebSocket clients that take every frame and ask for the next. The recorder "
        f"takes every mask throughout. Viewers come and go in the order {_count_all(ORDER)}; the "
        f"first {SETTLE_S:g} s of each stretch do not count.\n\n" + table(head, lines)
    )
    if screen is None:
        return text + "\n\nNo browser was at hand, so the delay to the screen was not measured."
    return text + (
        f"\n\nFrom the camera's stamp to the canvas of a Chromium without a screen on the same "
        f"machine: p50 {screen['p50_ms']:.1f} ms, p95 {screen['p95_ms']:.1f} ms, p99 "
        f"{screen['p99_ms']:.1f} ms at {screen['frames_hz']:.1f} frames a second. The browser and "
        "its software rendering share the processor with the node then."
    )


def _shown(value: float | None, unit: float) -> str:
    return "-" if value is None else f"{value / unit:.1f}"


def _count(rows: Sequence[dict[str, Any]]) -> str:
    *first, last = [str(row["viewers"]) for row in rows]
    return f"{', '.join(first)} and {last}"


def _count_all(order: Sequence[int]) -> str:
    return ", ".join(map(str, order))


def _chart(rows: Sequence[dict[str, Any]]) -> str:
    viewers = [float(row["viewers"]) for row in rows]
    series = tuple(
        Series(name, viewers, [row[key] for row in rows])
        for name, key in (
            ("node latency p50", "node_latency_p50_ms"),
            ("age p50", "age_p50_ms"),
            ("age p95", "age_p95_ms"),
        )
    )
    return Chart("viewers", "ms", series).to_svg()
