"""What an evaluation runs on: images with ground truth, from a folder or from a bag."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Protocol

from ovseg_ros.bags.reader import is_bag
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.bag import load_labelled_bag
from ovseg_ros.evaluation.dataset import load_labelled_folder
from ovseg_ros.segmentation import UInt8Array


class LabelledImage(Protocol):
    """One image with its ground truth; `name` is what an error calls it."""

    @property
    def name(self) -> str:
        """What an error calls it."""

    @property
    def domain(self) -> str:
        """What it was taken in, for example 'dusk'."""

    def read_image(self) -> UInt8Array:
        """Return the image as uint8 [H, W, 3] RGB; raises `FrameError`."""

    def read_ids(self) -> UInt8Array:
        """Return the ground truth as uint8 [H, W] class ids; raises `FrameError`."""


class LabelledImages(Protocol):
    """A selection of labelled images."""

    @property
    def source(self) -> str:
        """What a report calls it."""

    @property
    def names(self) -> dict[int, str]:
        """The name of each class id."""

    @property
    def ignore_id(self) -> int:
        """The id of pixels that are not evaluated."""

    @property
    def items(self) -> Sequence[LabelledImage]:
        """The images, at least one."""


def open_labelled(path: Path, split: str = "", domain: str = "") -> LabelledImages:
    """Open a labelled folder or a bag, keeping the images of `split` and `domain` (empty: all).

    Raises `OvsegError` naming what is missing or, for an empty selection, what there is.
    """
    if not is_bag(path):
        return load_labelled_folder(path, split, domain)
    if split:
        raise OvsegError(f"{path} is a bag, and bags have no splits; leave out --split")
    return load_labelled_bag(path, domain)
