"""The message of a moment says what was in it."""

import json
import struct
import zlib

import numpy as np
import pytest
from console_parts import LABELS, moment

from ovseg_ros.console.moment import Picture
from ovseg_ros.console.wire import MOST_VIEW_PX, encode_moment, read_header
from ovseg_ros.errors import FrameError
from ovseg_ros.image_files import decode_rgb


def read(data):
    """Return header, frame, mask and confidence of a message."""
    header = read_header(data)
    at = 4 + struct.unpack_from("<I", data)[0]
    parts = []
    for name in ("jpeg", "mask", "confidence"):
        size = header[name]["bytes"] if header[name] else 0
        parts.append(data[at : at + size])
        at += size
    assert at == len(data)
    return (
        header,
        decode_rgb(parts[0]),
        *map(unpacked, (header["mask"], header["confidence"]), parts[1:]),
    )


def unpacked(shape, data):
    if shape is None:
        return None
    pixels = np.frombuffer(zlib.decompress(data), f"<u{shape['item_bytes']}")
    return pixels.reshape(shape["height"], shape["width"])


def encode(shown):
    return read(encode_moment(7, shown, LABELS, 12.5).data)


def test_everything_of_a_moment_is_in_its_message():
    shown = moment(1_700_000_000_123_456_789)
    header, image, mask, confidence = encode(shown)
    assert (header["frame"], header["stamp_ns"]) == (7, "1700000000123456789")
    assert (header["frame_id"], header["encoded_ms"]) == ("camera", 12.5)
    assert np.abs(image.astype(int) - 90).max() < 4
    assert (mask == shown.mask).all()
    assert np.abs(confidence.astype(int) - shown.confidence).max() < 4


@pytest.mark.parametrize(
    ("parts", "wanted_mask", "wanted_confidence"),
    [
        ({"mask": None}, None, None),
        ({"confidence": None}, 4, None),
        ({"mask": np.full((6, 8), 1000, np.uint16)}, 1000, 200),
        ({"mask": np.full((6, 8), 1000, ">u2")}, 1000, 200),
        ({"confidence": np.full((6, 8), 0.5, np.float32)}, 4, 128),
        ({"confidence": np.full((6, 8), np.nan, np.float32)}, 4, 0),
    ],
)
def test_other_encodings_are_shown_too(parts, wanted_mask, wanted_confidence):
    _, _, mask, confidence = encode(moment(**parts))
    assert (mask if mask is None else mask[0, 0]) == wanted_mask
    assert (confidence if confidence is None else confidence[0, 0]) == wanted_confidence


def test_large_pictures_are_thinned_out():
    image = np.zeros((1500, 4000, 3), np.uint8)
    mask = np.arange(6_000_000, dtype=np.uint32).reshape(1500, 4000).astype(np.uint8)
    big = moment(picture=Picture("c", lambda: image, 0), mask=mask, confidence=mask)
    header, shown, ids, confidence = encode(big)
    assert max(shown.shape) <= MOST_VIEW_PX
    assert (ids == mask[::4, ::4]).all()
    assert max(confidence.shape) <= 320
    assert json.dumps(header)


def test_the_jpeg_of_the_camera_is_passed_on():
    def never():
        raise AssertionError("decoded for nothing")

    shown = moment(picture=Picture("c", never, 0, jpeg=b"\xff\xd8\xff its own"))
    data = encode_moment(1, shown, LABELS, 0.0).data
    assert b"\xff\xd8\xff its own" in data


def test_a_frame_that_cannot_be_decoded_says_so():
    def refuse():
        raise FrameError("half a frame")

    with pytest.raises(FrameError, match="half a frame"):
        encode(moment(picture=Picture("c", refuse, 0)))
