"""The interface of an inference backend, and the door through which one is opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.packages import ModelPackage
from ovseg_ros.user_folders import user_cache_folder


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
    """What a loaded backend can do: where it runs, in what type, and how many labels it takes.

    `camera_px` (W, H) is the one size of frames that it takes; None where it takes any. `profile`
    is what it was built for; None where it takes any number of labels and any rank. `gpu_frames`
    tells whether it takes frames that lie on its own GPU; `most_frames` is how many frames of one
    size it takes in a call, `best_frames` how many it should be given where nothing else is said:
    a processor is as busy with one, and a mask would only wait for those of other frames.
    """

    device: str
    dtype: str
    label_capacity: int
    camera_px: tuple[int, int] | None = None
    profile: EngineProfile | None = None
    gpu_frames: bool = False
    most_frames: int = 1
    best_frames: int = 1

    @property
    def most_rank(self) -> int | None:
        """The largest rank of LoRA factors that it takes; None where it takes any."""
        return self.profile.rank_buckets[-1] if self.profile else None


class Backend(Protocol):
    """A loaded engine. It owns its memory; `close` (or leaving the context) gives it back.

    Not safe for concurrent calls: `Segmenter` holds the lock.
    """

    choice: EngineChoice
    capabilities: Capabilities

    def set_text(self, rows: TextRows) -> None:
        """Make `rows` the labels of the frames that follow; copies, rebuilds nothing."""

    def set_adapter(self, factors: LoraFactors | None) -> None:
        """Make `factors` the LoRA factors of the frames that follow; None is the base model."""

    def infer(self, images: Any) -> RawResult:
        """Segment `images` uint8 [B, H, W, 3] RGB under the text and adapter in force.

        B is at most `most_frames` of the capabilities.

        They are a numpy array, or by DLPack on the backend's GPU where it takes `gpu_frames`.
        """

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


def open_backend(
    package: ModelPackage,
    choice: EngineChoice = REFERENCE,
    threads: int = 0,
    cache: Path | None = None,
    camera_px: tuple[int, int] | None = None,
) -> Backend:
    """Load `package` on the engine `choice` with at most `threads` CPU threads (0: all cores).

    `camera_px` (W, H) tells engines apart that were built for one size of frames each. An engine
    other than the reference needs a passing verdict of `ovseg check` in `cache` (None: the cache of
    this user). Raises `BackendError` where there is none, naming the command or the row that
    failed, and whatever `load_backend` raises.
    """
    folder = cache or user_cache_folder()
    if choice != REFERENCE:
        from ovseg_ros.engine.verdicts import require_pass

        require_pass(package, choice, folder, camera_px)
    return load_backend(package, choice, threads, folder, camera_px)


def load_backend(
    package: ModelPackage,
    choice: EngineChoice,
    threads: int,
    cache: Path,
    camera_px: tuple[int, int] | None = None,
) -> Backend:
    """Load `package` on the engine `choice` whether it was checked or not; for checking it.

    Raises `BackendError`, `MissingExtraError` or `PackageError`.
    """
    match choice.backend:
        case BackendName.ONNXRUNTIME:
            from ovseg_ros.engine.onnxruntime import OnnxRuntimeBackend

            return OnnxRuntimeBackend(package, threads)
        case BackendName.OPENVINO:
            from ovseg_ros.engine.openvino import OpenVinoBackend

            return OpenVinoBackend(package, choice.precision, threads, cache)
        case BackendName.TENSORRT:
            from ovseg_ros.engine.tensorrt.backend import TensorRtBackend

            return TensorRtBackend(package, choice, cache, camera_px)
        case BackendName.TORCH:
            from ovseg_ros.engine.torch import TorchBackend

            return TorchBackend(package, choice)
