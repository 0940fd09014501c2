"""A folder of labelled images, read into memory: images/, labels/, classes.json, items.json."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt
from PIL import Image

from ovseg_ros.errors import OvsegError
from ovseg_ros.segmentation import UInt8Array

IGNORE_ID = 255


@dataclass(frozen=True)
class LabelledFolder:
    """Images uint8 [H, W, 3] RGB and labels uint8 [H, W], whose values index `class_names`.

    `class_pixels` int64 [number of classes] counts the labelled pixels.
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
    ) -> LabelledFolder:
        """Read the items of `folder` in `split` whose domain is not excluded.

        Raises `OvsegError` where the folder has not the layout above or nothing is left.
        """
        try:
            classes = json.loads((folder / "classes.json").read_text())["classes"]
            items = json.loads((folder / "items.json").read_text())
        except (OSError, json.JSONDecodeError, KeyError) as error:
            raise OvsegError(
                f"{folder} is not a labelled folder ({error}); "
                "images/, labels/, classes.json and items.json were wanted"
            ) from None
        stems = sorted(
            stem
            for stem, item in items.items()
            if item["split"] == split and item["domain"] not in exclude_domains
        )
        if not stems:
            raise OvsegError(f"{folder} has no items of split '{split}' outside {exclude_domains}")
        images = tuple(read_image(folder / "images" / f"{stem}.jpg") for stem in stems)
        labels = tuple(np.array(Image.open(folder / "labels" / f"{s}.png")) for s in stems)
        names = tuple(entry["name"] for entry in sorted(classes, key=lambda c: c["id"]))
        return cls(name, names, _count_pixels(labels, len(names)), images, labels)


def read_image(path: Path) -> UInt8Array:
    """Return the image at `path` as uint8 [H, W, 3] RGB."""
    with Image.open(path) as image:
        return np.array(image.convert("RGB"))


def _count_pixels(labels: Sequence[UInt8Array], classes: int) -> npt.NDArray[np.int64]:
    counts = sum(np.bincount(label.ravel(), minlength=256) for label in labels)
    return np.asarray(counts, np.int64)[:classes]
