"""The labelled frames of a domain: which are chosen, and which of these are held out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import LabelledFile, LabelledFolder, load_labelled_folder
from ovseg_ros.evaluation.evaluate import read_truth
from ovseg_ros.segmentation import UInt8Array
from ovseg_train.tiny.label_sampling import IGNORE


@dataclass(frozen=True)
class Frame:
    """`image` uint8 [H, W, 3] RGB; `classes` uint8 [H, W] indices of the classes, 255 unknown.

    `sequence` is the drive or the scene that it is of, empty where that is not known.
    """

    name: str
    image: UInt8Array
    classes: UInt8Array
    sequence: str = ""


@dataclass(frozen=True)
class FrameSet:
    """Frames with the names of their classes; `origin` tells an adapter where they are from."""

    class_names: tuple[str, ...]
    frames: tuple[Frame, ...]
    origin: dict[str, Any]

    def part(self, numbers: Sequence[int]) -> FrameSet:
        """Return the frames of these `numbers`."""
        return FrameSet(self.class_names, tuple(self.frames[i] for i in numbers), self.origin)

    def class_pixels(self) -> npt.NDArray[np.int64]:
        """Return how many pixels are labelled as each class, [number of classes]."""
        counts = np.zeros(256, np.int64)
        for frame in self.frames:
            counts += np.bincount(frame.classes.ravel(), minlength=256)
        return counts[: len(self.class_names)]


@dataclass(frozen=True)
class Choice:
    """Which images of a folder; empty: all. `frames` None takes all of them, else so many."""

    split: str = ""
    domain: str = ""
    sequence: str = ""
    frames: int | None = None
    seed: int = 0


def choose_files(folder: Path, choice: Choice) -> tuple[LabelledFolder, LabelledFolder]:
    """Return the labelled files chosen from `folder` and those that were left over.

    Raises `OvsegError` where nothing fits `choice`, or fewer files than it asks for.
    """
    data = load_labelled_folder(folder, choice.split, choice.domain, choice.sequence)
    files = sorted(data.items, key=lambda file: (file.sequence, file.image.name))
    chosen = set(choose_numbers(len(files), choice.frames, choice.seed, str(folder)))
    taken = tuple(file for i, file in enumerate(files) if i in chosen)
    others = tuple(file for i, file in enumerate(files) if i not in chosen)
    return _with(data, taken), _with(data, others)


def choose_numbers(count: int, wanted: int | None, seed: int, source: str) -> list[int]:
    """Return `wanted` of `count` frames in order (None: all).

    They are one at random of each of as many equal stretches. Raises `OvsegError` where `source`
    has fewer.
    """
    if wanted is None:
        return list(range(count))
    if wanted > count:
        raise OvsegError(
            f"{wanted} frames were asked for, but {source} has {count} of that kind; "
            "ask for fewer with --frames, or choose others"
        )
    rng = np.random.default_rng(seed)
    ends = np.linspace(0, count, wanted + 1).round().astype(int)
    pairs = zip(ends[:-1], ends[1:], strict=True)
    return [int(rng.integers(start, end)) for start, end in pairs]


def read_frames(data: LabelledFolder, choice: Choice) -> FrameSet:
    """Read the images and labels of `data`.

    Raises `FrameError` for a file that cannot be used, `OvsegError` where no pixel has a label.
    """
    frames = tuple(_read(file, data) for file in data.items)
    origin = {
        "source": data.source,
        "split": choice.split,
        "domain": choice.domain,
        "sequence": choice.sequence,
        "frames": [frame.name for frame in frames],
    }
    found = FrameSet(tuple(data.names.values()), frames, origin)
    if not found.class_pixels().any():
        raise OvsegError(
            f"not one pixel of the {len(frames)} images chosen from {data.source} has a label of "
            "classes.json; choose others, or label them"
        )
    return found


def hold_out(frames: FrameSet, share: float, fewest: int, seed: int) -> tuple[FrameSet, FrameSet]:
    """Return (frames to train on, frames held out); of less than `fewest` none are held out.

    Where the share is that of one sequence or more, whole sequences are held out: an adapter that
    learnt the things of a scene by heart would look good on its other frames. Else the frames held
    out are spread over all.
    """
    count = len(frames.frames)
    sequences = list(dict.fromkeys(frame.sequence for frame in frames.frames))
    whole = int(share * len(sequences))
    if count < fewest:
        held: set[int] = set()
    elif whole >= 1:
        chosen = {sequences[i] for i in choose_numbers(len(sequences), whole, seed, "the choice")}
        held = {i for i, frame in enumerate(frames.frames) if frame.sequence in chosen}
    else:
        held = set(choose_numbers(count, round(share * count), seed, "the choice"))
    others = [i for i in range(count) if i not in held]
    return frames.part(others), frames.part(sorted(held))


def _read(file: LabelledFile, data: LabelledFolder) -> Frame:
    image, truth = file.read_image(), read_truth(file, data)
    if image.shape[:2] != truth.shape:
        raise OvsegError(
            f"{file.name} is {image.shape[1]}x{image.shape[0]} px but its labels are "
            f"{truth.shape[1]}x{truth.shape[0]} px; both must have the same size"
        )
    classes = np.where(truth == IGNORE, IGNORE, truth - 1).astype(np.uint8)
    return Frame(file.image.stem, image, classes, file.sequence)


def _with(data: LabelledFolder, files: tuple[LabelledFile, ...]) -> LabelledFolder:
    return LabelledFolder(data.source, data.names, data.ignore_id, files)
