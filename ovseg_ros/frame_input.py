"""What `Segmenter.infer` takes as a frame: a numpy array, or another library's, by DLPack."""

from __future__ import annotations

import numpy as np

from ovseg_ros.engine.base import Capabilities
from ovseg_ros.engine.cuda.dlpack import Frames, host_array, lies_on_host
from ovseg_ros.errors import FrameError
from ovseg_ros.segmentation import UInt8Array

MAX_SIDE_PX = 8192


def batch_of_one(image: Frames, capabilities: Capabilities) -> Frames:
    """Return `image` uint8 [H, W, 3] as frames [1, H, W, 3] for a backend of `capabilities`.

    Nothing is copied. Raises `FrameError` for an array of another kind, and for one on a GPU where
    the backend takes none from there.
    """
    if isinstance(image, np.ndarray):
        check_image(image)
        return image[None]
    if lies_on_host(image):
        array = host_array(image)
        check_image(array)
        return array[None]
    if not capabilities.gpu_frames:
        raise FrameError(
            "the frame lies on a device of its own, this engine takes frames from the host; hand "
            "over a numpy array, or use the backend tensorrt"
        )
    frames: Frames = image[None]
    return frames


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
