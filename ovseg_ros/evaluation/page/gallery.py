"""Pictures of frames to click through, and the table of frames."""

from __future__ import annotations

import base64
import html
from collections.abc import Iterable, Mapping, Sequence

from ovseg_ros.evaluation.eval_report import EvalReport, Thumbnail
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores
from ovseg_ros.evaluation.page.difference import frame_differences
from ovseg_ros.evaluation.page.overview import change_cell, number_cell
from ovseg_ros.html_table import Cell, shown, table

_MOST_ROWS = 1000
_ORIGINS = ("source", "camera", "domain")
_SCORES = ("mean IoU", "boundary IoU", "pixel accuracy", "ECE", "flicker", "label change")
_HEAD = ("index", "frame", *_SCORES, "adapters")

Key = tuple[str, str, int]


def gallery(report: EvalReport) -> str:
    """Return the pictures, each with the layers that there are of it."""
    changes = _changes(report)
    names = report.total.names
    figures = (
        _figure(thumbnail, names, changes.get(thumbnail.row.key)) for thumbnail in report.thumbnails
    )
    return f'<div class="gallery">{"".join(figures)}</div>'


def legend(report: EvalReport) -> str:
    """Return the colours of the labels."""
    parts = (
        f'<span><i style="background:rgb{tuple(int(part) for part in color)}"></i>'
        f"{html.escape(name)}</span>"
        for name, color in report.colors.items()
    )
    return f'<p class="legend">{"".join(parts)}</p>'


def filters(frames: Sequence[FrameRow]) -> str:
    """Return the choices of camera and domain, as far as there is one."""
    return "".join(
        _select(name, sorted({getattr(row, name) for row in frames} - {""})) for name in _ORIGINS
    )


def frame_table(report: EvalReport) -> str:
    """Return the scored frames, the worst first; where there are many, only the worst of them."""
    changes = _changes(report)
    pictured = {thumbnail.row.key for thumbnail in report.thumbnails}
    scored = [(row, row.scores) for row in report.frames if row.scores is not None]
    scored.sort(key=lambda pair: 2.0 if pair[1].mean_iou is None else pair[1].mean_iou)
    chosen = scored[:_MOST_ROWS]
    origins = [name for name in _ORIGINS if any(_origin(row)[name] for row, _ in chosen)]
    head = [*origins, *_HEAD, *(["gain"] if report.against else [])]
    rows = []
    for row, scores in chosen:
        cells: list[str | Cell] = [_origin(row)[name] for name in origins]
        cells += _cells(row, scores, _anchor(row.key) if row.key in pictured else "")
        if report.against:
            cells.append(change_cell(changes.get(row.key)))
        rows.append(cells)
    attributes = (_data(_origin(row)) for row, _ in chosen)
    more = len(scored) - len(chosen)
    note = f"<p>The other {more} frames are in frames.parquet.</p>" if more else ""
    inside = table(head, rows, "sortable frames", attributes)
    return (
        f"<details><summary>all {len(scored)} scored frames, the worst first</summary>"
        f'<div class="wide">{inside}</div>{note}</details>'
    )


def _changes(report: EvalReport) -> dict[Key, float]:
    others = report.against.frames if report.against else ()
    return {row.key: change for row, change in frame_differences(report.frames, others)}


def _cells(row: FrameRow, scores: FrameScores, link: str) -> list[str | Cell]:
    return [
        Cell(str(row.index), row.index),
        Cell(row.name, link=link),
        number_cell(scores.mean_iou, bar=True),
        number_cell(scores.boundary_iou),
        number_cell(scores.pixel_accuracy),
        number_cell(scores.ece),
        number_cell(scores.flicker),
        number_cell(scores.label_change),
        _mix(row),
    ]


def _figure(thumbnail: Thumbnail, names: Sequence[str], change: float | None) -> str:
    row = thumbnail.row
    layers = {
        "labels": thumbnail.overlay,
        "image": thumbnail.image,
        "truth": thumbnail.truth,
        "errors": thumbnail.errors,
        "other": thumbnail.against,
    }
    first, *others = (_picture(name, data) for name, data in layers.items() if data is not None)
    attributes = _data(
        {
            **_origin(row),
            "iou": "" if row.mean_iou is None else f"{row.mean_iou:.9g}",
            "gain": "" if change is None else f"{change:.9g}",
        }
    )
    return (
        f'<figure id="{_anchor(row.key)}"{attributes}><button type="button" class="open">{first}'
        f"</button><figcaption>{_caption(row, change)}</figcaption>"
        f"<details><summary>layers and labels</summary>{''.join(others)}"
        f"{_label_ious(row, names)}</details></figure>"
    )


def _picture(name: str, data: bytes) -> str:
    text = base64.b64encode(data).decode()
    return (
        f'<img loading="lazy" alt="{name}" data-layer="{name}" src="data:image/jpeg;base64,{text}">'
    )


def _caption(row: FrameRow, change: float | None) -> str:
    parts = [f"<b>{html.escape(row.name)}</b>", f"IoU {shown(row.mean_iou, 3)}"]
    if change is not None:
        cell = change_cell(change)
        parts.append(f'<span class="{cell.classes}">{cell.text}</span>')
    parts += [html.escape(text) for text in (*_origin(row).values(), _mix(row)) if text]
    return " · ".join(parts)


def _label_ious(row: FrameRow, names: Sequence[str]) -> str:
    if row.scores is None:
        return ""
    known = [
        (name, iou) for name, iou in zip(names, row.scores.ious, strict=True) if iou is not None
    ]
    known.sort(key=lambda pair: pair[1])
    return table(("label", "IoU"), [(name, number_cell(iou, bar=True)) for name, iou in known])


def _origin(row: FrameRow) -> dict[str, str]:
    return {name: getattr(row, name) for name in _ORIGINS}


def _mix(row: FrameRow) -> str:
    return " + ".join(f"{name} {weight:.2f}" for name, weight in row.adapters)


def _select(name: str, values: Sequence[str]) -> str:
    if len(values) < 2:
        return ""
    options = "".join(
        f'<option value="{html.escape(value)}">{html.escape(value)}</option>' for value in values
    )
    return (
        f'<label>{name} <select data-filter="{name}"><option value="">all</option>{options}'
        "</select></label>"
    )


def _data(values: Mapping[str, str]) -> str:
    return "".join(f' data-{name}="{html.escape(value)}"' for name, value in values.items())


def _anchor(key: Key) -> str:
    # Bags and cameras may be called anything; their bytes make a name that any address can hold.
    stream = "-".join(part.encode(errors="backslashreplace").hex() for part in key[:2])
    return f"f-{stream}-{key[2]}"


def notes(sentences: Iterable[str]) -> str:
    """Return what was odd in the data as a list, empty without any."""
    items = "".join(f"<li>{html.escape(sentence)}</li>" for sentence in sentences)
    return f'<ul class="notes">{items}</ul>' if items else ""
