"""What the device of a benchmark is, how fast it multiplies, and how much memory it has left.

Asked of a process of its own, so that the one that benchmarks holds no memory of the device.
"""

from __future__ import annotations

import time
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from ovseg_ros.bench.child import Child, answer_all
from ovseg_ros.closing import Closing
from ovseg_ros.engine.choice import CPU, BackendName, EngineChoice, Precision
from ovseg_ros.errors import BackendError

_SIDE_GPU, _SIDE_CPU = 8192, 1024
_PRODUCTS = 10
_MEMORY_FILE = Path("/proc/meminfo")


class Gauge(Closing):
    """A child process beside the contenders on `device`, 'cpu' or a GPU.

    Raises `OvsegError` where there is no such device, and where torch is not installed.
    """

    def __init__(self, device: str) -> None:
        """Start the process and open the device there."""
        self._child = Child(f"the benchmark on {device}", _serve, device)
        self.words: str = self._child.ask("open")

    def tflops(self) -> float:
        """Return the rate of a large matrix product, TFLOP/s; float16 on a GPU, else float32."""
        return float(self._child.ask("rate"))

    def free_mb(self) -> float:
        """Return how much memory of the device nobody uses, in MB."""
        return float(self._child.ask("free"))

    def close(self) -> None:
        """End the process."""
        self._child.close()


def _serve(pipe: Connection, device: str) -> None:
    meter: list[_Meter] = []

    def answer(what: str, _: Any) -> Any:
        if not meter:
            meter.append(_Meter(device))
        match what:
            case "rate":
                return meter[0].tflops()
            case "free":
                return meter[0].free_mb()
            case _:
                return meter[0].words

    answer_all(pipe, answer)


class _Meter:
    """The device as seen from within the child."""

    def __init__(self, device: str) -> None:
        from ovseg_ros.engine.torch import import_torch
        from ovseg_ros.machine import processor_name

        self._torch = torch = import_torch()
        self._cpu = device == CPU
        if self._cpu:
            self.words, side, dtype = processor_name(), _SIDE_CPU, torch.float32
        else:
            from ovseg_ros.engine.torch_graphs import gpu_words, why_no_gpu

            choice = EngineChoice(BackendName.TORCH, Precision.FP16, device)
            reason = why_no_gpu(choice)
            if reason:
                raise BackendError(f"{reason}; `ovseg bench packages` measures on the processor")
            self.words = gpu_words(choice)
            side, dtype = _SIDE_GPU, torch.float16
        self._device = torch.device(device)
        self._factors = [torch.randn(side, side, dtype=dtype, device=device) for _ in range(2)]
        self._multiply(2)

    def tflops(self) -> float:
        start_ns = time.perf_counter_ns()
        self._multiply(_PRODUCTS)
        operations = 2 * len(self._factors[0]) ** 3 * _PRODUCTS
        return operations / (time.perf_counter_ns() - start_ns) / 1e3

    def free_mb(self) -> float:
        if self._cpu:
            lines = _MEMORY_FILE.read_text(encoding="ascii").splitlines()
            (line,) = (line for line in lines if line.startswith("MemAvailable:"))
            return int(line.split()[1]) * 1024 / 1e6
        free_bytes, _ = self._torch.cuda.mem_get_info(self._device)
        return float(free_bytes) / 1e6

    def _multiply(self, count: int) -> None:
        product = self._factors[0]
        for _ in range(count):
            product = self._factors[0] @ self._factors[1]
        # Reading a number waits for the device.
        float(product[0, 0])
