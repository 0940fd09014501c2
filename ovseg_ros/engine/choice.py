"""Which engine: a backend and the precision it computes in. Light, so that `--help` is quick."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from ovseg_ros.errors import BackendError


class BackendName(Enum):
    """The backends that a package can run on."""

    ONNXRUNTIME = "onnxruntime"
    OPENVINO = "openvino"


class Precision(Enum):
    """What a backend computes in; `int8` needs a package that was calibrated on real frames."""

    FP32 = "fp32"
    BF16 = "bf16"
    INT8 = "int8"


class ProgramPrecision(Enum):
    """What the program of a package is typed in, whichever backend runs it."""

    FP32 = "fp32"
    FP16 = "fp16"  # weights and heavy operators, with islands of float32


PRECISIONS = {
    BackendName.ONNXRUNTIME: (Precision.FP32,),
    BackendName.OPENVINO: (Precision.FP32, Precision.BF16, Precision.INT8),
}


@dataclass(frozen=True)
class EngineChoice:
    """A backend and a precision it has; raises `BackendError` for one that it has not."""

    backend: BackendName = BackendName.ONNXRUNTIME
    precision: Precision = Precision.FP32

    def __post_init__(self) -> None:
        """Refuse a precision that the backend has not."""
        valid = PRECISIONS[self.backend]
        if self.precision not in valid:
            raise BackendError(
                f"backend {self.backend.value} has no precision {self.precision.value}; "
                f"it has {', '.join(precision.value for precision in valid)}"
            )

    def __str__(self) -> str:
        """Return both in words, for example 'openvino bf16'."""
        return f"{self.backend.value} {self.precision.value}"

    @classmethod
    def parse(cls, text: str) -> EngineChoice:
        """Return the choice written as 'backend' (fp32) or 'backend:precision'.

        Raises `BackendError` listing the valid names.
        """
        backend, _, precision = text.partition(":")
        return cls(
            _member(BackendName, backend, "backend"),
            _member(Precision, precision or Precision.FP32.value, "precision"),
        )


def _member(kind: type[Enum], value: str, what: str) -> Any:
    try:
        return kind(value)
    except ValueError:
        valid = ", ".join(str(member.value) for member in kind)
        raise BackendError(f"{what} '{value}' is unknown; there are {valid}") from None


# What every other engine is compared with, and the only one that needs no check.
REFERENCE = EngineChoice()
