"""The interface of an inference backend, and the list of the backends there are."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from types import TracebackType
from typing import Protocol

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage


class BackendName(Enum):
    """The backends that a package can run on."""

    ONNXRUNTIME = "onnxruntime"

    @classmethod
    def from_value(cls, value: str) -> BackendName:
        """Return the backend called `value`; raises `BackendError` listing the valid names."""
        try:
            return cls(value)
        except ValueError:
            valid = ", ".join(member.value for member in cls)
            raise BackendError(f"backend '{value}' is unknown; the backends are {valid}") from None


@dataclass(frozen=True)
class TextRows:
    """The labels as the graph takes them; N rows, negatives included.

    `bank` float32 [N, D] unit rows; `codes` uint8 [N], the value a winning row writes into the
    mask (0 for a negative); `thresholds` float32 [N] in 0..1.
    """

    bank: npt.NDArray[np.float32]
    codes: npt.NDArray[np.uint8]
    thresholds: npt.NDArray[np.float32]


@dataclass(frozen=True)
class RawResult:
    """What the graph returns for B frames.

    `mask` and `confidence` uint8 [B, H, W], `embedding` float32 [B, E].
    """

    mask: npt.NDArray[np.uint8]
    confidence: npt.NDArray[np.uint8]
    embedding: npt.NDArray[np.float32]


@dataclass(frozen=True)
class Capabilities:
    """What a loaded backend can do: where it runs, in what type, and how many labels it takes."""

    device: str
    dtype: str
    label_capacity: int


class Backend(Protocol):
    """A loaded engine. It owns its memory; `close` (or leaving the context) gives it back.

    Not safe for concurrent calls: `Segmenter` holds the lock.
    """

    name: BackendName
    capabilities: Capabilities

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow; copies, rebuilds nothing."""

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None is the base model."""

    def infer(self, images: npt.NDArray[np.uint8]) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3] RGB under the text and adapter in force."""

    def close(self) -> None:
        """Free the engine."""

    def __enter__(self) -> Backend:
        """Return itself."""

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""


def open_backend(package: ModelPackage, name: BackendName, threads: int) -> Backend:
    """Load `package` on the backend `name` with at most `threads` CPU threads (0: all cores)."""
    match name:
        case BackendName.ONNXRUNTIME:
            from ovseg_ros.engine.onnxruntime import OnnxRuntimeBackend

            return OnnxRuntimeBackend(package, threads)
