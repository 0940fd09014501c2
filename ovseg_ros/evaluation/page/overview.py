"""The top of the page: what came out, in a sentence, in tiles, by selection and by label."""

from __future__ import annotations

import html
from collections.abc import Sequence

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.metrics.summary import LabelSummary, Summary
from ovseg_ros.evaluation.page.difference import change_of, frame_differences, label_differences
from ovseg_ros.html_table import Cell, shown, table

# Less than this is shown as 0.000.
_NOTICEABLE = 0.0005


def verdict(report: EvalReport) -> tuple[str, ...]:
    """Return the outcome in a few sentences, the most important one first."""
    total, other = report.total, report.against
    if total.mean_iou is None:
        return (
            "No ground truth, so no IoU: only how much the labels change from frame to frame "
            f"is known ({_percent(total.label_change)} of the pixels).",
        )
    first = f"Mean IoU {total.mean_iou:.3f} over {total.frames} frames"
    if other is None or other.total.mean_iou is None:
        return (f"{first}.",)
    change = total.mean_iou - other.total.mean_iou
    compared = f"{_gain(change)} {other.title} ({other.total.mean_iou:.3f})."
    return (f"{first}, {compared}", *_where(report, other))


def change_class(change: float | None) -> str:
    """Return the style of a gain or a loss."""
    if change is None or abs(change) < _NOTICEABLE:
        return ""
    return "good" if change > 0 else "bad"


def change_cell(change: float | None, digits: int = 3) -> Cell:
    """Return a gain with its sign, coloured."""
    text = "-" if change is None else f"{change:+.{digits}f}"
    return Cell(text, -9.0 if change is None else change, classes=change_class(change))


def number_cell(value: float | None, bar: bool = False) -> Cell:
    """Return a share 0..1 with three digits, with a bar if wanted; what is not known sorts last."""
    return Cell(shown(value, 3), -1.0 if value is None else value, value if bar else None)


def tiles(report: EvalReport) -> str:
    """Return the main numbers, each with its change against the other configuration."""
    total, other = report.total, report.against.total if report.against else None
    rows = (
        ("mean IoU", "mean_iou", 1, ""),
        ("boundary IoU", "mean_boundary_iou", 1, "IoU near the contours"),
        ("mean accuracy", "mean_accuracy", 1, "recall, mean over labels"),
        ("pixel accuracy", "pixel_accuracy", 1, ""),
        ("calibration error", "ece", -1, "ECE, 0 is best"),
        ("flicker", "flicker", -1, "labels that change where the truth does not; 0 is best"),
    )
    parts = [
        _tile(name, getattr(total, field), getattr(other, field, None), sign, hint)
        for name, field, sign, hint in rows
    ]
    return f'<div class="tiles">{"".join(parts)}</div>'


def facts(report: EvalReport) -> str:
    """Return what was evaluated; beside another configuration, what is not the same is marked."""
    other = report.against
    if other is None:
        return table(("", report.title), report.facts.items(), "facts")
    names = dict.fromkeys((*report.facts, *other.facts))
    rows = []
    for name in names:
        values = report.facts.get(name, "-"), other.facts.get(name, "-")
        style = "differs" if values[0] != values[1] else ""
        rows.append((name, *(Cell(value, classes=style) for value in values)))
    return table(("", report.title, other.title), rows, "facts")


def selections(report: EvalReport) -> str:
    """Return a row of numbers for all frames, each domain and each camera."""
    others = report.against.summaries if report.against else {}
    head = ["selection", "frames", "mean IoU", "boundary IoU", "pixel accuracy", "mean accuracy"]
    head += ["ECE", "flicker", "without label", *(["mean IoU gain"] if report.against else [])]
    rows = []
    for name, summary in report.summaries.items():
        row = [name, *_selection_cells(summary)]
        if report.against:
            other = others.get(name)
            row.append(change_cell(change_of(summary.mean_iou, other.mean_iou if other else None)))
        rows.append(row)
    return table(head, rows, "sortable")


