"""Latency against the number of labels: the bare ONNX Runtime call and `Segmenter.infer`."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence

from ovseg_ros.bench.bare_call import BareCall
from ovseg_ros.bench.material import known_names, median_and_p95
from ovseg_ros.bench.results import BenchResult, table
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.svg_chart import Chart, Series
from ovseg_ros.vocabulary import LabelSpec

LABEL_COUNTS = (1, 2, 4, 8, 16, 32, 64)


def bench_labels(
    segmenter: Segmenter,
    frames: Sequence[UInt8Array],
    calls: int,
    on_call: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Time both doors on the same frames, in turn, `calls` times for each number of labels.

    `frames` are uint8 [H, W, 3]; `on_call` is called after each pair of calls.
    """
    names = known_names(segmenter.text_bank, max(LABEL_COUNTS))
    rows = []
    for count in LABEL_COUNTS:
        bare_ms, infer_ms = _time_pair(segmenter, names[:count], frames, calls, on_call)
        (bare_p50, bare_p95), (infer_p50, infer_p95) = map(median_and_p95, (bare_ms, infer_ms))
        rows.append(
            {
                "labels": count,
                "bare_p50_ms": bare_p50,
                "bare_p95_ms": bare_p95,
                "infer_p50_ms": infer_p50,
                "infer_p95_ms": infer_p95,
            }
        )
    height_px, width_px = frames[0].shape[:2]
    frame, engine = f"{width_px}x{height_px}", str(segmenter.backend.choice)
    return BenchResult(
        name="labels",
        title="Latency against the number of labels",
        data={"engine": engine, "frame": frame, "calls": calls, "rows": rows},
        body=_body(rows, calls, frame, engine),
        charts={"labels.svg": _chart(rows)},
    )


def _time_pair(
    segmenter: Segmenter,
    names: Sequence[str],
    frames: Sequence[UInt8Array],
    calls: int,
    on_call: Callable[[], None],
) -> tuple[list[float], list[float]]:
    """Return the times of the bare call and of `infer`, ms, taken alternately."""
    bare = BareCall(segmenter.package, segmenter.text_bank, names)
    segmenter.set_labels([LabelSpec(name) for name in names])
    for image in frames[:3]:
        bare.time_ms(image)
        segmenter.infer(image)
    bare_ms, infer_ms = [], []
    for i in range(calls):
        image = frames[i % len(frames)]
        bare_ms.append(bare.time_ms(image))
        start_ns = time.perf_counter_ns()
        segmenter.infer(image)
        infer_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
        on_call()
    return bare_ms, infer_ms


def _chart(rows: Sequence[dict[str, float]]) -> str:
    xs = [row["labels"] for row in rows]
    lines = (
        ("bare call p50", "bare_p50_ms"),
        ("bare call p95", "bare_p95_ms"),
        ("infer p50", "infer_p50_ms"),
        ("infer p95", "infer_p95_ms"),
    )
    series = tuple(Series(name, xs, [row[key] for row in rows]) for name, key in lines)
    chart = Chart("number of labels N", "latency, ms", series, log2_x=True, height_px=320)
    return chart.to_svg()


def _body(rows: Sequence[dict[str, float]], calls: int, frame: str, engine: str) -> str:
    head = ("N", "bare p50, ms", "bare p95, ms", "infer p50, ms", "infer p95, ms", "infer / bare")
    cells = [
        (
            row["labels"],
            *(f"{row[key]:.1f}" for key in list(row)[1:]),
            f"{row['infer_p50_ms'] / row['bare_p50_ms']:.2f}",
        )
        for row in rows
    ]
    return (
        f"{calls} calls each on {frame} frames of the demo's drive, the two in turn. The bare call "
        "is `onnxruntime.InferenceSession.run` with default options; `infer` is `Segmenter.infer` "
        f"on {engine}, which leaves the cores to other processes between frames.\n\n"
        + table(head, cells)
    )
