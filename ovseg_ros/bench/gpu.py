"""Engines on one GPU: latency against labels, memory, changes, and how far from the floor."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from statistics import median
from typing import Any

import numpy as np

from ovseg_ros.bench.contender import Call, Contender, ContenderSpec
from ovseg_ros.bench.floor import network_gflop
from ovseg_ros.bench.gauge import Gauge
from ovseg_ros.bench.results import BenchResult, table
from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.svg_chart import Chart, Series

NAME = "gpu"
LABEL_COUNTS = (1, 8, 32, 128)
# A GPU that works for one contender stays warm for it; single calls in turn would measure clocks.
_BLOCK = 20
_WARM_UP_CALLS = 5
_CHANGES = 10
_LIBRARIES = ("torch", "tensorrt", "tensorrt_rtx", "onnxruntime")


def usual_contenders(package: str, device: str, camera_px: tuple[int, int]) -> list[ContenderSpec]:
    """Return torch called frame by frame, torch recorded, and TensorRT where it is installed."""
    eager = EngineChoice(BackendName.TORCH, Precision.FP32, device)
    engines = [EngineChoice(BackendName.TORCH, Precision.FP16, device)]
    if any(find_spec(module) for module in ("tensorrt", "tensorrt_rtx")):
        engines.append(EngineChoice(BackendName.TENSORRT, Precision.FP16, device))
    return [
        ContenderSpec(package, eager, eager=True),
        *(contender(package, engine, camera_px) for engine in engines),
    ]


def contender(package: str, engine: EngineChoice, camera_px: tuple[int, int]) -> ContenderSpec:
    """Return what runs `package` on `engine`; TensorRT's engines are for one (W, H) of frames."""
    built = engine.backend is BackendName.TENSORRT
    return ContenderSpec(package, engine, camera_px=camera_px if built else None)


