"""Frames from other libraries, by DLPack: torch, CuPy and the like, on the host or on a GPU."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from ovseg_ros.engine.cuda.driver import import_cuda
from ovseg_ros.errors import FrameError

# How DLPack numbers the kinds of memory that numpy reads: plain, and pinned for CUDA or ROCm.
_ON_HOST = (1, 3, 11)
_ON_GPU = (2, 13)  # CUDA's own memory, and what it moves to and fro by itself


class DLPackFrames(Protocol):
    """What another library calls an array or a tensor."""

    def __dlpack__(self, *, stream: Any = None) -> Any:
        """Return a capsule."""

    def __dlpack_device__(self) -> tuple[int, int]:
        """Return the kind of memory and its number."""

    def __getitem__(self, key: Any) -> Any:
        """Return a part, or with None the whole with one axis more."""


Frames = npt.NDArray[np.uint8] | DLPackFrames


@dataclass(frozen=True)
class GpuFrames:
    """Frames uint8 `shape` [B, H, W, 3] without gaps at `address`; `owner` keeps them there."""

    address: int
    shape: tuple[int, ...]
    owner: object


def read_frames(frames: Frames, gpu: int, stream: int) -> npt.NDArray[np.uint8] | GpuFrames:
    """Return `frames` uint8 [B, H, W, 3] without copying them.

    `stream` of GPU number `gpu` is made to wait for whoever still writes them. Raises `FrameError`
    for other types and shapes, and for frames that lie elsewhere than on the host or that GPU.
    """
    if isinstance(frames, np.ndarray):
        return _on_host(frames)
    kind, number = _device_of(frames)
    if kind in _ON_HOST:
        return _on_host(host_array(frames))
    if kind not in _ON_GPU or (kind == _ON_GPU[0] and number != gpu):
        place = f"cuda:{number}" if kind in _ON_GPU else f"device {number} of DLPack's kind {kind}"
        raise FrameError(
            f"the frame lies on {place}, the engine runs on cuda:{gpu}; move the frame there or "
            "to the host"
        )
    return _on_gpu(frames, stream)


def lies_on_host(frames: DLPackFrames) -> bool:
    """Whether numpy can read `frames`; raises `FrameError` for what does not know DLPack."""
    return _device_of(frames)[0] in _ON_HOST


def host_array(frames: DLPackFrames) -> npt.NDArray[Any]:
    """Return `frames`, which lie on the host, as numpy sees them; raises `FrameError`."""
    array: npt.NDArray[Any] = _imported(np.from_dlpack, frames)
    return array


def _device_of(frames: DLPackFrames) -> tuple[int, int]:
    if not hasattr(frames, "__dlpack_device__"):
        raise FrameError(
            f"the frame is a {type(frames).__name__}; a numpy array, or an array of a library "
            "that knows DLPack was wanted"
        )
    kind, number = frames.__dlpack_device__()
    return int(kind), int(number)


def _on_host(array: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    _require(array.dtype, array.shape)
    return array


def _on_gpu(frames: DLPackFrames, stream: int) -> GpuFrames:
    view_type = import_cuda().core.utils.StridedMemoryView
    view = _imported(lambda each: view_type.from_dlpack(each, stream_ptr=stream), frames)
    _require(view.dtype, view.shape)
    shape = tuple(view.shape)
    if view.strides is not None and not _without_gaps(shape, tuple(view.strides)):
        raise FrameError(
            f"the frame of shape {shape} on the GPU has strides {tuple(view.strides)}; "
            "one without gaps was wanted: make it contiguous"
        )
    return GpuFrames(int(view.ptr), shape, view)


def _imported(reader: Any, frames: DLPackFrames) -> Any:
    try:
        return reader(frames)
    except (BufferError, RuntimeError, TypeError, NotImplementedError, ValueError) as error:
        raise FrameError(
            f"the frame, a {type(frames).__name__}, cannot be read by DLPack: {error}; "
            "hand over a numpy array instead"
        ) from None


def _require(dtype: Any, shape: tuple[int, ...]) -> None:
    if dtype != np.uint8 or len(shape) != 4 or shape[3] != 3 or min(shape) < 1:
        raise FrameError(
            f"the frames are {dtype} of shape {tuple(shape)}; uint8 [B, H, W, 3] RGB was wanted"
        )


def _without_gaps(shape: tuple[int, ...], strides: tuple[int, ...]) -> bool:
    expected = 1
    for side, stride in zip(reversed(shape), reversed(strides), strict=True):
        # Where a side is 1, its stride is never used and libraries write what they like.
        if side != 1 and stride != expected:
            return False
        expected *= side
    return True
