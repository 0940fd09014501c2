"""Image messages to RGB: every layout, and a reason for everything that cannot be read."""

from __future__ import annotations

import array
import io
from types import SimpleNamespace

import numpy as np
import PIL.Image
import pytest

from ovseg_ros.errors import FrameError
from ovseg_ros.image_messages import (
    compressed_to_ids,
    compressed_to_rgb,
    raw_to_ids,
    raw_to_rgb,
)
from ovseg_ros.pixel_formats import PIXEL_FORMATS, yuv_to_rgb

WIDTH, HEIGHT = 8, 6


@pytest.fixture
def rgb() -> np.ndarray:
    """Random pixels, uint8 [6, 8, 3]."""
    return np.random.default_rng(0).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)


def message(rows: np.ndarray, encoding: str, padding: int = 0, **fields: object) -> SimpleNamespace:
    """Return rows of bytes [rows, bytes] as a message of 8x6 px, each row padded with noise."""
    rows = np.ascontiguousarray(rows).reshape(rows.shape[0], -1).view(np.uint8)
    noise = np.full((rows.shape[0], padding), 0xAB, np.uint8)
    made = SimpleNamespace(
        width=WIDTH,
        height=HEIGHT,
        encoding=encoding,
        is_bigendian=0,
        step=rows.shape[1] + padding,
        data=array.array("B", np.hstack([rows, noise]).tobytes()),
    )
    for name, value in fields.items():
        setattr(made, name, value)
    return made


@pytest.mark.parametrize("padding", [0, 1, 7])
@pytest.mark.parametrize(
    ("encoding", "order"),
    [
        ("rgb8", [0, 1, 2]),
        ("bgr8", [2, 1, 0]),
        ("8UC3", [2, 1, 0]),
        ("rgba8", [0, 1, 2, 0]),
        ("bgra8", [2, 1, 0, 0]),
        ("8UC4", [2, 1, 0, 0]),
    ],
)
def test_interleaved_channels(
    rgb: np.ndarray, encoding: str, order: list[int], padding: int
) -> None:
    assert np.array_equal(raw_to_rgb(message(rgb[..., order], encoding, padding)), rgb)


@pytest.mark.parametrize("padding", [0, 5])
def test_rgb8_is_a_view_of_the_message(rgb: np.ndarray, padding: int) -> None:
    image = message(rgb, "rgb8", padding)
    view = raw_to_rgb(image)
    image.data[0] ^= 0xFF
    assert view[0, 0, 0] == rgb[0, 0, 0] ^ 0xFF


@pytest.mark.parametrize("padding", [0, 3])
def test_gray(rgb: np.ndarray, padding: int) -> None:
    gray = rgb[..., 0]
    wanted = np.stack([gray] * 3, axis=-1)
    low_byte = rgb[..., 1].astype(np.uint16)
    samples = (gray.astype("<u2") << 8) | low_byte
    for encoding in ("mono8", "8UC1"):
        assert np.array_equal(raw_to_rgb(message(gray, encoding, padding)), wanted)
    for encoding in ("mono16", "16UC1"):
        little = message(samples.astype("<u2"), encoding, padding)
        big = message(samples.astype(">u2"), encoding, padding, is_bigendian=1)
        assert np.array_equal(raw_to_rgb(little), wanted)
        assert np.array_equal(raw_to_rgb(big), wanted)


def yuv_of(red: float, green: float, blue: float) -> tuple[int, int, int]:
    """Return (Y, U, V) of one colour, by the definition of BT.601 with limited range."""
    luma = 0.299 * red + 0.587 * green + 0.114 * blue
    u, v = (blue - luma) / 1.772, (red - luma) / 1.402
    return (
        round(16 + 219 / 255 * luma),
        round(128 + 224 / 255 * u),
        round(128 + 224 / 255 * v),
    )


COLORS = [(0, 0, 0), (255, 255, 255), (255, 0, 0), (0, 255, 0), (0, 0, 255), (200, 120, 40)]


@pytest.mark.parametrize("color", COLORS)
def test_yuv_follows_bt601(color: tuple[int, int, int]) -> None:
    luma, u, v = yuv_of(*color)
    chroma = np.full((2, 2), 0, np.uint8)
    found = yuv_to_rgb(np.full((2, 4), luma, np.uint8), chroma + u, chroma + v)
    assert np.abs(found.astype(int) - color).max() <= 3


