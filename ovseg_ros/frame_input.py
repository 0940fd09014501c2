"""What `Segmenter.infer` takes as a frame: a numpy array, or another library's, by DLPack."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from ovseg_ros.engine.base import Capabilities
from ovseg_ros.engine.cuda.dlpack import Frames, host_array, lies_on_host
from ovseg_ros.errors import FrameError
from ovseg_ros.segmentation import UInt8Array

MAX_SIDE_PX = 8192


@dataclass(frozen=True)
class Batch:
    """`frames` uint8 [B, H, W, 3] for one call of a backend, and the places they came from."""

    frames: Frames
    places: tuple[int, ...]


def batches_of(images: Sequence[Frames], capabilities: Capabilities) -> list[Batch]:
    """Return `images`, each uint8 [H, W, 3], as batches for a backend of `capabilities`.

    Those of one size on the host are put together, in their order and as many as the backend takes;
    a single one is not copied. Raises `FrameError` for an array of another kind, and for one on a
    GPU where the backend takes none from there.
    """
    alone: list[Batch] = []
    by_size: dict[tuple[int, ...], list[tuple[int, UInt8Array]]] = {}
    for place, image in enumerate(images):
        array = _on_host(image, capabilities)
        if array is None:
            alone.append(Batch(image[None], (place,)))
        else:
            by_size.setdefault(array.shape, []).append((place, array))
    most = capabilities.most_frames
    together = [
        _together(group[start : start + most])
        for group in by_size.values()
        for start in range(0, len(group), most)
    ]
    return alone + together


def _together(group: Sequence[tuple[int, UInt8Array]]) -> Batch:
    places, arrays = zip(*group, strict=True)
    return Batch(arrays[0][None] if len(arrays) == 1 else np.stack(arrays), places)


def _on_host(image: Frames, capabilities: Capabilities) -> UInt8Array | None:
    """Return `image` as a checked numpy array; None where it lies on the GPU of the backend."""
    if not isinstance(image, np.ndarray) and not lies_on_host(image):
        if capabilities.gpu_frames:
            return None
        raise FrameError(
            "the frame lies on a device of its own, this engine takes frames from the host; hand "
            "over a numpy array, or use the backend tensorrt"
        )
    array = image if isinstance(image, np.ndarray) else host_array(image)
    check_image(array)
    return array


def check_image(image: UInt8Array) -> None:
    """Raise `FrameError` unless `image` is uint8 [H, W, 3] with sides of 1..8192 px."""
    if image.dtype != np.uint8 or image.ndim != 3 or image.shape[2] != 3:
        raise FrameError(
            f"the frame is {image.dtype} of shape {image.shape}; uint8 [H, W, 3] RGB was wanted"
        )
    if not all(1 <= side <= MAX_SIDE_PX for side in image.shape[:2]):
        raise FrameError(
            f"the frame is {image.shape[1]}x{image.shape[0]} px; "
            f"sides from 1 to {MAX_SIDE_PX} px are accepted"
        )
