"""Packages and engines side by side: latency against labels, memory, and the machine's speed."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from statistics import median
from typing import Any

from ovseg_ros.bench.contender import Contender, ContenderSpec
from ovseg_ros.bench.material import median_and_p95
from ovseg_ros.bench.matrix_product import MatrixProduct
from ovseg_ros.bench.results import BenchResult, table
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.svg_chart import Chart, Series

NAME = "packages"
LABEL_COUNTS = (1, 8, 32)
# Few, since every contender holds them, and its memory is measured.
FRAMES = 8
_WARM_UP_CALLS = 2


def bench_packages(
    specs: Sequence[ContenderSpec],
    frames: Sequence[UInt8Array],
    label_counts: Sequence[int],
    calls: int,
    on_call: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Time every contender `calls` times for each number of labels, one call of each in turn.

    `frames` are uint8 [H, W, 3]; `on_call` is called after each round. Between rounds the machine's
    matrix product is timed. Raises `OvsegError` where a contender refuses its package or engine.
    """
    product = MatrixProduct()
    gflops: list[float] = []
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        contenders = [stack.enter_context(Contender(spec, frames)) for spec in specs]
        for count in sorted(label_counts):
            times_ms = _time_in_turn(contenders, count, len(frames), calls, on_call)
            gflops += [product.gflops() for _ in range(3)]
            rows += _rows(specs, count, times_ms, _agreements(contenders, len(frames)))
        memory_mb = {str(c.spec): round(c.peak_rss_mb(), 1) for c in contenders}
    height_px, width_px = frames[0].shape[:2]
    data = {
        "frame": f"{width_px}x{height_px}",
        "calls": calls,
        "contenders": [str(spec) for spec in specs],
        "matrix_product_gflops": round(median(gflops), 1),
        "peak_rss_mb": memory_mb,
        "rows": rows,
    }
    charts = {f"{NAME}.svg": _chart(specs, rows)} if len(label_counts) > 1 else {}
    return BenchResult(NAME, "Packages and engines side by side", data, _body(data), charts)


def _time_in_turn(
    contenders: Sequence[Contender],
    count: int,
    frames: int,
    calls: int,
    on_call: Callable[[], None],
) -> list[list[float]]:
    """Return the times of each contender, ms; who begins a round changes from round to round."""
    times_ms: list[list[float]] = [[] for _ in contenders]
    for contender in contenders:
        contender.set_label_count(count)
        for frame in range(_WARM_UP_CALLS):
            contender.infer_ms(frame % frames)
    for call in range(calls):
        for place in range(len(contenders)):
            index = (call + place) % len(contenders)
            times_ms[index].append(contenders[index].infer_ms(call % frames))
        on_call()
    return times_ms


def _agreements(contenders: Sequence[Contender], frames: int) -> list[float]:
    """Return the share of pixels to which each contender gives the label that the first gives."""
    totals = [0.0] * len(contenders)
    for frame in range(frames):
        masks = [contender.label_mask(frame) for contender in contenders]
        totals = [t + float((m == masks[0]).mean()) for t, m in zip(totals, masks, strict=True)]
    return [total / frames for total in totals]


def _rows(
    specs: Sequence[ContenderSpec],
    count: int,
    times_ms: Sequence[Sequence[float]],
    agreements: Sequence[float],
) -> list[dict[str, Any]]:
    first_ms = times_ms[0]
    rows = []
    for spec, own_ms, agreement in zip(specs, times_ms, agreements, strict=True):
        p50_ms, p95_ms = median_and_p95(own_ms)
        # Calls of one round met the same load, so their ratio is steadier than that of medians.
        ratio = median(own / first for own, first in zip(own_ms, first_ms, strict=True))
        rows.append(
            {
                "labels": count,
                "contender": str(spec),
                "p50_ms": round(p50_ms, 2),
                "p95_ms": round(p95_ms, 2),
                "ratio_to_first": round(ratio, 3),
                "agreement_with_first": round(agreement, 4),
            }
        )
    return rows


def _chart(specs: Sequence[ContenderSpec], rows: Sequence[dict[str, Any]]) -> str:
    series = []
    for name in map(str, specs):
        own = [row for row in rows if row["contender"] == name]
        series.append(Series(name, [r["labels"] for r in own], [r["p50_ms"] for r in own]))
    chart = Chart("number of labels N", "p50, ms", tuple(series), log2_x=True, height_px=320)
    return chart.to_svg()


def _body(data: dict[str, Any]) -> str:
    head = ("N", "contender", "p50, ms", "p95, ms", "ratio", "same pixels", "peak memory, MB")
    cells = [
        (
            *list(row.values())[:-2],
            f"{row['ratio_to_first']:.2f}",
            f"{row['agreement_with_first']:.4f}",
            data["peak_rss_mb"][row["contender"]],
        )
        for row in data["rows"]
    ]
    return (
        f"{data['calls']} calls of `Segmenter.infer` each on {data['frame']} frames of the demo's "
        "drive, every contender in a process of its own, one call of each in turn. A ratio is to "
        "the first contender, the median over rounds; same pixels: the share that gets the first "
        "contender's label. Peak memory is that of the whole process, text tower included. "
        f"This machine multiplied 2048x2048 float32 matrices with numpy at "
        f"{data['matrix_product_gflops']} GFLOP/s (median, in the same run).\n\n"
        + table(head, cells)
    )
