"""`Outcome`: the results of all segments, added up."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.tally import Tally
from ovseg_ros.evaluation.run.segment import SegmentResult


@dataclass(frozen=True)
class JobOutcome:
    """What one configuration scored: tallies by selection, and all frames in order."""

    tallies: dict[str, Tally]
    rows: tuple[FrameRow, ...]


@dataclass(frozen=True)
class Outcome:
    """What came of a plan, an outcome per job; `faults` say what could not be used."""

    jobs: tuple[JobOutcome, ...]
    faults: tuple[str, ...]


def merged(results: Iterable[SegmentResult]) -> Outcome:
    """Add up the results of all segments. Tallies are integers, so how they were cut is no matter.

    At least one result is needed.
    """
    tallies: list[dict[str, Tally]] = []
    rows: list[list[FrameRow]] = []
    faults: list[str] = []
    for result in results:
        faults += result.faults
        for number, job in enumerate(result.jobs):
            if number == len(tallies):
                tallies.append({})
                rows.append([])
            rows[number] += job.rows
            for name, tally in job.tallies.items():
                known = tallies[number].get(name)
                tallies[number][name] = tally if known is None else known + tally
    jobs = (JobOutcome(t, tuple(r)) for t, r in zip(tallies, rows, strict=True))
    return Outcome(tuple(jobs), tuple(faults))
