"""Image files on disk: finding those that were meant, reading them as RGB, writing masks."""

from __future__ import annotations

import glob
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from PIL import Image, UnidentifiedImageError

from ovseg_ros.errors import FrameError, OvsegError
from ovseg_ros.segmentation import MaskArray, UInt8Array

SUFFIXES = (".bmp", ".jpeg", ".jpg", ".png", ".ppm", ".tif", ".tiff", ".webp")


def find_images(sources: Sequence[str]) -> tuple[Path, ...]:
    """Return the image files meant by `sources`: files, folders (their images) or glob patterns.

    Each file comes once, in the order of the sources. Raises `OvsegError` for a source that
    matches nothing.
    """
    found = [path for source in sources for path in _expand(source)]
    return tuple(dict.fromkeys(found))


def _expand(source: str) -> list[Path]:
    path = Path(source)
    if path.is_dir():
        files = sorted(p for p in path.iterdir() if p.suffix.lower() in SUFFIXES)
    elif path.exists():
        files = [path]
    else:
        files = [Path(name) for name in sorted(glob.glob(source, recursive=True))]
    if not files:
        raise OvsegError(
            f"no image at '{source}'; give an image file, a folder of {', '.join(SUFFIXES)} files, "
            "or a pattern such as 'run/*.jpg'"
        )
    return files


def read_rgb(path: Path) -> UInt8Array:
    """Return the image at `path` as uint8 [H, W, 3] RGB, pixels as stored (no EXIF rotation).

    Raises `FrameError` naming the file where it cannot be read.
    """
    try:
        return decode_rgb(path.read_bytes())
    except (OSError, FrameError) as error:
        raise FrameError(f"{path} cannot be read as an image: {error}") from None


def decode_rgb(data: bytes) -> UInt8Array:
    """Return an encoded image (JPEG, PNG, ...) as uint8 [H, W, 3] RGB; raises `FrameError`."""
    image = _decode(data)
    if image.mode.startswith("I"):
        # Pillow clips 16-bit grey to 255 instead of scaling it.
        grey = (np.asarray(image).astype(np.uint32) >> 8).astype(np.uint8)
        return np.repeat(grey[..., None], 3, axis=2)
    return np.asarray(image.convert("RGB"))


def decode_ids(data: bytes) -> UInt8Array:
    """Return a label image (8-bit grey or palette PNG) as uint8 [H, W]; raises `FrameError`."""
    image = _decode(data)
    if image.mode not in ("L", "P"):
        raise FrameError(f"label image has mode {image.mode}; one 8-bit channel of ids was wanted")
    return np.asarray(image)


def encode_png(ids: MaskArray) -> bytes:
    """Return a mask [H, W] as the bytes of a PNG with one channel of its type."""
    stream = io.BytesIO()
    Image.fromarray(ids).save(stream, format="PNG", compress_level=4)
    return stream.getvalue()


def encode_jpeg(image: UInt8Array, quality: int = 88) -> bytes:
    """Return uint8 [H, W, 3] RGB as the bytes of a JPEG of `quality` 1..95."""
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="JPEG", quality=quality)
    return stream.getvalue()


def _decode(data: bytes) -> Image.Image:
    try:
        image = Image.open(io.BytesIO(data))
        image.load()
    except UnidentifiedImageError:
        raise FrameError("the data is in no image format that Pillow knows") from None
    except (OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise FrameError(f"the image is damaged or too large: {error}") from None
    return image
