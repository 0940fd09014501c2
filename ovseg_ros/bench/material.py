"""What benchmarks run on: frames of the demo's drive and names the text tower knows."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import Drive
from ovseg_ros.image_files import decode_rgb
from ovseg_ros.packages import DEFAULT_PACKAGE, find_package
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.text.bank import NAMES_FILE, TextBank
from ovseg_ros.text.names import TrainedNames

SIZE_PX = (640, 480)
MOST_FRAMES = 90


def scaled_frames(drive: Drive, size_px: tuple[int, int] = SIZE_PX) -> list[UInt8Array]:
    """Return at most `MOST_FRAMES` frames over the drive, uint8 [H, W, 3], scaled to (W, H)."""
    step = max(1, len(drive.frames) // MOST_FRAMES)
    return [
        np.asarray(Image.fromarray(decode_rgb(frame.image)).resize(size_px))
        for frame in drive.frames[::step]
    ]


def known_names(text_bank: TextBank, count: int) -> list[str]:
    """Return `count` names of the text tower's training list, those seen with images first.

    A tower without a list knows those of the embedded default too. Raises `OvsegError` where the
    list is shorter.
    """
    trained = text_bank.names or TrainedNames.load(find_package(DEFAULT_PACKAGE) / NAMES_FILE)
    names = list(trained.source_of)
    if len(names) < count:
        raise OvsegError(f"the package lists {len(names)} trained names; {count} were wanted")
    return names[:count]


def median_and_p95(values: Sequence[float]) -> tuple[float, float]:
    """Return the 50th and the 95th percentile of `values`."""
    p50, p95 = np.percentile(values, (50, 95))
    return float(p50), float(p95)