def labels(report: EvalReport) -> str:
    """Return a row for each label; the mean and what is in none of it below."""
    other = report.against.total if report.against else None
    others = {label.name: label for label in other.labels} if other else {}
    head = ["label", "IoU", "accuracy", "precision", "boundary IoU", "share of truth"]
    head += ["IoU gain"] if other else []
    pixels = sum(label.truth_px for label in report.total.labels) or 1
    rows = []
    for label in report.total.labels:
        row = _label_cells(label, label.truth_px / pixels)
        if other:
            against = others.get(label.name)
            row.append(change_cell(change_of(label.iou, against.iou if against else None)))
        rows.append(row)
    return table(head, rows, "sortable") + _absent(report.total)


def labels_by_selection(report: EvalReport) -> str:
    """Return the IoU of each label in each selection, empty where there is but one selection."""
    if len(report.summaries) < 3:
        return ""
    columns = [[label.iou for label in s.labels] for s in report.summaries.values()]
    rows = [
        (name, *(number_cell(column[i], bar=True) for column in columns))
        for i, name in enumerate(report.total.names)
    ]
    inside = table(("IoU of", *report.summaries), rows, "sortable")
    title = "<summary>IoU of each label by selection</summary>"
    return f'<details>{title}<div class="wide">{inside}</div></details>'


def _selection_cells(summary: Summary) -> Sequence[Cell]:
    without = summary.unlabelled_px / summary.evaluated_px if summary.evaluated_px else None
    return (
        Cell(str(summary.frames), summary.frames),
        number_cell(summary.mean_iou, bar=True),
        number_cell(summary.mean_boundary_iou, bar=True),
        number_cell(summary.pixel_accuracy),
        number_cell(summary.mean_accuracy),
        number_cell(summary.ece),
        number_cell(summary.flicker),
        Cell(_percent(without), -1.0 if without is None else without),
    )


def _label_cells(label: LabelSummary, share: float) -> list[Cell]:
    return [
        Cell(label.name),
        number_cell(label.iou, bar=True),
        number_cell(label.accuracy),
        number_cell(label.precision),
        number_cell(label.boundary_iou, bar=True),
        Cell(_percent(share), share),
    ]


def _absent(total: Summary) -> str:
    if not total.absent:
        return ""
    names = html.escape(", ".join(total.absent))
    return f'<p class="quiet">Not in the ground truth, so in no mean: {names}.</p>'


def _where(report: EvalReport, other: EvalReport) -> list[str]:
    found = label_differences(report.total, other.total)
    gained = [d for d in found if d.change >= _NOTICEABLE]
    lost = [d for d in found if d.change <= -_NOTICEABLE]
    sentences = [f"{len(gained)} of {len(found)} labels gained and {len(lost)} lost"]
    if gained:
        sentences.append(f"most gained: {gained[0].name} ({gained[0].change:+.3f})")
    if lost:
        sentences.append(f"most lost: {lost[-1].name} ({lost[-1].change:+.3f})")
    changes = [change for _, change in frame_differences(report.frames, other.frames)]
    ups, downs = sum(c >= _NOTICEABLE for c in changes), sum(c <= -_NOTICEABLE for c in changes)
    frames = f"Of {len(changes)} frames that both scored, {ups} gained and {downs} lost."
    return ["; ".join(sentences) + ".", *([frames] if changes else [])]


def _tile(name: str, value: float | None, other: float | None, sign: int, hint: str) -> str:
    change = change_of(value, other)
    note = ""
    if change is not None:
        style = change_class(sign * change)
        note = f'<span class="{style}">{change:+.3f}</span>'
    title = f' title="{html.escape(hint)}"' if hint else ""
    return f'<div class="tile"{title}>{html.escape(name)}<b>{shown(value, 3)}</b>{note}</div>'


def _gain(change: float) -> str:
    if abs(change) < _NOTICEABLE:
        return "the same as"
    return f"{abs(change):.3f} {'better' if change > 0 else 'worse'} than"


def _percent(share: float | None) -> str:
    return "-" if share is None else f"{100 * share:.1f} %"
