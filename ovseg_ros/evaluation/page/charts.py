"""The charts of the page: scores over the frames, reliability, adapters over time."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import groupby

from ovseg_ros.evaluation.eval_report import EvalReport
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.metrics.summary import Summary, mean_of
from ovseg_ros.svg_chart import Chart, Series
from ovseg_ros.svg_shapes import COLORS
from ovseg_ros.svg_timeline import Area, Span, Timeline

_MOST_POINTS = 240
_MOST_MARKS = 12
_Read = Callable[[FrameRow], "float | None"]


def over_frames(report: EvalReport) -> tuple[Chart, ...]:
    """Return mean IoU and flicker frame by frame, as far as they are known."""
    charts = (
        _chart("mean IoU of the frame", report, lambda row: row.mean_iou),
        _chart("flicker", report, lambda row: row.scores.flicker if row.scores else None),
    )
    return tuple(chart for chart in charts if any(_known(line) for line in chart.series))


def latencies(report: EvalReport) -> Chart:
    """Return the age of masks, camera by camera where there are several, and of inference."""
    ages = _by_stream(report.frames, lambda row: row.age_ms)
    named = [f"age, {line.name}" for line in ages] if len(ages) > 1 else ["age of the mask"]
    lines = [replace(line, name=name) for line, name in zip(ages, named, strict=True)]
    inference = _line("inference", report.frames, lambda row: row.inference_ms)
    return Chart("frame", "ms", (*lines[: len(COLORS) - 1], inference))


def reliability(report: EvalReport) -> Chart | None:
    """Return how often a pixel is right by how sure it is, beside what it should be."""
    bins = report.total.reliability
    centers = [(part.low + part.high) / 2 for part in bins]
    if not any(part.pixels for part in bins):
        return None
    lines = [
        Series("ideal", (0.0, 1.0), (0.0, 1.0)),
        Series("right", centers, [part.accuracy for part in bins]),
        Series("share of pixels", centers, _shares(report.total)),
    ]
    if report.against:
        others = [part.accuracy for part in report.against.total.reliability]
        lines.append(Series("right, other", centers, others))
    return Chart("confidence", "share", tuple(lines), width_px=560, height_px=320)


def adapters_over_time(report: EvalReport) -> Timeline | None:
    """Return the weights of the first camera's adapters, None without any or with clock jumps."""
    frames = _first_stream(report.frames)
    stamps = [row.stamp_ns for row in frames]
    names = sorted({name for row in frames for name, _ in row.adapters})
    if not names or stamps != sorted(stamps):
        return None
    seconds = [(stamp - stamps[0]) / 1e9 for stamp in stamps]
    steps = [i for i, row in enumerate(frames) if i == 0 or row.adapters != frames[i - 1].adapters]
    mixes = [dict(frames[i].adapters) for i in steps]
    areas = (Area(name, [mix.get(name, 0.0) for mix in mixes]) for name in names)
    return Timeline(
        [seconds[i] for i in steps],
        seconds[-1],
        tuple(areas),
        _spans(frames, seconds),
        "base model",
    )


def _chart(name: str, report: EvalReport, read: _Read) -> Chart:
    lines = _by_stream(report.frames, read)
    if report.against:
        lines = [
            _line("this", report.frames, read),
            _line("the other", report.against.frames, read),
        ]
    return Chart("frame", name, tuple(lines), _domain_marks(report.frames))


def _by_stream(frames: Sequence[FrameRow], read: _Read) -> list[Series]:
    """Return a line for each camera of each source, as many as there are colours."""
    streams = list(dict.fromkeys(row.stream for row in frames))[: len(COLORS)]
    return [
        _line(" ".join(stream).strip(), [row for row in frames if row.stream == stream], read)
        for stream in streams
    ]


def _first_stream(frames: Sequence[FrameRow]) -> list[FrameRow]:
    return [row for row in frames if row.stream == frames[0].stream]


def _line(name: str, frames: Sequence[FrameRow], read: _Read) -> Series:
    """Return a line over the index of frames; neighbours are averaged where there are too many."""
    last = max((row.index for row in frames), default=0)
    width = last // _MOST_POINTS + 1
    by_place: dict[int, list[float | None]] = {}
    for row in frames:
        by_place.setdefault(row.index // width, []).append(read(row))
    places = sorted(by_place)
    return Series(
        name, [float(place * width) for place in places], [mean_of(by_place[p]) for p in places]
    )


def _known(line: Series) -> bool:
    return any(y is not None for y in line.ys)


def _domain_marks(frames: Sequence[FrameRow]) -> tuple[tuple[float, str], ...]:
    """Return where the domain of the first camera changes, unless it does so all the time."""
    groups = groupby(_first_stream(frames), lambda row: row.domain)
    starts = [next(rows) for _, rows in groups]
    marks = tuple((float(row.index), row.domain) for row in starts if row.domain)
    return marks if 1 < len(marks) <= _MOST_MARKS else ()


def _spans(frames: Sequence[FrameRow], seconds: Sequence[float]) -> tuple[Span, ...]:
    starts = [i for i, row in enumerate(frames) if i == 0 or row.domain != frames[i - 1].domain]
    if len(starts) > _MOST_MARKS:
        return ()
    ends = [*starts[1:], len(frames) - 1]
    return tuple(
        Span(frames[i].domain, seconds[i], seconds[j]) for i, j in zip(starts, ends, strict=True)
    )


def _shares(total: Summary) -> list[float]:
    pixels = sum(part.pixels for part in total.reliability)
    return [part.pixels / pixels for part in total.reliability]
