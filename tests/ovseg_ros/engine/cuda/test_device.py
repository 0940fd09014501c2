"""What is said of GPUs: without a driver on this machine, and with fake ones."""

from __future__ import annotations

import importlib.util
import subprocess
import sys
from types import SimpleNamespace

import pytest

from ovseg_ros.engine.cuda import device
from ovseg_ros.engine.cuda.cuda_gpu import CudaGpu
from ovseg_ros.engine.cuda.device import describe_gpu, find_gpus
from ovseg_ros.engine.cuda.driver import Cuda, explained, import_cuda
from ovseg_ros.errors import BackendError, GpuMemoryError


class Status(int):
    """A CUresult."""

    name = "CUDA_ERROR_UNKNOWN"


class FakeDriver:
    """cuda.bindings.driver on a machine with `version` of CUDA."""

    def __init__(self, version: int) -> None:
        self.version = version

    def cuDriverGetVersion(self) -> tuple[object, ...]:
        return Status(0), self.version

    def cuMemGetInfo(self) -> tuple[object, ...]:
        return Status(0), 3 << 30, 8 << 30


class FakeDevice:
    """cuda.core.Device."""

    name = "NVIDIA Orin"
    compute_capability = SimpleNamespace(major=8, minor=7)
    properties = SimpleNamespace(integrated=1)

    def set_current(self) -> None:
        """Do nothing."""


def fake_cuda(version: int = 12060, made_for: tuple[int, int] = (12, 9), gpus: int = 1) -> Cuda:
    """Return modules that find `gpus` Orins."""

    def kernel_version() -> tuple[int, ...]:
        return 540, 4, 0

    core = SimpleNamespace(
        Device=SimpleNamespace(get_all_devices=lambda: (FakeDevice(),) * gpus),
        system=SimpleNamespace(get_kernel_mode_driver_version=kernel_version),
    )
    return Cuda(core, FakeDriver(version), made_for)


def has_driver() -> bool:
    """Whether this machine has an NVIDIA driver."""
    if importlib.util.find_spec("cuda") is None:
        return False
    try:
        describe_gpu()
    except BackendError:
        return False
    return True


@pytest.mark.cuda_core
@pytest.mark.parametrize("ask", [describe_gpu, find_gpus, lambda: CudaGpu(0)])
def test_without_a_driver_one_sentence_says_so_and_what_to_do(ask) -> None:
    if has_driver():
        pytest.skip("this machine has an NVIDIA driver")
    with pytest.raises(BackendError, match="no NVIDIA driver was found .*--gpus all.*onnxruntime"):
        ask()


def test_without_the_modules_the_extra_is_named() -> None:
    program = (
        "import sys; sys.modules['cuda.core'] = None\n"
        "from ovseg_ros.engine.cuda.device import describe_gpu\n"
        "try: describe_gpu()\n"
        "except Exception as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert "pip install 'ovseg_ros[tensorrt]'" in done.stdout, done.stderr


@pytest.mark.cuda_core
def test_importing_needs_neither_a_driver_nor_the_modules() -> None:
    program = (
        "import sys\n"
        "import ovseg_ros.engine.cuda.cuda_gpu, ovseg_ros.engine.cuda.dlpack\n"
        "print([each for each in ('cuda.core', 'cuda.bindings', 'torch') if each in sys.modules])\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.stdout.strip() == "[]", done.stdout + done.stderr


def test_a_gpu_is_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(device, "import_cuda", lambda: fake_cuda(gpus=2))
    first, second = find_gpus()
    assert (first.index, second.index) == (0, 1)
    assert str(second) == "NVIDIA Orin, compute capability 8.7, driver 540.4.0, CUDA 12.6"
    assert (second.memory_total_mb, second.memory_free_mb) == (8192, 3072)
    assert second.integrated


def test_a_driver_that_does_not_tell_its_own_version_has_that_of_cuda(monkeypatch) -> None:
    cuda = fake_cuda()
    del cuda.core.system
    monkeypatch.setattr(device, "import_cuda", lambda: cuda)
    assert describe_gpu().driver == "driver CUDA 12.6"


@pytest.mark.parametrize(
    ("cuda", "message"),
    [
        pytest.param(
            fake_cuda(12060, (13, 0)),
            r"supports CUDA 12\.6, .* made for CUDA 13; .*pip install 'cuda-bindings==12\.\*'",
            id="older driver",
        ),
        pytest.param(fake_cuda(0), "no NVIDIA driver was found", id="no driver behind the library"),
        pytest.param(
            fake_cuda(gpus=2),
            r"cuda:3 was asked for; there are cuda:0 \(NVIDIA Orin\), cuda:1",
            id="no such GPU",
        ),
    ],
)
def test_a_gpu_that_is_not_to_be_had_is_refused(monkeypatch, cuda: Cuda, message: str) -> None:
    monkeypatch.setattr(device, "import_cuda", lambda: cuda)
    with pytest.raises(BackendError, match=message):
        describe_gpu(3)


@pytest.mark.parametrize(
    ("error", "kind", "message"),
    [
        (RuntimeError("CUDA_ERROR_NO_DEVICE"), BackendError, "has no GPU to offer"),
        (RuntimeError("CUDA_ERROR_STUB_LIBRARY: a stub"), BackendError, "no NVIDIA driver"),
        (RuntimeError("CUDA_ERROR_OUT_OF_MEMORY: oh"), GpuMemoryError, "ran out of memory while x"),
        (ValueError("something else"), BackendError, "the GPU failed while x: something else"),
    ],
)
def test_failures_are_said_in_words(error: Exception, kind: type, message: str) -> None:
    with pytest.raises(kind, match=message), explained("x"):
        raise error


@pytest.mark.cuda_core
def test_the_modules_say_what_they_are_made_for() -> None:
    assert import_cuda().made_for >= (12, 0)
