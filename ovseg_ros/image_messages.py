"""From image messages to arrays, with a reason for every message that cannot be used.

Only the fields of a message are looked at: those of rclpy hold `array.array`, those read from a bag
numpy arrays. Plain numpy and Pillow; docs/conversions.md says why, and what cv_bridge and OpenCV
measured.
"""

from __future__ import annotations

import io
from typing import Any, Protocol

import numpy as np

from ovseg_ros.errors import FrameError
from ovseg_ros.frame_input import MAX_SIDE_PX
from ovseg_ros.image_files import decode_ids
from ovseg_ros.pixel_formats import PIXEL_FORMATS, PixelFormat
from ovseg_ros.segmentation import UInt8Array

_BYTES_OF_ID = {"mono8": 1, "8UC1": 1, "mono16": 2, "16UC1": 2}


class RawImage(Protocol):
    """The fields of `sensor_msgs/Image` that are read here."""

    height: int
    width: int
    encoding: str
    is_bigendian: int
    step: int
    data: Any


class CompressedImage(Protocol):
    """The fields of `sensor_msgs/CompressedImage` that are read here."""

    format: str
    data: Any


def raw_to_rgb(message: RawImage) -> UInt8Array:
    """Return the frame of a `sensor_msgs/Image` as RGB uint8 [H, W, 3].

    For rgb8 and rgba8 this is a view of the message's own memory, rows apart by `step`. Raises
    `FrameError` for a size, encoding, step or length of data that cannot be right.
    """
    check_size(message.width, message.height)
    pixel_format = _format_of(message)
    row_bytes = message.width * pixel_format.bytes_per_px
    row_count = int(message.height * pixel_format.row_ratio)
    check_layout(message, row_bytes, row_count)
    data = np.frombuffer(message.data, np.uint8, count=message.step * row_count)
    rows = data.reshape(row_count, message.step)[:, :row_bytes]
    return pixel_format.decode(rows, bool(message.is_bigendian))


def compressed_to_rgb(message: CompressedImage) -> UInt8Array:
    """Return the frame of a JPEG or PNG `sensor_msgs/CompressedImage` as RGB uint8 [H, W, 3].

    Raises `FrameError` for data of another kind, data that is cut off, and impossible sizes.
    """
    from PIL import Image

    if not len(message.data):
        raise FrameError("the compressed frame has no data; JPEG or PNG was wanted")
    try:
        with Image.open(io.BytesIO(memoryview(message.data)), formats=("JPEG", "PNG")) as image:
            check_size(image.width, image.height)
            if image.mode.startswith("I;16"):
                high_bytes = (np.asarray(image) >> 8).astype(np.uint8)
                return np.repeat(high_bytes[..., None], 3, axis=2)
            return np.asarray(image.convert("RGB"))
    # Pillow reports broken PNG chunks as SyntaxError and oversized ones as its own bomb error.
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FrameError(
            f"the compressed frame ({len(message.data)} bytes, format "
            f"{ascii(message.format[:60])}) cannot be decoded: {error}; JPEG or PNG was wanted"
        ) from None


def raw_to_ids(message: RawImage) -> UInt8Array:
    """Return the label ids of a `sensor_msgs/Image` as uint8 [H, W], a view where that is possible.

    The encodings are mono8, 8UC1, mono16 and 16UC1; ids above 255 have no place in a ground truth.
    Raises `FrameError`.
    """
    check_size(message.width, message.height)
    id_bytes = _BYTES_OF_ID.get(message.encoding)
    if id_bytes is None:
        raise FrameError(
            f"the label image has encoding {ascii(message.encoding[:60])}; one channel of ids was "
            f"wanted: {', '.join(_BYTES_OF_ID)}"
        )
    row_bytes = message.width * id_bytes
    check_layout(message, row_bytes, message.height)
    data = np.frombuffer(message.data, np.uint8, count=message.step * message.height)
    rows = data.reshape(message.height, message.step)[:, :row_bytes]
    if id_bytes == 1:
        return rows
    low, high = (
        (rows[:, 1::2], rows[:, ::2]) if message.is_bigendian else (rows[:, ::2], rows[:, 1::2])
    )
    if high.any():
        raise FrameError("the label image holds ids above 255, which no ground truth here has")
    return low


def compressed_to_ids(message: CompressedImage) -> UInt8Array:
    """Return the label ids of a PNG `sensor_msgs/CompressedImage` as uint8 [H, W].

    Raises `FrameError` for data that cannot be decoded and for other channels than one of 8 bits.
    """
    return decode_ids(bytes(memoryview(message.data)))


def check_size(width_px: int, height_px: int) -> None:
    """Raise `FrameError` unless both sides are from 1 to `MAX_SIDE_PX`."""
    if not (1 <= width_px <= MAX_SIDE_PX and 1 <= height_px <= MAX_SIDE_PX):
        raise FrameError(
            f"the frame is {width_px}x{height_px} px; sides from 1 to {MAX_SIDE_PX} px are "
            "accepted; check the camera driver's width and height"
        )


def _format_of(message: RawImage) -> PixelFormat:
    pixel_format = PIXEL_FORMATS.get(message.encoding)
    if pixel_format is None:
        raise FrameError(
            f"the frame has encoding {ascii(message.encoding[:60])}; the encodings are "
            f"{', '.join(PIXEL_FORMATS)}; set the camera driver to one of them"
        )
    block_width_px, block_height_px = pixel_format.block_px
    if message.width % block_width_px or message.height % block_height_px:
        raise FrameError(
            f"the frame is {message.width}x{message.height} px in {message.encoding}, which comes "
            f"in blocks of {block_width_px}x{block_height_px} px; crop it to whole blocks"
        )
    return pixel_format


def check_layout(message: RawImage, row_bytes: int, row_count: int) -> None:
    """Raise `FrameError` unless `message` holds `row_count` rows of at least `row_bytes`."""
    kind = f"{message.width}x{message.height} px {message.encoding}"
    if message.step < row_bytes:
        raise FrameError(
            f"the frame ({kind}) has step {message.step}; at least {row_bytes} bytes a row were "
            "wanted; set step to the bytes of one row, padding included"
        )
    wanted_bytes = message.step * row_count
    if len(message.data) < wanted_bytes:
        raise FrameError(
            f"the frame ({kind}, step {message.step}) has {len(message.data)} bytes of data; "
            f"{wanted_bytes} were wanted; the driver sent part of a frame, or a wrong step"
        )
