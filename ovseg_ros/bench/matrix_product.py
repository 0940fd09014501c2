"""How fast this machine multiplies matrices: the yardstick that makes latencies comparable."""

from __future__ import annotations

import time

import numpy as np

SIDE = 2048


class MatrixProduct:
    """The float32 product of two 2048x2048 matrices with numpy, on all cores."""

    def __init__(self) -> None:
        """Make the matrices and run the product once, since the first run starts the threads."""
        rng = np.random.default_rng(0)
        self._first = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
        self._second = rng.standard_normal((SIDE, SIDE), dtype=np.float32)
        self._out = self._first @ self._second

    def gflops(self) -> float:
        """Run the product once and return 2 x 2048^3 operations over its time, in GFLOP/s."""
        start_ns = time.perf_counter_ns()
        np.matmul(self._first, self._second, out=self._out)
        return 2 * SIDE**3 / (time.perf_counter_ns() - start_ns)
