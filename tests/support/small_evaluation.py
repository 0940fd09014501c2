"""A report over generated frames of two cameras and two domains, for tests of what is written."""

from __future__ import annotations

import numpy as np

from ovseg_ros.evaluation.eval_report import (
    ALL,
    CameraFacts,
    EvalReport,
    LiveFacts,
    camera_selection,
    domain_selection,
)
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.metrics.tally import Previous, Tally
from ovseg_ros.evaluation.page.thumbnails import choose_rows, draw_thumbnail

NAMES = ("road", "car", "tree", "moon")
COLORS = ((128, 64, 128), (0, 0, 200), (60, 150, 60), (250, 250, 90))
SIZE = (48, 64)
PERIOD_NS = 66_666_667


def scene(seed, mistakes, names=NAMES):
    """Return truth, prediction and confidence with a share of wrong blocks."""
    random = np.random.default_rng(seed)
    coarse = np.repeat(np.arange(6)[:, None] % (len(names) - 1) + 1, 8, axis=1)
    wrong = random.random(coarse.shape) < mistakes
    seen = np.where(wrong, random.integers(0, len(names), coarse.shape), coarse)
    truth, predicted = (
        np.kron(values, np.ones((8, 8), int)).astype(np.uint8) for values in (coarse, seen)
    )
    truth[:2] = 255
    confidence = np.where(truth == predicted, 200, 120).astype(np.uint8)
    return truth, predicted, confidence


def _live(frames):
    front = CameraFacts("front", 15.0, frames, frames, ("front_003",))
    return LiveFacts((front, CameraFacts("rear", 10.0, frames + 1, frames)))


def small_report(
    mistakes=0.2, names=NAMES, frames=8, title="small", against=None, live=False, domains=None
):
    """Return a report with thumbnails; the cameras are front and rear, the domains day and dusk."""
    domains = domains or ("day", "dusk")
    selections = [ALL, *map(domain_selection, domains), camera_selection("front")]
    selections.append(camera_selection("rear"))
    tallies = {name: Tally(names) for name in selections}
    rows, pictures, number = [], {}, 0
    for camera in ("front", "rear"):
        previous = None
        for index in range(frames):
            number += 1
            domain = domains[2 * index // frames]
            truth, predicted, confidence = scene(number, mistakes * (1 + index / frames), names)
            for name in (ALL, domain_selection(domain), camera_selection(camera)):
                scores = tallies[name].add(truth, predicted, confidence, previous)
            previous = Previous(predicted, truth)
            row = FrameRow(
                camera,
                index,
                f"{camera}_{index:03d}",
                1_000_000_000 + index * PERIOD_NS,
                domain,
                "drive",
                (("dusk", 0.75), ("rain", 0.25)) if domain == domains[1] else (),
                scores,
                age_ms=40.0 + index if live else None,
                inference_ms=30.0 if live else None,
            )
            rows.append(row)
            pictures[row.key] = (truth, predicted)
    if live:
        rows.append(FrameRow("rear", frames, "rear_lost", 2_000_000_000, fate=FrameFate.REPLACED))
    random = np.random.default_rng(0)
    thumbnails = tuple(
        draw_thumbnail(
            row,
            random.integers(0, 256, (*SIZE, 3)).astype(np.uint8),
            pictures[row.key][1],
            pictures[row.key][0],
            [COLORS[i % len(COLORS)] for i in range(len(names))],
            pictures[row.key][1] if against else None,
        )
        for row in choose_rows(rows, 6, against.frames if against else ())
    )
    return EvalReport(
        title=title,
        facts={"package": "tiny", "bag": "drive.mcap", "labels": "; ".join(names)},
        summaries={name: tally.summary() for name, tally in tallies.items()},
        frames=tuple(rows),
        colors={name: COLORS[i % len(COLORS)] for i, name in enumerate(names)},
        thumbnails=thumbnails,
        live=_live(frames) if live else None,
        notes=("the clock went back by 2.0 s at frame 12",),
        run={"machine": "a machine", "took": "12 s"},
        against=against,
    )
