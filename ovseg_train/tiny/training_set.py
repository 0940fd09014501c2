"""The images of a labelled folder, decoded once and kept in memory for many passes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import load_labelled_folder
from ovseg_ros.image_files import decode_ids, read_rgb
from ovseg_ros.segmentation import UInt8Array


@dataclass(frozen=True)
class TrainingSet:
    """Images uint8 [H, W, 3] RGB and labels uint8 [H, W], whose values index `class_names`.

    `class_pixels` int64 [number of classes] counts the labelled pixels; 255 is not labelled.
    """

    name: str
    class_names: tuple[str, ...]
    class_pixels: npt.NDArray[np.int64]
    images: tuple[UInt8Array, ...]
    labels: tuple[UInt8Array, ...]

    def __len__(self) -> int:
        """Number of images."""
        return len(self.images)

    @classmethod
    def read(
        cls, folder: Path, name: str, split: str, exclude_domains: Sequence[str] = ()
    ) -> TrainingSet:
        """Read the images of `folder` in `split` whose domain is not excluded.

        Raises `OvsegError` where the folder is malformed or nothing is left.
        """
        data = load_labelled_folder(folder, split)
        items = [item for item in data.items if item.domain not in exclude_domains]
        if not items:
            raise OvsegError(
                f"{folder}: no image of split '{split}' is left outside the domains "
                f"{', '.join(exclude_domains)}; exclude fewer"
            )
        images = tuple(read_rgb(item.image) for item in items)
        labels = tuple(decode_ids(item.label.read_bytes()) for item in items)
        names = tuple(data.names[class_id] for class_id in sorted(data.names))
        return cls(name, names, _count_pixels(labels, len(names)), images, labels)


def _count_pixels(labels: Sequence[UInt8Array], classes: int) -> npt.NDArray[np.int64]:
    counts = sum(np.bincount(label.ravel(), minlength=256) for label in labels)
    return np.asarray(counts, np.int64)[:classes]
