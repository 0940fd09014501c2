"""Two cameras in one node against two nodes, each as it is by default, on one machine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from ovseg_ros.bench.camera_round import (
    CAMERAS,
    TWO_NODES,
    Layout,
    RoundPlan,
    RoundResult,
    one_node,
    run_round,
)
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.demo.run import nouns_by_frequency
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.evaluation.drive import open_drive

RATE_HZ = 30.0
LABELS = 8
ONE_NODE = one_node("one node")
BATCHES = one_node("one node, both frames in one call", batch__max_frames=len(CAMERAS))
LAYOUTS = (TWO_NODES, ONE_NODE, BATCHES)
_LEAST_RATIO = 1.3
# How far the slower camera of one node may be behind the faster one.
_FAIR = 0.9

Results = Mapping[str, Sequence[RoundResult]]


def bench_cameras(
    drive_path: Path,
    package: str,
    engine: EngineChoice,
    rate_hz: float,
    seconds: float,
    rounds: int,
    work: Path,
    advance: Callable[[], None],
) -> BenchResult:
    """Run every layout `rounds` times for `seconds`, one after the other and in turn.

    `rate_hz` is that of each camera, and should be more than an engine can do. `advance` is called
    after each of them. Raises `ProcessError`.
    """
    labels = nouns_by_frequency(open_drive(drive_path))[:LABELS]
    parameters = {
        "model.package": package,
        "engine.backend": engine.backend.value,
        "engine.precision": engine.precision.value,
        "engine.device": engine.device,
        "query.labels": "; ".join(labels),
    }
    plan = RoundPlan(drive_path, rate_hz, seconds, parameters)
    results: dict[str, list[RoundResult]] = {layout.title: [] for layout in LAYOUTS}
    for number in range(rounds):
        # Whatever warms up or slows down does so for all of them.
        for layout in _turned(LAYOUTS, number):
            results[layout.title].append(run_round(layout, plan, work))
            advance()
    return BenchResult(
        name="cameras",
        title=f"Two cameras: one node against two, 640x480, N={LABELS}, {engine}",
        data={"labels": labels, "rate_hz": rate_hz, "seconds": seconds, **_numbers(results)},
        body=_body(results, rate_hz, seconds),
        charts={},
        claims=claims_of(results, rate_hz),
    )


def _turned(layouts: Sequence[Layout], number: int) -> Sequence[Layout]:
    return layouts if number % 2 == 0 else tuple(reversed(layouts))


def claims_of(results: Results, rate_hz: float) -> tuple[Claim, ...]:
    """Return what was asked for and whether it was found, from the medians over the rounds."""
    ratio = _ratio(results, ONE_NODE)
    shares = [min(r.masks_per_s) / max(r.masks_per_s) for r in results[ONE_NODE.title]]
    most = max(max(r.masks_per_s) for rounds in results.values() for r in rounds)
    return (
        Claim(
            "masks per second, one node / two nodes",
            f"at least {_LEAST_RATIO}",
            f"{ratio:.2f}",
            ratio >= _LEAST_RATIO,
        ),
        Claim(
            "the two cameras of one node",
            f"the slower one has at least {_FAIR:.0%} of the other's masks",
            f"{min(shares):.0%}",
            min(shares) >= _FAIR,
        ),
        Claim(
            "frames come faster than they are segmented",
            f"below {rate_hz:g} masks per second and camera",
            f"{most:.1f}",
            most < 0.98 * rate_hz,
        ),
    )


def _ratio(results: Results, layout: Layout) -> float:
    """Return masks per second of `layout` to those of two nodes; neighbours in time are paired."""
    pairs = zip(results[layout.title], results[TWO_NODES.title], strict=True)
    return median(one.total_per_s / max(two.total_per_s, 1e-9) for one, two in pairs)


def _numbers(results: Results) -> dict[str, Any]:
    return {
        "ratio": _ratio(results, ONE_NODE),
        "ratio_in_one_call": _ratio(results, BATCHES),
        "rounds": {
            title: [
                {
                    "masks_per_s": list(each.masks_per_s),
                    "cpu_ms_per_mask": each.cpu_ms_per_mask,
                    "ages": list(each.ages),
                }
                for each in rounds
            ]
            for title, rounds in results.items()
        },
    }


def _body(results: Results, rate_hz: float, seconds: float) -> str:
    rows = [
        (
            layout.title,
            f"{median(r.total_per_s for r in rounds):.1f}",
            " / ".join(
                f"{median(r.masks_per_s[place] for r in rounds):.1f}"
                for place in range(len(CAMERAS))
            ),
            f"{_ratio(results, layout):.2f}",
            f"{median(r.cpu_ms_per_mask for r in rounds):.1f}",
            _ages(rounds, "age_p50_ms"),
            _ages(rounds, "age_p95_ms"),
        )
        for layout in LAYOUTS
        for rounds in [results[layout.title]]
    ]
    head = (
        "layout",
        "masks per s",
        "by camera",
        "to two nodes",
        "CPU of the nodes, ms per mask",
        "age p50, ms",
        "age p95, ms",
    )
    return (
        f"Each camera publishes raw rgb8 at {rate_hz:g} Hz, more than the machine can segment; "
        f"masks are counted for {seconds:g} s by a process of its own. Nodes run with the default "
        "threads and parameters, but for the last row (`batch.max_frames`). Medians over the "
        "rounds, in which the layouts take turns; an age is from the stamp of a frame to the "
        "reception of its mask, of the camera where it is higher.\n\n" + table(head, rows)
    )


def _ages(rounds: Sequence[RoundResult], key: str) -> str:
    """Return the worse of the two cameras, as a median over the rounds."""
    worst = [max(age[key] or 0.0 for age in each.ages) for each in rounds]
    return f"{median(worst):.1f}"
