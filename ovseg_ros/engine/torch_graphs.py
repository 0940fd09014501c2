"""torch on an NVIDIA GPU: one stream, pinned memory beside every buffer, and recorded graphs.

All that needs CUDA is in this file. A recorded graph is started by one call, where torch by itself
starts a thousand kernels one after another.
"""

from __future__ import annotations

import ctypes
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ovseg_ros.engine.base import RawResult
from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.torch_device import Buffer, Outputs, Program, Work
from ovseg_ros.errors import BackendError, GpuMemoryError

# The libraries choose their kernels and take their memory during the first calls.
_WARM_UP_CALLS = 3
_DRIVER_FILE = Path("/proc/driver/nvidia/version")
_ON_THE_PROCESSOR = (
    "to run on the processor, say so: backend torch, precision fp32, device cpu "
    "(--backend torch --precision fp32 --device cpu)"
)


class CudaDevice:
    """A GPU, with a stream of its own and one pool of memory for all graphs recorded there."""

    def __init__(self, choice: EngineChoice) -> None:
        """Open the GPU of `choice`; raises `BackendError` where there is none of that number."""
        require_gpu(choice)
        self.device = torch.device("cuda", choice.gpu)
        cuda: Any = torch.cuda
        self._stream = cuda.Stream(self.device)
        # A blocking wait leaves the processor to others; torch's own would keep a core busy.
        self._done = cuda.Event(blocking=True)
        # Graphs may share memory, as no two run at once and results are copied out at once.
        self._pool = torch.cuda.graph_pool_handle()

    @contextmanager
    def active(self) -> Iterator[None]:
        """Make this GPU and its stream the current ones, without gradients or TF32."""
        with (
            memory_errors(self.device),
            torch.cuda.device(self.device),
            torch.cuda.stream(self._stream),
            _exact_products(),
            torch.no_grad(),
        ):
            yield

    def buffer(self, shape: Sequence[int], dtype: torch.dtype) -> Buffer:
        """Return a buffer of zeros with pinned memory beside it."""
        value = torch.zeros(tuple(shape), dtype=dtype, device=self.device)
        return Buffer(value, torch.zeros(tuple(shape), dtype=dtype, pin_memory=True))

    def record(self, work: Work) -> Program:
        """Record the kernels of `work`; raises `BackendError` for what cannot be recorded."""
        with torch.backends.cudnn.flags(enabled=True, benchmark=True, allow_tf32=False):
            for _ in range(_WARM_UP_CALLS):
                work()
            self.wait()
            graph = torch.cuda.CUDAGraph()
            try:
                # Other threads of a node may use the GPU meanwhile.
                with torch.cuda.graph(graph, self._pool, self._stream, "thread_local"):
                    outputs = work()
            except RuntimeError as error:
                _raise_if_out_of_memory(error, self.device)
                raise BackendError(
                    f"the network cannot be recorded as a CUDA graph: {error}; "
                    "report this with the name of the network"
                ) from error
        hosts = tuple(torch.empty_like(v, device="cpu", pin_memory=True) for v in outputs)

        def program() -> RawResult:
            graph.replay()
            return self._fetch(outputs, hosts)

        return program

    def wait(self) -> None:
        """Return once the stream is empty; other threads run meanwhile."""
        self._done.record(self._stream)
        self._done.synchronize()

    def close(self) -> None:
        """Give unused memory back to the driver, for engines that do not use torch."""
        with torch.cuda.device(self.device):
            torch.cuda.empty_cache()

    def _fetch(self, outputs: Outputs, hosts: tuple[Tensor, ...]) -> RawResult:
        for output, host in zip(outputs, hosts, strict=True):
            host.copy_(output, non_blocking=True)
        self.wait()
        # The pinned memory is written again at the next call; results are kept by those who ask.
        return RawResult(*(host.numpy().copy() for host in hosts))


def require_gpu(choice: EngineChoice) -> None:
    """Raise `BackendError`, with what to do, unless torch can use the GPU of `choice`."""
    reason = why_no_gpu(choice)
    if reason:
        raise BackendError(f"{choice} needs an NVIDIA GPU: {reason}; {_ON_THE_PROCESSOR}")


def why_no_gpu(choice: EngineChoice) -> str:
    """Return why torch cannot use the GPU of `choice`; empty where it can."""
    if not torch.cuda.is_available():
        if torch.version.cuda is None:
            return f"torch {torch.__version__} was built without CUDA; install one that has it"
        return f"no driver or GPU answers torch {torch.__version__}; see what `nvidia-smi` says"
    found = torch.cuda.device_count()
    if choice.gpu < found:
        return ""
    names = ", ".join(f"cuda:{n} ({torch.cuda.get_device_name(n)})" for n in range(found))
    return f"there is no {choice.device}; torch finds {names}"


def gpu_words(choice: EngineChoice) -> str:
    """Return the name, compute capability and driver of the GPU of `choice`."""
    require_gpu(choice)
    major, minor = torch.cuda.get_device_capability(choice.gpu)
    return f"{torch.cuda.get_device_name(choice.gpu)}, {major}.{minor}, driver {_driver()}"


@contextmanager
def memory_errors(device: torch.device) -> Iterator[None]:
    """Turn what torch and the libraries under it raise for lack of memory into `GpuMemoryError`."""
    try:
        yield
    except RuntimeError as error:
        _raise_if_out_of_memory(error, device)
        raise


def _raise_if_out_of_memory(error: RuntimeError, device: torch.device) -> None:
    # torch has a class for its own allocator alone; the libraries under it have but words.
    words = str(error)
    if not isinstance(error, torch.OutOfMemoryError) and not re.search(
        r"out of memory|ALLOC_FAILED|NOT_ENOUGH_MEMORY", words
    ):
        return
    raise GpuMemoryError(
        f"{device} has too little memory left: {words.splitlines()[0]}; use fewer labels or "
        f"precision fp16, or end what else runs on that GPU; {_ON_THE_PROCESSOR}"
    ) from None


@contextmanager
def _exact_products() -> Iterator[None]:
    """Keep float32 products float32 and sums of float16 products wide, and put all back after."""
    matmul: Any = torch.backends.cuda.matmul
    before = matmul.allow_tf32, matmul.allow_fp16_reduced_precision_reduction
    matmul.allow_tf32 = matmul.allow_fp16_reduced_precision_reduction = False
    try:
        with torch.backends.cudnn.flags(enabled=True, allow_tf32=False):
            yield
    finally:
        matmul.allow_tf32, matmul.allow_fp16_reduced_precision_reduction = before


def _driver() -> str:
    """Return the version of the driver; of the CUDA that it brings where Linux does not tell."""
    if _DRIVER_FILE.is_file():
        found = re.search(r"\s(\d+\.\d[\d.]*)\s", _DRIVER_FILE.read_text(encoding="ascii"))
        if found:
            return found[1]
    version = ctypes.c_int()
    ctypes.CDLL("libcuda.so.1").cuDriverGetVersion(ctypes.byref(version))
    return f"for CUDA {version.value // 1000}.{version.value % 1000 // 10}"
