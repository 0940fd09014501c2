"""What engines are compared on: real frames, with ground truth where there is some, and noise."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TypeVar

import numpy as np
from PIL import Image

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.bag import load_labelled_bag
from ovseg_ros.evaluation.drive import drive_from_bag
from ovseg_ros.evaluation.evaluate import read_truth
from ovseg_ros.evaluation.labelled import LabelledImage, LabelledImages, open_labelled
from ovseg_ros.image_files import decode_rgb, find_images, read_rgb
from ovseg_ros.packages import Card
from ovseg_ros.query import parse_query
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import LabelSpec

DEFAULT_LABELS = "person; car; road; building; tree; sky"
_NOISE_SIZES_PX = ((240, 320), (481, 641), (97, 33))
_ADAPTER_RANK = 4
_Item = TypeVar("_Item")


@dataclass(frozen=True)
class CheckFrame:
    """`image` uint8 [H, W, 3] RGB; `truth` uint8 [H, W], 255 not evaluated, i = the i-th label."""

    image: UInt8Array
    truth: UInt8Array | None = None


@dataclass(frozen=True)
class Material:
    """Frames, read one at a time, and the labels they are asked for.

    `truth_names` are the classes of the ground truth, empty where there is none.
    """

    source: str
    specs: tuple[LabelSpec, ...]
    readers: tuple[Callable[[], CheckFrame], ...]
    truth_names: tuple[str, ...] = ()

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self.readers)

    def __iter__(self) -> Iterator[CheckFrame]:
        """Yield the frames; raises `FrameError` for one that cannot be read."""
        return (read() for read in self.readers)

    def scaled_to(self, camera_px: tuple[int, int]) -> Material:
        """Return the same frames as a camera of this size (W, H) would take them."""
        return replace(self, readers=tuple(partial(_scaled, r, camera_px) for r in self.readers))


def material_from_bag(path: Path, most: int, labels: str = DEFAULT_LABELS) -> Material:
    """Return at most `most` frames spread over a bag, with ground truth where the bag has it.

    Without ground truth the frames are asked for `labels`. Raises `OvsegError`.
    """
    drive = drive_from_bag(path)
    if any(frame.truth for frame in drive.frames):
        return _labelled(load_labelled_bag(path), most)
    readers = tuple(partial(_decoded, frame.image) for frame in _spread(drive.frames, most))
    return Material(drive.name, parse_query(labels).specs, readers)


def material_from_images(folder: Path, most: int, labels: str = DEFAULT_LABELS) -> Material:
    """Return at most `most` images of a folder, asked for `labels`; raises `OvsegError`."""
    paths = _spread(find_images([str(folder)]), most)
    return Material(
        folder.name, parse_query(labels).specs, tuple(partial(_read, path) for path in paths)
    )


def material_from_labelled(folder: Path, most: int) -> Material:
    """Return at most `most` images of a labelled folder; raises `OvsegError`."""
    return _labelled(open_labelled(folder), most)


def noise_frames(camera_px: tuple[int, int] | None = None, seed: int = 0) -> Iterator[UInt8Array]:
    """Yield frames of coloured patches under noise, uint8 [H, W, 3], of sizes that are odd.

    For an engine that takes frames of `camera_px` (W, H) alone, they are of that size.
    """
    rng = np.random.default_rng(seed)
    for odd_px in _NOISE_SIZES_PX:
        height_px, width_px = camera_px[::-1] if camera_px else odd_px
        patches = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
        image = np.asarray(Image.fromarray(patches).resize((width_px, height_px)), np.int16)
        noisy = image + rng.integers(-25, 26, image.shape)
        yield noisy.clip(0, 255).astype(np.uint8)


def spread_ids(specs: Sequence[LabelSpec], capacity: int) -> list[LabelSpec]:
    """Return the same labels with ids up to `capacity`, so that large codes are compared too."""
    step = max(1, capacity // len(specs))
    return [
        replace(spec, pinned_id=None if spec.negative else capacity - i * step)
        for i, spec in enumerate(specs)
    ]


def random_adapter(card: Card, seed: int) -> LoraFactors:
    """Return LoRA factors of rank 4 that change each site by about a tenth of a usual weight."""
    rng = np.random.default_rng(seed)
    a = [rng.normal(0, site.c_in**-0.5, (_ADAPTER_RANK, site.c_in)) for site in card.lora_sites]
    b = [rng.normal(0, 0.05, (_ADAPTER_RANK, site.c_out)) for site in card.lora_sites]
    return LoraFactors(
        np.concatenate(a, axis=1).astype(np.float32), np.concatenate(b, axis=1).astype(np.float32)
    )


def _labelled(data: LabelledImages, most: int) -> Material:
    names = tuple(data.names.values())
    if not names:
        raise OvsegError(f"{data.source} has ground truth but no names of its classes; add them")
    readers = tuple(partial(_with_truth, item, data) for item in _spread(data.items, most))
    return Material(data.source, tuple(LabelSpec(name) for name in names), readers, names)


def _with_truth(item: LabelledImage, data: LabelledImages) -> CheckFrame:
    return CheckFrame(item.read_image(), read_truth(item, data))


def _decoded(image: bytes) -> CheckFrame:
    return CheckFrame(decode_rgb(image))


def _read(path: Path) -> CheckFrame:
    return CheckFrame(read_rgb(path))


def _scaled(read: Callable[[], CheckFrame], camera_px: tuple[int, int]) -> CheckFrame:
    frame = read()
    image = Image.fromarray(frame.image).resize(camera_px, Image.Resampling.BILINEAR)
    if frame.truth is None:
        return CheckFrame(np.asarray(image))
    truth = Image.fromarray(frame.truth).resize(camera_px, Image.Resampling.NEAREST)
    return CheckFrame(np.asarray(image), np.asarray(truth))


def _spread(items: Sequence[_Item], most: int) -> list[_Item]:
    """Return at most `most` of `items`, evenly spread."""
    count = min(most, len(items))
    return [items[i * len(items) // count] for i in range(count)]
