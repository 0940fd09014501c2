"""The report for machines."""

from __future__ import annotations

from typing import Any

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.page.difference import (
    change_of,
    frame_differences,
    label_differences,
)
from ovseg_ros.evaluation.page.live import fates, live_numbers

FORMAT = 1
_MOST_FRAMES = 20


def report_as_json(report: EvalReport) -> dict[str, Any]:
    """Return the report as JSON types.

    All of it is the same on every run over the same frames but `run` and the times in `live`.
    """
    return {
        "format": FORMAT,
        "title": report.title,
        **_configuration(report),
        "notes": list(report.notes),
        "live": live_numbers(report, report.live) if report.live else None,
        "against": {"title": report.against.title, **_configuration(report.against)}
        if report.against
        else None,
        "gain": _gain(report, report.against) if report.against else None,
        "run": dict(report.run),
    }


def _configuration(report: EvalReport) -> dict[str, Any]:
    scored = [row for row in report.frames if row.mean_iou is not None]
    worst = sorted(scored, key=lambda row: row.mean_iou or 0.0)
    return {
        "facts": dict(report.facts),
        "selections": {name: summary.as_json() for name, summary in report.summaries.items()},
        "fates": fates(report.frames),
        "worst_frames": [{**_named(row), "mean_iou": row.mean_iou} for row in worst[:_MOST_FRAMES]],
    }


def _gain(report: EvalReport, other: EvalReport) -> dict[str, Any]:
    """Return how much better `report` is; frames are those that lost most."""
    losses = [pair for pair in frame_differences(report.frames, other.frames) if pair[1] < 0]
    measures = (
        "mean_iou",
        "mean_boundary_iou",
        "mean_accuracy",
        "pixel_accuracy",
        "ece",
        "flicker",
    )
    return {
        **{
            name: change_of(getattr(report.total, name), getattr(other.total, name))
            for name in measures
        },
        "labels": {d.name: d.change for d in label_differences(report.total, other.total)},
        "worst_frames": [
            {**_named(row), "mean_iou": change} for row, change in losses[:_MOST_FRAMES]
        ],
    }


def _named(row: FrameRow) -> dict[str, Any]:
    return {
        "source": row.source,
        "camera": row.camera,
        "index": row.index,
        "name": row.name,
        "stamp_ns": row.stamp_ns,
        "domain": row.domain,
    }
