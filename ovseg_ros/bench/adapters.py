"""What adapters cost: factors beside the weights against the same change merged into them."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import numpy as np

from ovseg_ros.adapters.fusion import fuse
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode, LoraFactors
from ovseg_ros.bench.material import known_names, median_and_p95
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.engine.base import load_backend
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.merge import merge_package
from ovseg_ros.packages import Card, ModelPackage
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text.bank import TextBank
from ovseg_ros.user_folders import user_cache_folder
from ovseg_ros.vocabulary import IdSpace, LabelSpec

NAME = "adapters"
RANK, FUSED = 8, 5
_LABELS = 8
_WARM_UP_CALLS = 3
_MOST_RATIO = 1.15
# Random factors of this size change a mask and explode nowhere.
_FACTOR_SCALE = 0.05


@dataclass
class _Contender:
    """A segmenter with a mix, and its times, ms."""

    words: str
    segmenter: Segmenter
    mix: AdapterMix
    times_ms: list[float]


def bench_adapters(
    package: ModelPackage,
    engines: Sequence[EngineChoice],
    frames: Sequence[UInt8Array],
    calls: int,
    work: Path,
    threads: int = 0,
    on_call: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Time merged weights, one adapter and five fused ones on each of `engines`, call by call.

    The adapters are random ones of rank 8 at all sites: what a call takes does not depend on their
    values. The merged package is written into `work`. Raises `OvsegError` where an engine is
    refused.
    """
    parts = [_random_factors(package.card, seed) for seed in range(FUSED)]
    fused = fuse(parts, [1.0 / FUSED] * FUSED)
    assert fused is not None
    merged = work / "merged"
    merge_package(package, fused, merged)
    one = fuse(parts[:1], [1.0])
    rows: list[dict[str, Any]] = []
    for engine in engines:
        with ExitStack() as stack:
            own = stack.enter_context(_open(package.folder, engine, threads))
            other = stack.enter_context(_open(merged, engine, threads))
            contenders = [
                _Contender("merged weights", other, AdapterMix(), []),
                _Contender("no adapter", own, AdapterMix(), []),
                _Contender(f"one of rank {RANK}", own, _mix(one), []),
                _Contender(f"{FUSED} fused, rank {RANK * FUSED}", own, _mix(fused), []),
            ]
            _time_in_turn(contenders, frames, calls, on_call)
            rows += _rows(engine, contenders)
    height_px, width_px = frames[0].shape[:2]
    data = {"frame": f"{width_px}x{height_px}", "calls": calls, "threads": threads, "rows": rows}
    return BenchResult(
        NAME, "Adapters against merged weights", data, _body(data), {}, _claims(rows)
    )


def _random_factors(card: Card, seed: int) -> LoraFactors:
    rng = np.random.default_rng(seed)
    a, b = (
        _FACTOR_SCALE * rng.standard_normal((RANK, width), np.float32) for width in card.lora_widths
    )
    return LoraFactors(a, b)


def _mix(factors: LoraFactors | None) -> AdapterMix:
    return AdapterMix(AdapterMode.PINNED, ("bench",), (1.0,), (0.0,), "bench", factors)


def _open(folder: Path, engine: EngineChoice, threads: int) -> Segmenter:
    """Open a package for its times alone: made-up weights have no accuracy to be checked."""
    package = ModelPackage.load(folder)
    bank = TextBank.load(package)
    backend = load_backend(package, engine, threads, user_cache_folder())
    segmenter = Segmenter(package, backend, bank, IdSpace.MONO8)
    names = known_names(segmenter.text_bank, _LABELS)
    segmenter.set_labels([LabelSpec(name) for name in names])
    return segmenter


def _time_in_turn(
    contenders: Sequence[_Contender],
    frames: Sequence[UInt8Array],
    calls: int,
    on_call: Callable[[], None],
) -> None:
    """Time one call of each in turn; who begins a round changes from round to round.

    The first call under another mix copies factors and may make shapes anew; it is not timed here.
    """
    for call in range(-_WARM_UP_CALLS, calls):
        for place in range(len(contenders)):
            contender = contenders[(call + place) % len(contenders)]
            frame = frames[call % len(frames)]
            contender.segmenter.set_adapter(contender.mix)
            contender.segmenter.infer(frame)
            start_ns = time.perf_counter_ns()
            contender.segmenter.infer(frame)
            if call >= 0:
                contender.times_ms.append((time.perf_counter_ns() - start_ns) / 1e6)
        on_call()


def _rows(engine: EngineChoice, contenders: Sequence[_Contender]) -> list[dict[str, Any]]:
    merged = contenders[0].times_ms
    rows = []
    for contender in contenders:
        p50_ms, p95_ms = median_and_p95(contender.times_ms)
        # Calls of one round met the same load, so their ratio is steadier than that of medians.
        pairs = zip(contender.times_ms, merged, strict=True)
        rows.append(
            {
                "engine": str(engine),
                "what": contender.words,
                "p50_ms": round(p50_ms, 2),
                "p95_ms": round(p95_ms, 2),
                "ratio_to_merged": round(median(own / other for own, other in pairs), 3),
            }
        )
    return rows


def _claims(rows: Sequence[dict[str, Any]]) -> tuple[Claim, ...]:
    return tuple(
        Claim(
            f"{row['what']}, against merged weights, {row['engine']}",
            f"at most {_MOST_RATIO:g} times",
            f"{row['ratio_to_merged']:.2f} times",
            row["ratio_to_merged"] <= _MOST_RATIO,
        )
        for row in rows
        if str(FUSED) in row["what"].split()
    )


def _body(data: dict[str, Any]) -> str:
    head = ("engine", "what", "p50, ms", "p95, ms", "ratio to merged")
    cells = [
        (
            row["engine"],
            row["what"],
            f"{row['p50_ms']:.2f}",
            f"{row['p95_ms']:.2f}",
            f"{row['ratio_to_merged']:.2f}",
        )
        for row in data["rows"]
    ]
    return (
        f"{data['calls']} calls of `Segmenter.infer` each on {data['frame']} frames, "
        f"{_LABELS} labels, in one process, one call of each in turn, "
        f"{data['threads'] or 'all'} CPU threads. A ratio is the median over rounds. "
        "The merged program keeps its inputs for factors, with zeros of rank 1, as the program "
        "without an adapter does.\n\n" + table(head, cells)
    )
