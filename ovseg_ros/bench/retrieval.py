"""Choosing among many adapters: time per query, memory, and what opening a library costs."""

from __future__ import annotations

import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import write_adapter
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval import retrieve
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.bench.material import median_and_p95
from ovseg_ros.bench.results import BenchResult, table
from ovseg_ros.packages import Card
from ovseg_ros.svg_chart import Chart, Series

ADAPTER_COUNTS = (10, 1_000, 100_000)
_SPREAD, _AXES = 0.7, 8
_MB = 1e6


def bench_retrieval(
    card: Card,
    work: Path,
    counts: Sequence[int] = ADAPTER_COUNTS,
    queries: int = 100,
    on_adapter: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Write libraries of synthetic adapters into `work`, open them and time `queries` on each.

    `on_adapter` is called after each adapter written. A query is one scene near one of the
    centroids; reading the factors of the adapters chosen is timed on its own.
    """
    # The adapters are made up, so any hash will do where a card says none.
    card = replace(card, raw={"base_sha256": "synthetic", **card.raw})
    target = AdapterTarget.of(card)
    rows: list[dict[str, Any]] = []
    for count in counts:
        folder = work / f"library_{count}"
        folder.mkdir()
        _write_library(folder, target, count, on_adapter)
        rows.append(_measure(folder, work / "cache", card, count, queries))
    return BenchResult(
        name="retrieval",
        title="Retrieval among many adapters",
        data={"scene_dim": target.scene_dim, "queries": queries, "rows": rows},
        body=_body(rows, target.scene_dim, queries, max(counts)),
        charts={"retrieval.svg": _chart(rows)},
    )


def _write_library(
    folder: Path, target: AdapterTarget, count: int, on_adapter: Callable[[], None]
) -> None:
    """Write adapters of rank 1 on the narrowest site: this is about how many there are."""
    site = min(target.sites, key=lambda s: s.c_in + s.c_out)
    rng = np.random.default_rng(count)
    factors = SiteFactors(
        rng.standard_normal((1, site.c_in)) / site.c_in, rng.standard_normal((site.c_out, 1))
    )
    axes = np.linalg.qr(rng.standard_normal((target.scene_dim, _AXES)))[0].T
    shape = DomainShape((0.9 * axes).astype(np.float32), _SPREAD)
    for number in range(count):
        info = AdapterInfo(
            name=f"domain-{number:06}",
            domain=f"synthetic {number}",
            base_sha256=target.base_sha256,
            embedding_space=target.embedding_space,
            centroid=rng.standard_normal(target.scene_dim).astype(np.float32),
            spread=_SPREAD,
            count=16,
            rank=1,
            alpha=1.0,
            sites=(site.name,),
            synthetic=True,
        )
        write_adapter(folder, info, {site.name: factors}, target, shape)
        on_adapter()


def _measure(folder: Path, cache: Path, card: Card, count: int, queries: int) -> dict[str, Any]:
    first_s, library = _opened(folder, card, cache)
    again_s, library = _opened(folder, card, cache)
    start_ns = time.perf_counter_ns()
    library.refresh()
    refresh_ms = (time.perf_counter_ns() - start_ns) / 1e6
    rng, index = np.random.default_rng(1), library.index
    query_ms, read_ms = [], []
    for _ in range(queries):
        row = int(rng.integers(count))
        noise = 0.5 * rng.standard_normal(index.centroids.shape[1])
        scene = (index.centroids[row] + noise).astype(np.float32)
        start_ns = time.perf_counter_ns()
        found = retrieve(index, scene, RetrievalSettings(), shape_of=library.shape)
        chosen_ns = time.perf_counter_ns()
        library.factors(found.names[0])
        query_ms.append((chosen_ns - start_ns) / 1e6)
        read_ms.append((time.perf_counter_ns() - chosen_ns) / 1e6)
        assert found.names[0] == index.names[row]
    query_p50, query_p95 = median_and_p95(query_ms)
    return {
        "adapters": count,
        "open_first_s": first_s,
        "open_again_s": again_s,
        "refresh_ms": refresh_ms,
        "query_p50_ms": query_p50,
        "query_p95_ms": query_p95,
        "read_p50_ms": median_and_p95(read_ms)[0],
        "index_mb": index.table.nbytes / _MB,
        "index_is_mapped": isinstance(index.table, np.memmap),
        "peak_rss_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / _MB,
    }


def _opened(folder: Path, card: Card, cache: Path) -> tuple[float, AdapterLibrary]:
    start_ns = time.perf_counter_ns()
    library = AdapterLibrary.open(folder, card, cache)
    return (time.perf_counter_ns() - start_ns) / 1e9, library


def _chart(rows: Sequence[dict[str, Any]]) -> str:
    xs = [float(row["adapters"]) for row in rows]
    lines = (("query p50", "query_p50_ms"), ("query p95", "query_p95_ms"))
    series = tuple(Series(name, xs, [row[key] for row in rows]) for name, key in lines)
    chart = Chart("number of adapters", "time per query, ms", series, log2_x=True, height_px=320)
    return chart.to_svg()


def _body(rows: Sequence[dict[str, Any]], scene_dim: int, queries: int, most: int) -> str:
    head = (
        "adapters",
        "query p50, ms",
        "query p95, ms",
        "read one, ms",
        "open first, s",
        "open again, s",
        "look for changes, ms",
        "index, MB",
        "peak memory, MB",
    )
    cells = [
        (
            f"{row['adapters']:,}",
            f"{row['query_p50_ms']:.3f}",
            f"{row['query_p95_ms']:.3f}",
            f"{row['read_p50_ms']:.2f}",
            f"{row['open_first_s']:.2f}",
            f"{row['open_again_s']:.2f}",
            f"{row['refresh_ms']:.1f}",
            f"{row['index_mb']:.1f}{' (mapped)' if row['index_is_mapped'] else ''}",
            f"{row['peak_rss_mb']:.0f}",
        )
        for row in rows
    ]
    return (
        f"{queries} scenes each against synthetic centroids of {scene_dim} numbers, one thread. "
        "Opening reads the header of every file the first time and a table in the cache from then "
        f"on; factors are read when they are chosen, so those of {most:,} adapters need not fit "
        "into memory. The peak is that of the whole process so far, in the order of the rows.\n\n"
        + table(head, cells)
    )
