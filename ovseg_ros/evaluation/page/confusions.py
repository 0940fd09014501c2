"""What is taken for what: the matrix as a picture, and its largest mistakes."""

from __future__ import annotations

from collections.abc import Sequence

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.metrics.summary import Summary
from ovseg_ros.evaluation.page.overview import change_cell
from ovseg_ros.html_table import Cell, table
from ovseg_ros.svg_heat_map import HeatMap

NO_LABEL = "(no label)"
_MOST_LABELS = 30
_MOST_PAIRS = 12
_MOST_CHARS = 22


def heat_map(total: Summary) -> HeatMap | None:
    """Return the share of each truth that got each label; None without truth or for many labels."""
    if not total.evaluated_px or len(total.names) > _MOST_LABELS:
        return None
    columns = (NO_LABEL, *total.names)
    rows = [i for i, counts in enumerate(total.confusion) if sum(counts)]
    shares = [_shares(total.confusion[i]) for i in rows]
    texts = [_short(name) for name in columns]
    return HeatMap("truth \\ label", [texts[i] for i in rows], texts, shares)


def confused_pairs(report: EvalReport) -> str:
    """Return the mistakes that cost most pixels, beside what they cost the other configuration."""
    pairs = mistakes(report.total)[:_MOST_PAIRS]
    others = None
    if report.against:
        others = {(t, p): share for t, p, _, share in mistakes(report.against.total)}
    head = ["truth", "taken for", "of that truth", "of all pixels"]
    head += ["change"] if others is not None else []
    rows = []
    for truth, predicted, of_truth, of_all in pairs:
        row: list[str | Cell] = [truth, predicted]
        row.append(Cell(f"{100 * of_truth:.1f} %", of_truth, of_truth))
        row.append(Cell(f"{100 * of_all:.2f} %", of_all))
        if others is not None:
            change = 100 * (of_all - others.get((truth, predicted), 0.0))
            # A mistake that grew is a loss.
            cell = change_cell(-change, 2)
            row.append(Cell(f"{change:+.2f}", change, classes=cell.classes))
        rows.append(row)
    return table(head, rows, "sortable")


def mistakes(total: Summary) -> list[tuple[str, str, float, float]]:
    """Return (truth, label, share of that truth, share of all pixels), the most pixels first."""
    names = (NO_LABEL, *total.names)
    found = [
        (names[t], names[p], pixels / sum(row), pixels / total.evaluated_px)
        for t, row in enumerate(total.confusion)
        for p, pixels in enumerate(row)
        if pixels and t != p
    ]
    return sorted(found, key=lambda mistake: -mistake[3])


def _short(name: str) -> str:
    return name if len(name) <= _MOST_CHARS else name[: _MOST_CHARS - 1] + "…"


def _shares(counts: Sequence[int]) -> list[float]:
    return [count / sum(counts) for count in counts]