def test_yuv_never_wraps_around() -> None:
    values = np.array([0, 1, 15, 16, 128, 235, 240, 254, 255], np.uint8)
    luma, u, v = (a.reshape(-1, 1) for a in np.meshgrid(values, values, values))
    luma = np.repeat(luma, 2, axis=1)
    exact_luma = 1.164 * (np.maximum(luma, 16).astype(float) - 16)
    u_centred, v_centred = u.astype(float) - 128, v.astype(float) - 128
    exact = np.stack(
        [
            exact_luma + 1.596 * v_centred,
            exact_luma - 0.391 * u_centred - 0.813 * v_centred,
            exact_luma + 2.018 * u_centred,
        ],
        axis=-1,
    )
    found = yuv_to_rgb(luma, u, v)
    assert np.abs(found - exact.clip(0, 255)).max() <= 2


@pytest.mark.parametrize(
    ("encoding", "order"),
    [
        ("yuv422_yuy2", "YUYV"),
        ("yuyv", "YUYV"),
        ("yuv422", "UYVY"),
        ("uyvy", "UYVY"),
    ],
)
def test_packed_yuv(encoding: str, order: str) -> None:
    """Left half red, right half blue."""
    colors = [yuv_of(255, 0, 0)] * (WIDTH // 4) + [yuv_of(0, 0, 255)] * (WIDTH // 4)
    row = [dict(zip("YUV", color, strict=True))[letter] for color in colors for letter in order]
    rows = np.array([row] * HEIGHT, np.uint8)
    found = raw_to_rgb(message(rows, encoding, padding=4))
    assert np.abs(found[:, : WIDTH // 2].astype(int) - (255, 0, 0)).max() <= 3
    assert np.abs(found[:, WIDTH // 2 :].astype(int) - (0, 0, 255)).max() <= 3


@pytest.mark.parametrize(("encoding", "order"), [("nv12", "UV"), ("nv21", "VU")])
def test_semi_planar_yuv(encoding: str, order: str) -> None:
    """Upper part red, the last two rows blue."""
    red, blue = (dict(zip("YUV", yuv_of(*c), strict=True)) for c in ((255, 0, 0), (0, 0, 255)))
    luma = [[red["Y"]] * WIDTH] * (HEIGHT - 2) + [[blue["Y"]] * WIDTH] * 2
    chroma = [[red[c] for c in order] * (WIDTH // 2)] * (HEIGHT // 2 - 1)
    chroma += [[blue[c] for c in order] * (WIDTH // 2)]
    found = raw_to_rgb(message(np.array(luma + chroma, np.uint8), encoding, padding=2))
    assert found.shape == (HEIGHT, WIDTH, 3)
    assert np.abs(found[:-2].astype(int) - (255, 0, 0)).max() <= 3
    assert np.abs(found[-2:].astype(int) - (0, 0, 255)).max() <= 3


@pytest.mark.parametrize("pattern", ["rggb", "bggr", "gbrg", "grbg"])
def test_bayer_of_one_color_is_that_color(pattern: str) -> None:
    color = {"r": 200, "g": 100, "b": 50}
    block = np.array([color[letter] for letter in pattern], np.uint8).reshape(2, 2)
    raw = np.tile(block, (HEIGHT // 2, WIDTH // 2))
    found = raw_to_rgb(message(raw, f"bayer_{pattern}8", padding=3))
    assert np.array_equal(found, np.broadcast_to((200, 100, 50), found.shape))


def test_bayer_interpolates_between_its_samples() -> None:
    """A red ramp comes back as that ramp, in between as well."""
    ramp = np.arange(0, 10 * WIDTH, 10, dtype=np.uint8)
    raw = np.zeros((HEIGHT, WIDTH), np.uint8)
    raw[0::2, 0::2] = ramp[0::2]
    found = raw_to_rgb(message(raw, "bayer_rggb8"))
    assert np.array_equal(found[:, :-1, 0], np.tile(ramp[:-1], (HEIGHT, 1)))


@pytest.mark.parametrize("encoding", PIXEL_FORMATS)
def test_every_encoding_gives_the_frame_its_size(encoding: str) -> None:
    pixel_format = PIXEL_FORMATS[encoding]
    shape = (int(HEIGHT * pixel_format.row_ratio), WIDTH * pixel_format.bytes_per_px)
    found = raw_to_rgb(message(np.zeros(shape, np.uint8), encoding))
    assert (found.shape, found.dtype) == ((HEIGHT, WIDTH, 3), np.uint8)


BAD_MESSAGES = {
    "short step": ({"step": 20}, "has step 20; at least 24 bytes"),
    "short data": ({"data": array.array("B", bytes(143))}, "143 bytes of data; 144 were wanted"),
    "zero width": ({"width": 0}, "0x6 px"),
    "negative height": ({"height": -1}, "8x-1 px"),
    "absurd width": ({"width": 8193}, "8193x6 px; sides from 1 to 8192"),
    "unknown encoding": ({"encoding": "rgb9"}, "'rgb9'; the encodings are rgb8"),
    "another case": ({"encoding": "RGB8"}, "'RGB8'; the encodings are rgb8"),
    "odd width": ({"encoding": "uyvy", "width": 7}, "blocks of 2x1 px"),
    "odd height": ({"encoding": "nv12", "height": 5}, "blocks of 2x2 px"),
}


@pytest.mark.parametrize("case", BAD_MESSAGES)
def test_a_message_that_cannot_be_right_is_refused(rgb: np.ndarray, case: str) -> None:
    fields, phrase = BAD_MESSAGES[case]
    with pytest.raises(FrameError) as refusal:
        raw_to_rgb(message(rgb, **{"encoding": "rgb8", **fields}))
    assert phrase in str(refusal.value)


def compressed(data: bytes) -> SimpleNamespace:
    """Return `data` as a compressed message."""
    return SimpleNamespace(format="rgb8; png compressed", data=array.array("B", data))


def encoded(pixels: np.ndarray, kind: str, **options: object) -> bytes:
    """Return `pixels` in an image format."""
    stream = io.BytesIO()
    PIL.Image.fromarray(pixels).save(stream, kind, **options)
    return stream.getvalue()


def test_png_comes_back_exactly(rgb: np.ndarray) -> None:
    assert np.array_equal(compressed_to_rgb(compressed(encoded(rgb, "png"))), rgb)
    with_alpha = np.dstack([rgb, np.full((HEIGHT, WIDTH), 7, np.uint8)])
    assert np.array_equal(compressed_to_rgb(compressed(encoded(with_alpha, "png"))), rgb)


@pytest.mark.parametrize("bits", [8, 16])
def test_gray_png(rgb: np.ndarray, bits: int) -> None:
    gray = rgb[..., 0]
    pixels = gray if bits == 8 else gray.astype(np.uint16) << 8
    found = compressed_to_rgb(compressed(encoded(pixels, "png")))
    assert np.array_equal(found, np.stack([gray] * 3, axis=-1))


def test_jpeg_comes_back_nearly(rgb: np.ndarray) -> None:
    smooth = np.broadcast_to(np.array([200, 100, 50], np.uint8), (16, 16, 3))
    found = compressed_to_rgb(compressed(encoded(smooth, "jpeg", quality=95)))
    assert np.abs(found.astype(int) - smooth).max() <= 4


@pytest.mark.parametrize("kind", ["bmp", "gif"])
def test_other_formats_are_refused(rgb: np.ndarray, kind: str) -> None:
    with pytest.raises(FrameError, match="JPEG or PNG was wanted"):
        compressed_to_rgb(compressed(encoded(rgb[..., 0], kind)))


def test_an_enormous_picture_is_refused_before_it_is_decoded() -> None:
    data = bytearray(encoded(np.zeros((1, 1), np.uint8), "png"))
    data[16:24] = (60_000).to_bytes(4, "big") * 2
    with pytest.raises(FrameError):
        compressed_to_rgb(compressed(bytes(data)))


@pytest.mark.parametrize(
    ("encoding", "kind", "big"),
    [
        ("mono8", "u1", 0),
        ("8UC1", "u1", 0),
        ("mono16", "<u2", 0),
        ("16UC1", ">u2", 1),
    ],
)
def test_label_ids_of_raw_images(encoding: str, kind: str, big: int) -> None:
    ids = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    made = message(ids.astype(kind), encoding, padding=3, is_bigendian=big)
    assert np.array_equal(raw_to_ids(made), ids)


def test_label_ids_that_have_no_place_are_refused() -> None:
    ids = np.full((HEIGHT, WIDTH), 256, np.uint16)
    with pytest.raises(FrameError, match="above 255"):
        raw_to_ids(message(ids, "mono16"))
    with pytest.raises(FrameError, match="rgb8.*mono8, 8UC1"):
        raw_to_ids(message(ids, "rgb8"))


def test_label_ids_of_png() -> None:
    ids = np.random.default_rng(2).integers(0, 256, (HEIGHT, WIDTH)).astype(np.uint8)
    stream = io.BytesIO()
    PIL.Image.fromarray(ids).save(stream, "PNG")
    data = np.frombuffer(stream.getvalue(), np.uint8)
    assert np.array_equal(compressed_to_ids(SimpleNamespace(format="png", data=data)), ids)
