"""The pixel formats a camera may send, each with the way from its bytes to RGB.

Encoding names are those of `sensor_msgs/image_encodings.hpp`, plus `nv12`, which drivers use
although that header does not list it. YUV is BT.601 with limited range, as OpenCV and the drivers
have it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import numpy.typing as npt

from ovseg_ros.segmentation import UInt8Array

Decoder: TypeAlias = Callable[[UInt8Array, bool], UInt8Array]


@dataclass(frozen=True)
class PixelFormat:
    """How an encoding lays out its pixels.

    A frame of H x W px has H * `row_ratio` rows of W * `bytes_per_px` bytes; W and H are multiples
    of `block_px` (width, height). `decode` takes those rows, uint8 without padding, and whether
    the samples are big-endian, and returns uint8 [H, W, 3] RGB, as a view where that is possible.
    """

    bytes_per_px: int
    decode: Decoder
    row_ratio: float = 1.0
    block_px: tuple[int, int] = (1, 1)


def _interleaved(channels: int, order: tuple[int, int, int]) -> PixelFormat:
    """Return a format of `channels` bytes per pixel with R, G and B at the places in `order`."""

    def decode(rows: UInt8Array, _big_endian: bool) -> UInt8Array:
        pixels = rows.reshape(rows.shape[0], -1, channels)
        if order == (0, 1, 2):
            return pixels[..., :3]
        # Three strided copies: four times as fast as one copy of a reversed view.
        rgb = np.empty((*pixels.shape[:2], 3), np.uint8)
        for target, source in enumerate(order):
            rgb[..., target] = pixels[..., source]
        return rgb

    return PixelFormat(channels, decode)


def _gray(rows: UInt8Array, _big_endian: bool) -> UInt8Array:
    return np.repeat(rows[..., None], 3, axis=2)


def _gray_16bit(rows: UInt8Array, big_endian: bool) -> UInt8Array:
    """Keep the high byte of each sample."""
    return _gray(rows[:, (0 if big_endian else 1) :: 2], big_endian)


def _yuv422(luma: int, u: int, v: int) -> PixelFormat:
    """Return a packed 4:2:2 format; the arguments are places in its group of four bytes."""

    def decode(rows: UInt8Array, _big_endian: bool) -> UInt8Array:
        groups = rows.reshape(rows.shape[0], -1, 4)
        return yuv_to_rgb(rows[:, luma::2], groups[..., u], groups[..., v])

    return PixelFormat(2, decode, block_px=(2, 1))


def _yuv420(u: int, v: int) -> PixelFormat:
    """Return a semi-planar 4:2:0 format whose chroma rows hold U and V at the given places."""

    def decode(rows: UInt8Array, _big_endian: bool) -> UInt8Array:
        height_px = rows.shape[0] * 2 // 3
        chroma = rows[height_px:].repeat(2, axis=0)
        return yuv_to_rgb(rows[:height_px], chroma[:, u::2], chroma[:, v::2])

    return PixelFormat(1, decode, row_ratio=1.5, block_px=(2, 2))


def yuv_to_rgb(luma: UInt8Array, u: UInt8Array, v: UInt8Array) -> UInt8Array:
    """Return RGB uint8 [H, W, 3] of `luma` [H, W] and chroma `u`, `v` [H, W / 2] (BT.601, limited).

    Fixed point with 6 fractional bits; 128 is taken off so that no sum leaves int16.
    """
    legal = np.maximum(luma, 16).astype(np.uint16)
    scaled = ((legal * 149) >> 1).astype(np.int16)  # 1.164 * 64 = 149 / 2
    scaled -= 16 * 149 // 2 + 128 * 64 - 32
    u_centred = u.astype(np.int16) - np.int16(128)
    v_centred = v.astype(np.int16) - np.int16(128)
    offsets = (
        v_centred * np.int16(102),
        u_centred * np.int16(-25) + v_centred * np.int16(-52),
        u_centred * np.int16(129),
    )
    rgb = np.empty((*luma.shape, 3), np.uint8)
    for channel, offset in enumerate(offsets):
        value = scaled + offset.repeat(2, axis=1)
        value >>= 6
        np.clip(value, -128, 127, out=value)
        value += 128
        rgb[..., channel] = value
    return rgb


def _bayer(pattern: str) -> PixelFormat:
    """Return the format of a colour filter array whose first 2x2 block reads `pattern`."""
    sites = {
        color: [divmod(place, 2) for place, letter in enumerate(pattern) if letter == color]
        for color in "rgb"
    }

    def decode(rows: UInt8Array, _big_endian: bool) -> UInt8Array:
        padded = np.pad(rows, 1, mode="reflect").astype(np.uint16)
        channels = [_interpolate(padded, sites[color]) for color in "rgb"]
        return np.stack(channels, axis=-1)

    return PixelFormat(1, decode, block_px=(2, 2))


def _interpolate(padded: npt.NDArray[np.uint16], sites: list[tuple[int, int]]) -> UInt8Array:
    """Return one colour at every pixel, bilinear, from the samples at `sites` (row, column).

    `padded` [H + 2, W + 2] is the raw frame with a mirrored border of one pixel, which keeps the
    pattern going.
    """
    plane = np.zeros_like(padded)
    for row, column in sites:
        place = (slice((row + 1) % 2, None, 2), slice((column + 1) % 2, None, 2))
        plane[place] = padded[place]
    middle = plane[1:-1, 1:-1]
    if len(sites) == 2:
        crossed = plane[:-2, 1:-1] + plane[2:, 1:-1] + plane[1:-1, :-2] + plane[1:-1, 2:]
        total = crossed + 4 * middle
    else:
        vertical = plane[:-2] + plane[2:] + 2 * plane[1:-1]
        total = vertical[:, :-2] + vertical[:, 2:] + 2 * vertical[:, 1:-1]
    return (total >> 2).astype(np.uint8)


_YUYV = _yuv422(luma=0, u=1, v=3)
_UYVY = _yuv422(luma=1, u=0, v=2)
_BGR = _interleaved(3, (2, 1, 0))
_BGRA = _interleaved(4, (2, 1, 0))
_MONO = PixelFormat(1, _gray)
_MONO_16BIT = PixelFormat(2, _gray_16bit)

# OpenCV's convention for the numbered encodings: three channels are BGR, four are BGRA.
PIXEL_FORMATS: dict[str, PixelFormat] = {
    "rgb8": _interleaved(3, (0, 1, 2)),
    "bgr8": _BGR,
    "rgba8": _interleaved(4, (0, 1, 2)),
    "bgra8": _BGRA,
    "mono8": _MONO,
    "mono16": _MONO_16BIT,
    "8UC1": _MONO,
    "8UC3": _BGR,
    "8UC4": _BGRA,
    "16UC1": _MONO_16BIT,
    "yuv422_yuy2": _YUYV,
    "yuyv": _YUYV,
    "yuv422": _UYVY,
    "uyvy": _UYVY,
    "nv12": _yuv420(u=0, v=1),
    "nv21": _yuv420(u=1, v=0),
    "bayer_rggb8": _bayer("rggb"),
    "bayer_bggr8": _bayer("bggr"),
    "bayer_gbrg8": _bayer("gbrg"),
    "bayer_grbg8": _bayer("grbg"),
}
