"""The scores of an evaluation in one JSON file and a table, without pages and masks."""

from __future__ import annotations

from typing import Any

import numpy as np

from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.evaluation.eval_report import ALL, domain_selection
from ovseg_ros.evaluation.evaluate import DomainScores
from ovseg_ros.evaluation.metrics.summary import Summary
from ovseg_ros.evaluation.report import report_as_json
from ovseg_ros.evaluation.run.evaluator import Job
from ovseg_ros.evaluation.run.outcome import JobOutcome, Outcome
from ovseg_ros.evaluation.run.plan import EvalPlan, segmenter_sha256


def scores_of(job: Job, outcome: JobOutcome) -> DomainScores:
    """Return the confusion matrices of a job by domain."""
    domains = dict.fromkeys(row.domain for row in outcome.rows)
    matrices = {
        domain: _matrix_of(outcome.tallies[domain_selection(domain)].summary())
        for domain in domains
        if domain_selection(domain) in outcome.tallies
    }
    return DomainScores(job.plan.asked, matrices or {ALL: ConfusionMatrix(job.plan.names)})


def score_report(plan: EvalPlan, outcome: Outcome, split: str, domain: str) -> dict[str, Any]:
    """Return the scores as JSON types; jobs after the first asked by other names."""
    own, *renamed = (
        scores_of(job, found) for job, found in zip(plan.jobs, outcome.jobs, strict=True)
    )
    configuration = plan.jobs[0].configuration
    report = {
        **configuration.facts(),
        "package": configuration.package,
        "segmenter_sha256": segmenter_sha256(configuration),
        "data": plan.source,
        "split": split or "all",
        "domain": domain or "all",
        "threshold": "card" if configuration.threshold is None else configuration.threshold,
        "images": plan.frames,
        **report_as_json(own, renamed),
    }
    return {**report, "faults": list(outcome.faults)} if outcome.faults else report


def _matrix_of(summary: Summary) -> ConfusionMatrix:
    matrix = ConfusionMatrix(summary.names)
    matrix.counts = np.array(summary.confusion, np.uint64)
    return matrix
