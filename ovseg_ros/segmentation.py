"""`Segmentation`: the one typed result that every part of the project takes and returns."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import AdapterMix
from ovseg_ros.overlay import lay_over
from ovseg_ros.vocabulary import Vocabulary

UInt8Array: TypeAlias = npt.NDArray[np.uint8]
Float32Array: TypeAlias = npt.NDArray[np.float32]
MaskArray: TypeAlias = npt.NDArray[np.uint8] | npt.NDArray[np.uint16]


@dataclass(frozen=True)
class Frame:
    """One camera frame: `image` uint8 [H, W, 3] RGB, its stamp and frame_id as received.

    `arrival_ns` is the monotonic time in nanoseconds at which the frame reached this process.
    """

    image: UInt8Array
    stamp_ns: int
    frame_id: str
    arrival_ns: int


@dataclass(frozen=True)
class Timings:
    """Where the time of one inference went, in milliseconds."""

    inference_ms: float
    total_ms: float


@dataclass(frozen=True)
class Segmentation:
    """The labels of one frame, with everything needed to read them.

    `label_mask` [H, W] uint8 (uint16 in the mono16 id space) holds ids of `vocabulary`, 0 = no
    label; `confidence` [H, W] uint8 is 0..255 for 0..1 and 0 where there is no label; `embedding`
    [E] float32 describes the scene and does not depend on `adapter_mix`.
    """

    label_mask: MaskArray
    confidence: UInt8Array
    embedding: Float32Array
    vocabulary: Vocabulary
    adapter_mix: AdapterMix
    timings: Timings = field(compare=False)

    def colors(self) -> UInt8Array:
        """Return the mask in label colours, uint8 [H, W, 3] RGB, black where there is no label."""
        return self._palette()[self.label_mask]

    def overlay(self, image: UInt8Array, opacity: float = 0.5) -> UInt8Array:
        """Return `image` uint8 [H, W, 3] RGB with the label colours laid over it.

        `opacity` in 0..1 is the weight of the colour; pixels without a label keep the image.
        """
        return lay_over(image, self.label_mask, self._palette(), opacity)

    def _palette(self) -> UInt8Array:
        palette = np.zeros((int(self.label_mask.max(initial=0)) + 1, 3), np.uint8)
        for label in self.vocabulary.published:
            if label.id < len(palette):
                palette[label.id] = label.color
        return palette
