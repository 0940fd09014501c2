"""Evaluating a plan in this process, one segment after the other."""

from __future__ import annotations

from collections.abc import Callable

from ovseg_ros.evaluation.run.chunks import ChunkStore
from ovseg_ros.evaluation.run.evaluator import SegmentEvaluator
from ovseg_ros.evaluation.run.plan import EvalPlan


def run_direct(
    plan: EvalPlan, store: ChunkStore, keep_masks: bool, on_frames: Callable[[int], None]
) -> None:
    """Evaluate what `store` lacks; `on_frames` is told of every number of frames that are done.

    Raises `OvsegError`; what was done until then stays in the store.
    """
    missing = plan.segments and store.missing(plan.segments)
    on_frames(plan.frames - sum(len(segment.frames) for segment in missing))
    if not missing:
        return
    with SegmentEvaluator(plan.jobs, keep_masks) as evaluator:
        for segment in missing:
            store.put(evaluator.evaluate(segment, lambda: on_frames(1)))
