"""Labelled images from a bag with the topics of the demo's drive."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import drive_from_bag
from ovseg_ros.image_files import decode_ids, decode_rgb
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID


@dataclass(frozen=True)
class LabelledFrame:
    """One frame of a bag: `image` is an encoded image, `truth` a PNG of ids."""

    name: str
    domain: str
    image: bytes
    truth: bytes

    def read_image(self) -> UInt8Array:
        """Return the image as uint8 [H, W, 3] RGB; raises `FrameError`."""
        return decode_rgb(self.image)

    def read_ids(self) -> UInt8Array:
        """Return the ground truth as uint8 [H, W] class ids; raises `FrameError`."""
        return decode_ids(self.truth)


@dataclass(frozen=True)
class LabelledBag:
    """The frames of a bag that have ground truth; `names` maps a class id to its name."""

    source: str
    names: dict[int, str]
    ignore_id: int
    items: tuple[LabelledFrame, ...]


def load_labelled_bag(path: Path, domain: str = "") -> LabelledBag:
    """Read the frames with ground truth of `domain` (empty: all); raises `OvsegError`."""
    drive = drive_from_bag(path)
    items = tuple(
        LabelledFrame(f"frame {index} of {path}", frame.domain, frame.image, frame.truth)
        for index, frame in enumerate(drive.frames)
        if frame.truth is not None and domain in ("", frame.domain)
    )
    if not items:
        found = ", ".join(sorted({frame.domain for frame in drive.frames if frame.truth}))
        raise OvsegError(
            f"no frame with ground truth of domain '{domain or 'any'}' in {path}; "
            f"its domains with ground truth are: {found or 'none'}"
        )
    return LabelledBag(drive.name, drive.names, NOT_EVALUATED_ID, items)
