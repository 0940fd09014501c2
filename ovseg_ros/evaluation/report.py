"""The report of an evaluation: JSON for machines, a table for people."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.evaluation.evaluate import DomainScores


def scores_as_json(matrix: ConfusionMatrix) -> dict[str, Any]:
    """Return the mean IoU, the IoU of each label, the absent labels and the pixel count."""
    return {
        "mean_iou": matrix.mean_iou(),
        "evaluated_pixels": matrix.pixels,
        "unlabelled_pixels": int(matrix.counts[:, 0].sum()),
        "absent_from_ground_truth": list(matrix.absent()),
        "labels": {
            score.name: {
                "iou": score.iou,
                "truth_pixels": score.truth_px,
                "predicted_pixels": score.predicted_px,
            }
            for score in matrix.scores()
        },
    }


def report_as_json(own: DomainScores, renamed: Sequence[DomainScores]) -> dict[str, Any]:
    """Return the report of one evaluation: the classes' own names, and rounds of other names.

    `drop` is the mean IoU of the own names minus the mean over the rounds of other names.
    """
    report = {"mean_iou": own.total.mean_iou(), **_round_as_json(own)}
    means = [mean for mean in (scores.total.mean_iou() for scores in renamed) if mean is not None]
    if means and report["mean_iou"] is not None:
        report["renamed_mean_iou"] = sum(means) / len(means)
        report["drop"] = report["mean_iou"] - report["renamed_mean_iou"]
        report["renamed"] = [_round_as_json(scores) for scores in renamed]
    return report


def _round_as_json(scores: DomainScores) -> dict[str, Any]:
    return {
        "asked": dict(zip(scores.total.names, scores.asked, strict=True)),
        "all": scores_as_json(scores.total),
        "domains": {name: scores_as_json(matrix) for name, matrix in scores.by_domain.items()},
    }


def print_scores(scores: DomainScores, console: Console) -> None:
    """Print the IoU of each label, a column per domain and one for all of them."""
    columns = (
        {**scores.by_domain, "all": scores.total}
        if len(scores.by_domain) > 1
        else {"all": scores.total}
    )
    table = Table("label", "asked as", *(escape(f"{name} IoU") for name in columns))
    by_column = [matrix.scores() for matrix in columns.values()]
    for row, (name, asked) in enumerate(zip(scores.total.names, scores.asked, strict=True)):
        cells = [_shown(column[row].iou) for column in by_column]
        # Names come from the data: whatever is in them is text, not markup.
        table.add_row(escape(name), escape(asked) if asked != name else "", *cells)
    table.add_section()
    table.add_row("mean", "", *(_shown(matrix.mean_iou()) for matrix in columns.values()))
    console.print(table)
    absent = scores.total.absent()
    if absent:
        console.print(f"not in the ground truth, so in no mean: {escape(', '.join(absent))}")


def print_summary(report: dict[str, Any], console: Console) -> None:
    """Print the mean IoU and, where classes were renamed, how much the new names cost."""
    console.print(f"mean IoU {_shown(report['mean_iou'])} on {report['images']} images")
    if "drop" in report:
        console.print(
            f"other names: mean IoU {report['renamed_mean_iou']:.3f} over "
            f"{len(report['renamed'])} rounds, a drop of {report['drop']:.3f}"
        )


def _shown(iou: float | None) -> str:
    return "absent" if iou is None else f"{iou:.3f}"
