"""Drawing the pictures of a frame, and choosing which frames get some."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt
from PIL import Image

from ovseg_ros.evaluation.eval_report import Thumbnail
from ovseg_ros.evaluation.frame_row import FrameRow
from ovseg_ros.evaluation.page.difference import frame_differences
from ovseg_ros.image_files import encode_jpeg
from ovseg_ros.overlay import lay_over
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.vocabulary import NOT_EVALUATED_ID

_WIDTH_PX = 640
_QUALITY = 80
_WRONG_COLOR = (235, 30, 30)


def choose_rows(
    frames: Sequence[FrameRow], count: int, against: Sequence[FrameRow] = ()
) -> tuple[FrameRow, ...]:
    """Return at most `count` frames worth looking at, in the order of `frames`.

    Half are the worst by mean IoU (beside `against`: half of those, and the largest losses), the
    rest is spread evenly over the run, so that what is good is seen as well.
    """
    masked = [row for row in frames if row.scores is not None]
    scored = [row for row in masked if row.mean_iou is not None]
    worst = sorted(scored, key=lambda row: row.mean_iou or 0.0)
    lost = [row for row, change in frame_differences(frames, against) if change < 0]
    telling = worst[: count // 4 if lost else count // 2] + lost[: count // 4]
    chosen = {row.key for row in telling[:count]}
    others = [row for row in masked if row.key not in chosen]
    wanted = min(count - len(chosen), len(others))
    picks = np.linspace(0, len(others) - 1, wanted).round().astype(int) if wanted > 0 else ()
    chosen |= {others[i].key for i in picks}
    return tuple(row for row in frames if row.key in chosen)


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
    image = _shrunk(image, Image.Resampling.BILINEAR)
    predicted = _shrunk(predicted, Image.Resampling.NEAREST)
    palette = np.zeros((256, 3), np.uint8)
    palette[1 : len(colors) + 1] = np.array(colors, np.uint8).reshape(-1, 3)

    def under(indices: UInt8Array) -> bytes:
        return encode_jpeg(lay_over(image, indices, palette), _QUALITY)

    overlay_truth = errors = None
    if truth is not None:
        truth = _shrunk(truth, Image.Resampling.NEAREST)
        overlay_truth = under(truth)
        errors = encode_jpeg(_errors(image, predicted, truth), _QUALITY)
    return Thumbnail(
        row=row,
        image=encode_jpeg(image, _QUALITY),
        overlay=under(predicted),
        truth=overlay_truth,
        errors=errors,
        against=None if against is None else under(_shrunk(against, Image.Resampling.NEAREST)),
    )


def _shrunk(pixels: UInt8Array, how: Image.Resampling) -> UInt8Array:
    height, width = pixels.shape[:2]
    if width <= _WIDTH_PX:
        return pixels
    size = (_WIDTH_PX, max(1, round(height * _WIDTH_PX / width)))
    return np.asarray(Image.fromarray(pixels).resize(size, how))


def _errors(image: UInt8Array, predicted: UInt8Array, truth: UInt8Array) -> UInt8Array:
    """Return the image in grey with wrong pixels in red, darker where nothing is evaluated."""
    grey = np.repeat(image.mean(axis=2, keepdims=True) * 0.75, 3, axis=2).astype(np.uint8)
    evaluated: npt.NDArray[np.bool_] = truth != NOT_EVALUATED_ID
    grey[~evaluated] //= 3
    wrong = (evaluated & (predicted != truth)).astype(np.uint8)
    return lay_over(grey, wrong, np.array([(0, 0, 0), _WRONG_COLOR], np.uint8), 0.7)
