"""Evaluating a plan through the live node at rate, beside a direct run of the same frames."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.demo.events import Event
from ovseg_ros.evaluation.eval_report import LiveFacts
from ovseg_ros.evaluation.run.chunks import ChunkStore
from ovseg_ros.evaluation.run.live_results import LiveScorer
from ovseg_ros.evaluation.run.live_session import LiveOptions, record_live
from ovseg_ros.evaluation.run.plan import EvalPlan


@dataclass(frozen=True)
class LiveRun:
    """A live run: its plan has two jobs, the live node and the direct run; `store` their results.

    `counters` are the node's own, in words.
    """

    plan: EvalPlan
    store: ChunkStore
    facts: LiveFacts
    counters: str


def run_live(
    plan: EvalPlan,
    direct: ChunkStore,
    folder: Path,
    options: LiveOptions,
    on_event: Callable[[str, Event], None],
) -> LiveRun:
    """Play the frames of `plan` to the node and score what it publishes.

    `direct` holds the results of the direct run, with masks; those of this one are kept in
    `folder`. Raises `OvsegError` where the session cannot run to its end.
    """
    store = ChunkStore(folder, plan.fingerprint(), resume=False)
    with tempfile.TemporaryDirectory(prefix="ovseg_live_") as work:
        recording = record_live(plan, options, Path(work), on_event)
        with LiveScorer(plan, recording, direct) as scorer:
            for result in scorer.results():
                store.put(result)
            facts = scorer.facts()
    counted = recording.statuses[-1] if recording.statuses else {}
    names = ("received", "published", "replaced", "stale", "superseded", "rejected")
    both = replace(
        plan,
        jobs=(plan.jobs[0], plan.jobs[0]),
        modes=(f"live at {facts.rates}", "direct"),
    )
    words = ", ".join(f"{counted.get(name, 0)} {name}" for name in names)
    return LiveRun(both, store, facts, words)
