"""Percentiles of measured times, under the names that reports give them."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np


def percentiles(name: str, values: Sequence[float]) -> dict[str, float | None]:
    """Return p50, p95, p99 and max of `values` as {name}_p50_ms and so on; None without values."""
    if not values:
        return {f"{name}_{key}_ms": None for key in ("p50", "p95", "p99", "max")}
    p50, p95, p99 = np.percentile(values, (50, 95, 99))
    return {
        f"{name}_p50_ms": float(p50),
        f"{name}_p95_ms": float(p95),
        f"{name}_p99_ms": float(p99),
        f"{name}_max_ms": float(max(values)),
    }
