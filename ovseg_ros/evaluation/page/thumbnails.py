"""Drawing the pictures of a frame, and choosing which frames get some."""

from __future__ import annotations

from collections.abc import Sequence

from ovseg_ros.evaluation.eval_report import Thumbnail
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.segmentation import UInt8Array


def choose_rows(
    frames: Sequence[FrameRow], count: int, against: Sequence[FrameRow] = ()
) -> tuple[FrameRow, ...]:
    """Return at most `count` frames worth looking at, in order of camera and index.

    Half are the worst (beside `against`: the largest changes), half are spread evenly.
    """
    raise NotImplementedError


def draw_thumbnail(
    row: FrameRow,
    image: UInt8Array,
    predicted: UInt8Array,
    truth: UInt8Array | None,
    colors: Sequence[tuple[int, int, int]],
    against: UInt8Array | None = None,
) -> Thumbnail:
    """Return the pictures of a frame, at most 640 px wide.

    `image` is uint8 [H, W, 3] RGB; `predicted`, `truth` and `against` are uint8 [H, W] of indices
    as a tally takes them; `colors[i-1]` is that of index i.
    """
    raise NotImplementedError
