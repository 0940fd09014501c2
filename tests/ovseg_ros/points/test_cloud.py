"""Clouds: every pixel at its place, in metres, with colour, label and confidence."""

from __future__ import annotations

import struct

import numpy as np
import pytest

from ovseg_ros.points.cloud import POINT_BYTES, labelled_cloud
from ovseg_ros.points.pinhole import Pinhole

WIDTH, HEIGHT = 5, 3
CAMERA = Pinhole(WIDTH, HEIGHT, 100.0, 50.0, 2.0, 1.0, x_offset_m=0.25)


def make(kind: type = np.uint8, largest: int = 255) -> tuple[np.ndarray, ...]:
    """Return depth with one invalid pixel, image, mask of `kind`, confidence, and their cloud."""
    rng = np.random.default_rng(0)
    depth = rng.uniform(0.3, 9.0, (HEIGHT, WIDTH)).astype(np.float32)
    depth[1, 2] = np.nan
    image = rng.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    mask = rng.integers(0, largest + 1, (HEIGHT, WIDTH)).astype(kind)
    confidence = rng.integers(0, 256, (HEIGHT, WIDTH), dtype=np.uint8)
    return depth, image, mask, confidence, labelled_cloud(depth, CAMERA, image, mask, confidence)


def test_points_project_back_to_their_pixels() -> None:
    depth, *_, cloud = make()
    v, u = np.indices((HEIGHT, WIDTH))
    known = np.isfinite(depth)
    seen = cloud[known]
    assert np.allclose((seen["x"] - 0.25) / seen["z"] * 100 + 2, u[known], atol=1e-4)
    assert np.allclose(seen["y"] / seen["z"] * 50 + 1, v[known], atol=1e-4)
    assert np.array_equal(cloud["z"], depth, equal_nan=True)


def test_an_unknown_place_is_nan_in_all_axes_and_keeps_its_label() -> None:
    depth, _, mask, confidence, cloud = make()
    for axis in "xyz":
        assert np.array_equal(np.isnan(cloud[axis]), np.isnan(depth))
    assert np.array_equal(cloud["label"], mask)
    assert np.array_equal(cloud["confidence"], confidence)


@pytest.mark.parametrize(("kind", "largest"), [(np.uint8, 255), (np.uint16, 65535)])
def test_bytes_lie_where_the_layout_says(kind: type, largest: int) -> None:
    _, image, mask, confidence, cloud = make(kind, largest)
    assert cloud.shape == (HEIGHT, WIDTH)
    assert cloud.nbytes == WIDTH * HEIGHT * POINT_BYTES
    red, green, blue = (int(value) for value in image[2, 3])
    form = "=fffIBB2x" if kind is np.uint8 else "=fffIHB1x"
    *_, rgb, label, sure = struct.unpack(form, cloud[2, 3].tobytes())
    assert rgb == red << 16 | green << 8 | blue
    assert (label, sure) == (mask[2, 3], confidence[2, 3])
