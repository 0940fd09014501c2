"""Labels for frames that have none: what the model itself is sure of, where it keeps to it.

A pixel is labelled where the model's confidence is high and the frames before and after have the
same label at the same place. That is agreement without motion: it asks for a camera that moves
little from frame to frame, it thins the edges of what moves, and a mistake that stays is kept.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec
from ovseg_train.lora.frames import Frame, FrameSet
from ovseg_train.lora.unlabelled import FrameSource
from ovseg_train.tiny.label_sampling import IGNORE

# With less there is nothing to learn from.
_LEAST_SHARE = 0.01


@dataclass(frozen=True)
class Guess:
    """What the model says of a frame.

    `classes` uint8 [H, W] indices of the labels, 255 none; `confidence` uint8 [H, W], 255 is 1.
    """

    classes: UInt8Array
    confidence: UInt8Array


def label_frames(
    segmenter: Segmenter,
    specs: Sequence[LabelSpec],
    source: FrameSource,
    numbers: Sequence[int],
    least_confidence: float,
) -> FrameSet:
    """Return frames `numbers` of `source` with labels by `segmenter` under its adapter mix.

    Raises `OvsegError` for fewer than two frames in all, or where next to nothing is labelled.
    """
    count = len(source)
    if count < 2:
        raise OvsegError(
            f"{source.name} has {count} frame; agreement between frames takes two at least"
        )
    guesses = _Guesses(segmenter, specs, source)
    frames = []
    for number in numbers:
        neighbours = [guesses.at(i) for i in (number - 1, number + 1) if 0 <= i < count]
        classes = agreed(guesses.at(number), neighbours, least_confidence)
        frames.append(Frame(source.frame_name(number), source.image(number), classes))
    names = tuple(spec.name for spec in specs if not spec.negative)
    origin = {
        "source": source.name,
        "labels": f"by the model itself, confidence from {least_confidence:g}, unchanged "
        "in the frames before and after",
        "frames": [frame.name for frame in frames],
    }
    found = FrameSet(names, tuple(frames), origin)
    share = labelled_share(found)
    if share < _LEAST_SHARE:
        raise OvsegError(
            f"only {share:.1%} of the pixels of {len(frames)} frames of {source.name} were sure "
            f"and stayed the same; at least {_LEAST_SHARE:.0%} is wanted: lower --confidence, or "
            "give a bag with more frames per second"
        )
    return found


def agreed(frame: Guess, neighbours: Sequence[Guess], least_confidence: float) -> UInt8Array:
    """Return the classes of `frame` where it is sure and all `neighbours` agree, elsewhere 255."""
    keep: npt.NDArray[np.bool_] = frame.confidence >= round(255 * least_confidence)
    for other in neighbours:
        same_size = other.classes.shape == frame.classes.shape
        keep = keep & (other.classes == frame.classes) if same_size else np.zeros_like(keep)
    return np.where(keep, frame.classes, IGNORE).astype(np.uint8)


def labelled_share(frames: FrameSet) -> float:
    """Return the share in 0..1 of the pixels that have a label."""
    pixels = sum(frame.classes.size for frame in frames.frames)
    return float(frames.class_pixels().sum() / max(pixels, 1))


class _Guesses:
    """The guesses on a source, each made once and kept while its neighbours may need it."""

    def __init__(
        self, segmenter: Segmenter, specs: Sequence[LabelSpec], source: FrameSource
    ) -> None:
        self._segmenter = segmenter
        self._source = source
        published = segmenter.set_labels(specs).published
        self._table = np.full(256, IGNORE, np.uint8)
        for index, label in enumerate(published):
            self._table[label.id] = index
        self._kept: dict[int, Guess] = {}

    def at(self, number: int) -> Guess:
        if number not in self._kept:
            found = self._segmenter.infer(self._source.image(number))
            self._kept[number] = Guess(self._table[found.label_mask], found.confidence)
            self._kept.pop(number - 4, None)
        return self._kept[number]