def bench_gpu(
    specs: Sequence[ContenderSpec],
    frames: Sequence[UInt8Array],
    label_counts: Sequence[int],
    calls: int,
    device: str,
    on_block: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Time every contender `calls` times for each number of labels, in blocks in turn.

    All are of one package and run on `device`; `frames` are uint8 [H, W, 3]; `on_block` is called
    after each round of blocks. Raises `OvsegError` without that device, and where a contender
    refuses its package or engine.
    """
    counts = sorted(set(label_counts))
    height_px, width_px = frames[0].shape[:2]
    rows: list[dict[str, Any]] = []
    with ExitStack() as stack:
        gauge = stack.enter_context(Gauge(device))
        package = ModelPackage.load(specs[0].package)
        gflop = network_gflop(package, (width_px, height_px), counts)
        rates = [gauge.tflops()]
        contenders, memory_mb = [], {}
        for spec in specs:
            free_mb = gauge.free_mb()
            contenders.append(stack.enter_context(Contender(spec, frames)))
            _warm_up(contenders[-1], counts)
            memory_mb[str(spec)] = round(free_mb - gauge.free_mb())
        for count, work in zip(counts, gflop, strict=True):
            measured = _measure(contenders, count, len(frames), calls, on_block)
            rates.append(gauge.tflops())
            rows += [{"labels": count, "gflop": round(work, 2), **row} for row in measured]
        device_words = gauge.words
    rate = median(rates)
    for row in rows:
        row["floor_ms"] = round(row["gflop"] / rate, 4)
        row["times_floor"] = round(row["engine_p50_ms"] / (row["gflop"] / rate), 2)
    data = {
        "device": device_words,
        "libraries": {name: _version(name) for name in _LIBRARIES},
        "frame": f"{width_px}x{height_px}",
        "calls": calls,
        "contenders": [str(spec) for spec in specs],
        "matrix_product_tflops": round(rate, 3),
        "device_memory_mb": memory_mb,
        "rows": rows,
    }
    charts = {f"{NAME}.svg": _chart(rows)} if len(counts) > 1 else {}
    return BenchResult(NAME, "Engines on one GPU", data, _body(data), charts)


def rounds_of(calls: int) -> int:
    """Return how many rounds of blocks `calls` are."""
    return -(-calls // _BLOCK)


def _warm_up(newcomer: Contender, counts: Sequence[int]) -> None:
    """Let a contender take all the memory that it is going to need."""
    for count in counts:
        newcomer.set_label_count(count)
        newcomer.infer_block(0, _WARM_UP_CALLS)
        newcomer.after_adapter_ms(1)


def _measure(
    contenders: Sequence[Contender],
    count: int,
    frames: int,
    calls: int,
    on_block: Callable[[], None],
) -> list[dict[str, Any]]:
    """Return a row for each contender at `count` labels."""
    times: list[list[Call]] = [[] for _ in contenders]
    for each in contenders:
        each.set_label_count(count)
    for turn in range(rounds_of(calls)):
        for place in range(len(contenders)):
            index = (turn + place) % len(contenders)
            contenders[index].infer_block(0, _WARM_UP_CALLS)
            size = min(_BLOCK, calls - turn * _BLOCK)
            times[index] += contenders[index].infer_block(turn * _BLOCK, size)
        on_block()
    masks = [[each.label_mask(frame) for frame in range(frames)] for each in contenders]
    rows = []
    for each, own, seen in zip(contenders, times, masks, strict=True):
        equal = [float((a == b).mean()) for a, b in zip(seen, masks[0], strict=True)]
        rows.append(
            {
                "contender": str(each.spec),
                **_latencies(own),
                "after_query_ms": _median(each.after_query_ms(_CHANGES)),
                "after_adapter_ms": _median(each.after_adapter_ms(_CHANGES)),
                "agreement_with_first": round(float(np.mean(equal)), 4),
            }
        )
    return rows


def _latencies(calls: Sequence[Call]) -> dict[str, float]:
    p50, p95, p99 = np.percentile([call.infer_ms for call in calls], (50, 95, 99))
    return {
        "infer_p50_ms": round(float(p50), 3),
        "infer_p95_ms": round(float(p95), 3),
        "infer_p99_ms": round(float(p99), 3),
        "engine_p50_ms": round(median(call.engine_ms for call in calls), 3),
        "processor_p50_ms": round(median(call.processor_ms for call in calls), 3),
    }


def _median(values: Sequence[float]) -> float | None:
    return round(median(values), 3) if values else None


def _version(name: str) -> str:
    try:
        return version(name)
    except PackageNotFoundError:
        return "not installed"


def _chart(rows: Sequence[dict[str, Any]]) -> str:
    names = dict.fromkeys(row["contender"] for row in rows)
    series = []
    for name in names:
        own = [row for row in rows if row["contender"] == name]
        series.append(Series(name, [r["labels"] for r in own], [r["infer_p50_ms"] for r in own]))
    floors = {row["labels"]: row["floor_ms"] for row in rows}
    series.append(Series("arithmetic alone", list(floors), list(floors.values())))
    chart = Chart("number of labels N", "p50, ms", tuple(series), log2_x=True, height_px=320)
    return chart.to_svg()


_COLUMNS = {
    "N": "labels",
    "contender": "contender",
    "p50, ms": "infer_p50_ms",
    "p95, ms": "infer_p95_ms",
    "p99, ms": "infer_p99_ms",
    "engine p50, ms": "engine_p50_ms",
    "processor p50, ms": "processor_p50_ms",
    "after a query, ms": "after_query_ms",
    "after an adapter, ms": "after_adapter_ms",
    "floor, ms": "floor_ms",
    "engine / floor": "times_floor",
    "same pixels": "agreement_with_first",
}


def _body(data: dict[str, Any]) -> str:
    libraries = ", ".join(f"{name} {value}" for name, value in data["libraries"].items())
    cells = [[row[key] for key in _COLUMNS.values()] for row in data["rows"]]
    memory = table(("contender", "device memory, MB"), data["device_memory_mb"].items())
    return (
        f"Device: {data['device']}. {libraries}.\n\n"
        f"{data['calls']} calls of `Segmenter.infer` each on {data['frame']} frames, every "
        f"contender in a process of its own, in blocks of {_BLOCK} in turn. p50 to p99 are of the "
        "whole call, engine is the share of the backend, copies included; processor is what the "
        "processor worked for one frame, on all of its cores. The first frame after a change "
        "carries it: of the query, to the same labels in another order, and of the adapter, to "
        "another of the same rank. Same pixels: the share that gets the first contender's label.\n"
        "\nThe floor is the arithmetic of one frame (matrix products and convolutions of the "
        f"network in torch) at {data['matrix_product_tflops']} TFLOP/s, what the device made of a "
        "large matrix product in the same run (float16 on a GPU).\n\n"
        + table(list(_COLUMNS), cells)
        + "\n\nMemory is what the device had less of once a contender was loaded and had seen "
        "every number of labels, contexts and buffers included.\n\n" + memory
    )
