"""What a run through the live node went through: times, drops, and masks that differ."""

from __future__ import annotations

import html
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from ovseg_ros.evaluation.eval_report import CameraFacts, EvalReport, LiveFacts
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.page.charts import latencies
from ovseg_ros.html_table import shown, table
from ovseg_ros.percentiles import percentiles

_MOST_NAMED = 500
_CAMERA_HEAD = (
    "camera",
    "Hz",
    "sent",
    "came back",
    "unlike the direct run",
    "age p50 ms",
    "age p95 ms",
    "without a mask",
)
_MISSING_HEAD = ("source", "camera", "index", "frame", "what became of it")


def live_numbers(report: EvalReport, live: LiveFacts) -> dict[str, Any]:
    """Return rate, percentiles of age and inference, fates, masks unlike a direct run's.

    Under "cameras" are those of each camera.
    """
    by_camera = {
        facts.camera: _numbers(facts, [r for r in report.frames if r.camera == facts.camera])
        for facts in live.cameras
    }
    return {**_numbers(live, report.frames), "cameras": by_camera}


def _numbers(facts: LiveFacts | CameraFacts, frames: Sequence[FrameRow]) -> dict[str, Any]:
    return {
        "rate_hz": facts.rate_hz,
        "sent": facts.sent,
        "fates": fates(frames),
        **percentiles("age", [row.age_ms for row in frames if row.age_ms is not None]),
        **percentiles(
            "inference", [row.inference_ms for row in frames if row.inference_ms is not None]
        ),
        "compared_to_direct": facts.compared,
        "different_from_direct": list(facts.different),
    }


def fates(frames: Sequence[FrameRow]) -> dict[str, int]:
    """Return how many frames had which fate, those that occurred, in the order of `FrameFate`."""
    counts = Counter(row.fate for row in frames)
    return {fate.value: counts[fate] for fate in FrameFate if counts[fate]}


def live_section(report: EvalReport) -> str:
    """Return the section, empty where the run was not live."""
    if report.live is None:
        return ""
    numbers = live_numbers(report, report.live)
    columns = ("p50", "p95", "p99", "max")
    times = [
        (name, *(shown(numbers[f"{key}_{column}_ms"], 1) for column in columns))
        for name, key in (("age of the mask", "age"), ("inference", "inference"))
    ]
    return "".join(
        (
            "<h2>Live</h2>",
            f"<p>{_sent(report.live)} {_agreement(report.live)}</p>",
            _by_camera(numbers["cameras"]),
            table(("ms", *columns), times),
            table(("fate", "frames"), numbers["fates"].items()),
            f'<div class="chart">{latencies(report).to_svg()}</div>',
        )
    )


def _sent(live: LiveFacts) -> str:
    if len(live.cameras) == 1:
        return f"{live.sent} frames were sent at {live.rates}."
    alike = len({camera.rate_hz for camera in live.cameras}) == 1
    rate = f", each at {live.rates}" if alike else ""
    return f"{live.sent} frames of {len(live.cameras)} cameras were sent{rate}."


def _by_camera(cameras: Mapping[str, dict[str, Any]]) -> str:
    """Return a row for each camera, empty where there is only one."""
    if len(cameras) == 1:
        return ""
    rows = [
        (
            camera,
            f"{found['rate_hz']:g}",
            found["sent"],
            found["fates"].get(FrameFate.SEGMENTED.value, 0),
            len(found["different_from_direct"]),
            shown(found["age_p50_ms"], 1),
            shown(found["age_p95_ms"], 1),
            _drops(found["fates"]),
        )
        for camera, found in cameras.items()
    ]
    return f'<div class="wide">{table(_CAMERA_HEAD, rows)}</div>'


def _drops(found: Mapping[str, int]) -> str:
    """Return what became of the frames without a mask, in words."""
    drops = [f"{n} {fate}" for fate, n in found.items() if fate != FrameFate.SEGMENTED.value]
    return ", ".join(drops) or "none"


def missing_frames(frames: Sequence[FrameRow]) -> str:
    """Return the frames without a mask by name and reason, empty where there are none."""
    missing = [row for row in frames if row.fate is not FrameFate.SEGMENTED]
    if not missing:
        return ""
    rows = [(*row.stream, row.index, row.name, row.fate.value) for row in missing[:_MOST_NAMED]]
    more = len(missing) - len(rows)
    rest = f"<p>and {more} more; all are in frames.parquet</p>" if more else ""
    inside = table(_MISSING_HEAD, rows, "sortable") + rest
    return f"<details><summary>frames without a mask: {len(missing)}</summary>{inside}</details>"


def _agreement(live: LiveFacts) -> str:
    if not live.compared:
        return ""
    if not live.different:
        return f"All {live.compared} masks that came back are those of a direct run."
    names = html.escape(", ".join(live.different[:20]))
    return f"{len(live.different)} of {live.compared} masks differ from a direct run: {names}."
