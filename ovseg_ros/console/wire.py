"""One moment as the bytes of a WebSocket message; `page/wire.js` reads them.

Four bytes give the length of a JSON header, little-endian; then come the header, a JPEG of the
frame, and mask and confidence packed by zlib, each as long as the header says. Large pictures are
thinned out: a screen shows no more.
"""

from __future__ import annotations

import json
import struct
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.console.moment import Moment
from ovseg_ros.image_files import encode_jpeg
from ovseg_ros.segmentation import UInt8Array

MOST_VIEW_PX = 1280
MOST_CONFIDENCE_PX = 320
_JPEG_QUALITY = 80
_PACKING_LEVEL = 1
# Confidence is read to 1.6 %, under the noise of the numbers; the rest would double the bytes.
_CONFIDENCE_BITS = 0xFC

Pixels = npt.NDArray[Any]


@dataclass(frozen=True)
class EncodedMoment:
    """A moment and the message that shows it; `number` counts the messages of one console.

    `labels` is the news of the labels in force when it was encoded.
    """

    number: int
    moment: Moment
    data: bytes
    labels: Mapping[str, Any]


def encode_moment(
    number: int, moment: Moment, labels: Mapping[str, Any], encoded_ms: float
) -> EncodedMoment:
    """Return the message of `moment`; `encoded_ms` is the time now, since 1970.

    Raises `FrameError` where its frame cannot be decoded.
    """
    payloads = [moment.picture.jpeg or _jpeg(moment.picture.decode())]
    header: dict[str, Any] = {
        "frame": number,
        # A number of JavaScript would lose the nanoseconds.
        "stamp_ns": str(moment.stamp_ns),
        "encoded_ms": encoded_ms,
        "frame_id": moment.picture.frame_id,
        "jpeg": {"bytes": len(payloads[0])},
    }
    for name, pixels in (("mask", _mask(moment)), ("confidence", _confidence(moment))):
        header[name] = None
        if pixels is not None:
            payloads.append(_packed(pixels))
            height, width = pixels.shape
            header[name] = {
                "bytes": len(payloads[-1]),
                "height": height,
                "width": width,
                "item_bytes": pixels.itemsize,
            }
    head = json.dumps(header).encode()
    data = b"".join([struct.pack("<I", len(head)), head, *payloads])
    return EncodedMoment(number, moment, data, labels)


def read_header(data: bytes) -> dict[str, Any]:
    """Return the header of a message, as programs that look on need it."""
    (length,) = struct.unpack_from("<I", data)
    header: dict[str, Any] = json.loads(data[4 : 4 + length])
    return header


def _jpeg(image: UInt8Array) -> bytes:
    return encode_jpeg(np.ascontiguousarray(_thinned(image, MOST_VIEW_PX)), _JPEG_QUALITY)


def _mask(moment: Moment) -> Pixels | None:
    return None if moment.mask is None else _thinned(moment.mask, MOST_VIEW_PX)


def _confidence(moment: Moment) -> UInt8Array | None:
    if moment.confidence is None or moment.mask is None:
        return None
    thin = _thinned(moment.confidence, MOST_CONFIDENCE_PX)
    if thin.dtype != np.uint8:
        thin = np.round(np.clip(np.nan_to_num(thin), 0, 1) * 255).astype(np.uint8)
    return np.bitwise_and(thin, _CONFIDENCE_BITS, dtype=np.uint8)


def _thinned(pixels: Pixels, most_px: int) -> Pixels:
    """Return every n-th pixel: ids cannot be averaged."""
    stride = -(-max(pixels.shape[:2]) // most_px)
    return pixels[::stride, ::stride]


def _packed(pixels: Pixels) -> bytes:
    rows = np.ascontiguousarray(pixels, pixels.dtype.newbyteorder("<"))
    return zlib.compress(rows.tobytes(), _PACKING_LEVEL)
