"""Frames without labels, in the order in which they were taken: a bag's, or a folder's by name."""

from __future__ import annotations

from pathlib import Path
from typing import Protocol

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import DriveFrame, drive_from_bag
from ovseg_ros.image_files import decode_rgb, find_images, read_rgb
from ovseg_ros.segmentation import UInt8Array


class FrameSource(Protocol):
    """Frames one after another; they are decoded when asked for."""

    @property
    def name(self) -> str:
        """What an adapter says it was trained on."""

    def __len__(self) -> int:
        """Number of frames."""

    def image(self, number: int) -> UInt8Array:
        """Return a frame, uint8 [H, W, 3] RGB; raises `FrameError`."""

    def frame_name(self, number: int) -> str:
        """Return what an adapter calls a frame."""


class BagFrames:
    """The camera's frames of a bag."""

    def __init__(self, path: Path, domain: str = "") -> None:
        """Open the bag at `path`, keeping the frames of `domain` where it says so (empty: all).

        Raises `OvsegError` for a bag without such frames, `MissingExtraError` without rosbags.
        """
        drive = drive_from_bag(path)
        self.name = drive.name
        frames = [(i, f) for i, f in enumerate(drive.frames) if domain in ("", f.domain)]
        if not frames:
            found = ", ".join(sorted({frame.domain for frame in drive.frames}))
            raise OvsegError(f"no frame of the domain '{domain}' in {path}; there are: {found}")
        self._frames: list[tuple[int, DriveFrame]] = frames

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._frames)

    def image(self, number: int) -> UInt8Array:
        """Return a frame, uint8 [H, W, 3] RGB; raises `FrameError`."""
        return decode_rgb(self._frames[number][1].image)

    def frame_name(self, number: int) -> str:
        """Return the number of the frame in the bag."""
        return f"frame {self._frames[number][0]}"


class FolderFrames:
    """The images of a folder in order of name."""

    def __init__(self, folder: Path) -> None:
        """Open `folder`; raises `OvsegError` where it has no images."""
        self.name = folder.name
        self._paths = find_images([str(folder)])

    def __len__(self) -> int:
        """Number of frames."""
        return len(self._paths)

    def image(self, number: int) -> UInt8Array:
        """Return a frame, uint8 [H, W, 3] RGB; raises `FrameError`."""
        return read_rgb(self._paths[number])

    def frame_name(self, number: int) -> str:
        """Return the stem of the file."""
        return self._paths[number].stem
