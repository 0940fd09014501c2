"""Which engine: a backend, the precision it computes in, and the device it runs on.

Light, so that `--help` is quick.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from enum import Enum
from typing import Any

from ovseg_ros.errors import BackendError


class BackendName(Enum):
    """The backends that a package can run on."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"
    TENSORRT = "tensorrt"
    TORCH = "torch"


class Precision(Enum):
    """What a backend computes in; `int8` and `fp8` need a package calibrated on real frames."""

    FP32 = "fp32"
    FP16 = "fp16"
    BF16 = "bf16"
    INT8 = "int8"
    FP8 = "fp8"


class ProgramPrecision(Enum):
    """What the program of a package is typed in, whichever backend runs it."""

    FP32 = "fp32"
    FP16 = "fp16"  # weights and heavy operators, with islands of float32


# The first is what a backend computes in where nothing is said.
PRECISIONS = {
    BackendName.ONNXRUNTIME: (Precision.FP32,),
    BackendName.OPENVINO: (Precision.FP32, Precision.BF16, Precision.INT8),
    BackendName.TENSORRT: (Precision.FP16, Precision.FP32, Precision.INT8, Precision.FP8),
    BackendName.TORCH: (Precision.FP16, Precision.FP32),
}
CPU, CUDA = "cpu", "cuda"
# The first is where a backend runs where nothing is said; there is no falling back to another.
DEVICES = {
    BackendName.ONNXRUNTIME: (CPU,),
    BackendName.OPENVINO: (CPU,),
    BackendName.TENSORRT: (CUDA,),
    BackendName.TORCH: (CUDA, CPU),
}


@dataclass(frozen=True)
class EngineChoice:
    """A backend, a precision it has and a device it runs on.

    `device` is 'cpu', 'cuda' or 'cuda:1' (a GPU by its number); where empty, it becomes the
    backend's first. Raises `BackendError` for what the backend has not.
    """

    backend: BackendName = BackendName.ONNXRUNTIME
    precision: Precision = Precision.FP32
    device: str = ""

    def __post_init__(self) -> None:
        """Fill in the device and refuse what the backend has not."""
        precisions, devices = PRECISIONS[self.backend], DEVICES[self.backend]
        if not self.device:
            object.__setattr__(self, "device", devices[0])
        if self.precision not in precisions:
            raise BackendError(
                f"backend {self.backend.value} has no precision {self.precision.value}; "
                f"it has {', '.join(precision.value for precision in precisions)}"
            )
        kind, _, number = self.device.partition(":")
        if (
            kind not in devices
            or (number and kind != CUDA)
            or not re.fullmatch(_DEVICE, self.device)
        ):
            valid = ", ".join(f"{name} or {name}:N" if name == CUDA else name for name in devices)
            raise BackendError(
                f"backend {self.backend.value} does not run on device '{self.device}'; "
                f"it runs on {valid}"
            )
        if kind == CPU and self.precision is Precision.FP16:
            raise BackendError(
                f"backend {self.backend.value} computes in fp16 on a GPU only; "
                "choose precision fp32 for the cpu"
            )

    @property
    def gpu(self) -> int:
        """The number of the GPU; only for a device that is one."""
        return int(self.device.partition(":")[2] or 0)

    def __str__(self) -> str:
        """Return it in words, for example 'openvino bf16' or 'tensorrt fp16 on cuda:1'."""
        words = f"{self.backend.value} {self.precision.value}"
        return words if self.device == DEVICES[self.backend][0] else f"{words} on {self.device}"

    @classmethod
    def parse(cls, text: str) -> EngineChoice:
        """Return the choice written as 'backend' or 'backend:precision' or 'backend:precision@cpu'.

        Raises `BackendError` listing the valid names.
        """
        words, _, device = text.partition("@")
        backend, _, precision = words.partition(":")
        return cls.of(backend, precision, device)

    @classmethod
    def of(cls, backend: str, precision: str = "", device: str = "") -> EngineChoice:
        """Return the choice of these names; where one is empty, it is the backend's first.

        Raises `BackendError` listing the valid names.
        """
        name: BackendName = _member(BackendName, backend, "backend")
        chosen = _member(Precision, precision, "precision") if precision else PRECISIONS[name][0]
        return cls(name, chosen, device)


def _member(kind: type[Enum], value: str, what: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        valid = ", ".join(str(member.value) for member in kind)
        raise BackendError(f"{what} '{value}' is unknown; there are {valid}") from None


_DEVICE = r"cpu|cuda(:\d{1,3})?"
# What every other engine is compared with, and the only one that needs no check.
REFERENCE = EngineChoice()
