"""Whether a process grows: a robust line through its memory, and its files and threads."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_ros.bench.soak.evidence import NodeLife

WARM_UP_S = 60.0
# Until then caches and the pools of the engine fill up with what each kind of query needs.
SETTLED_S = 300.0
# Over less than this, what goes up and down with each engine looks like hundreds of MB per hour.
SHORTEST_S = 900.0
_MOST_POINTS = 400
_SHARE = 5


@dataclass(frozen=True)
class Growth:
    """One life of the node, after the warm-up.

    `own_mb` is the memory of its own, `shared_mb` what the middleware shares with other processes,
    both with `files` and `threads` as medians of the first and of the last fifth. `slope_mb_h` is
    that of its own memory per hour from `SETTLED_S` on, None over less than `SHORTEST_S`.
    """

    seconds: float
    own_mb: tuple[float, float]
    shared_mb: tuple[float, float]
    peak_rss_mb: float
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
    own = np.array([sample.rss_mb - sample.shared_mb for sample in samples])
    settled = times_s[warm] >= SETTLED_S
    return Growth(
        seconds=float(times_s[-1]),
        own_mb=_ends(own),
        shared_mb=_ends(np.array([sample.shared_mb for sample in samples])),
        peak_rss_mb=max(sample.peak_rss_mb for sample in samples),
        slope_mb_h=_slope_mb_h(times_s[warm][settled], own[settled]),
        files=_whole(_ends(np.array([sample.files for sample in samples]))),
        threads=_whole(_ends(np.array([sample.threads for sample in samples]))),
    )


def _slope_mb_h(times_s: np.ndarray, own_mb: np.ndarray) -> float | None:
    if not len(times_s) or times_s[-1] - times_s[0] < SHORTEST_S:
        return None
    return 3600 * slope(times_s, own_mb)


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
