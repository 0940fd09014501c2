"""Whether a process grows: a robust line through its memory, and its files and threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_ros.bench.soak.evidence import NodeLife

WARM_UP_S = 60.0
# Over less than this, a few MB of noise look like hundreds of MB per hour.
SHORTEST_S = 600.0
_MOST_POINTS = 400
_SHARE = 5


@dataclass(frozen=True)
class Growth:
    """One life of the node. The slope is of what came after the warm-up, in MB per hour.

    It is None where that was shorter than `SHORTEST_S`. `files` and `threads` are medians of the
    first and of the last fifth after the warm-up.
    """

    seconds: float
    rss_first_mb: float
    rss_last_mb: float
    rss_peak_mb: float
    slope_mb_h: float | None
    files: tuple[int, int]
    threads: tuple[int, int]


def growth_of(life: NodeLife) -> Growth | None:
    """Return how a life of the node went; None where it ended within the warm-up."""
    times_s = (np.array(life.sampled_ns, np.float64) - life.born_ns) / 1e9
    warm = times_s >= WARM_UP_S
    if warm.sum() < _SHARE:
        return None
    samples = [sample for sample, keep in zip(life.samples, warm, strict=True) if keep]
    rss = np.array([sample.rss_mb for sample in samples])
    span_s = float(times_s[-1] - WARM_UP_S)
    first_mb, last_mb = _ends(rss)
    return Growth(
        seconds=float(times_s[-1]),
        rss_first_mb=first_mb,
        rss_last_mb=last_mb,
        rss_peak_mb=max(sample.peak_rss_mb for sample in samples),
        slope_mb_h=3600 * slope(times_s[warm], rss) if span_s >= SHORTEST_S else None,
        files=_whole(_ends(np.array([sample.files for sample in samples]))),
        threads=_whole(_ends(np.array([sample.threads for sample in samples]))),
    )


def slope(xs: np.ndarray, ys: np.ndarray) -> float:
    """Return the median of the slopes between any two points (Theil-Sen), per unit of x.

    A third of the points may be anything, such as the moments while an engine is loaded again.
    """
    step = max(1, len(xs) // _MOST_POINTS)
    xs, ys = xs[::step], ys[::step]
    first, second = np.triu_indices(len(xs), k=1)
    return float(np.median((ys[second] - ys[first]) / (xs[second] - xs[first])))


def _ends(values: np.ndarray) -> tuple[float, float]:
    part = max(1, len(values) // _SHARE)
    return float(np.median(values[:part])), float(np.median(values[-part:]))


def _whole(pair: tuple[float, float]) -> tuple[int, int]:
    return round(pair[0]), round(pair[1])
