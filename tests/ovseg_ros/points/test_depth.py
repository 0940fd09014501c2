"""Depth images: the unit comes from the encoding, invalid is NaN, sizes fit or are refused."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_ros.errors import PointsError
from ovseg_ros.points.depth import DepthEncoding, depth_encoding, depth_in_metres, fitted

NAN = np.nan


def rows(values: list[list[float]], kind: str) -> np.ndarray:
    """Return `values` as the bytes of an image, uint8 [H, bytes]."""
    return np.array(values, kind).view(np.uint8)


@pytest.mark.parametrize("big_endian", [False, True])
def test_millimetres_become_metres_and_zero_is_invalid(big_endian: bool) -> None:
    kind = ">u2" if big_endian else "<u2"
    depth = depth_in_metres(
        rows([[0, 1, 1500], [65535, 256, 1]], kind), DepthEncoding("16UC1"), big_endian
    )
    assert depth.dtype == np.float32
    assert np.allclose(depth, [[NAN, 0.001, 1.5], [65.535, 0.256, 0.001]], equal_nan=True)


@pytest.mark.parametrize("big_endian", [False, True])
def test_metres_stay_and_what_is_no_distance_is_invalid(big_endian: bool) -> None:
    kind = ">f4" if big_endian else "<f4"
    values = [[0.5, np.inf, -np.inf], [NAN, 0.0, -1.0]]
    depth = depth_in_metres(rows(values, kind), DepthEncoding("32FC1"), big_endian)
    assert np.array_equal(depth, [[0.5, NAN, NAN], [NAN, NAN, NAN]], equal_nan=True)


def test_padded_rows_and_the_message_itself_are_left_alone() -> None:
    padded = np.zeros((2, 8), np.uint8)
    padded[:, :4] = rows([[1000, 2000], [3000, 0]], "<u2")
    before = padded.copy()
    depth = depth_in_metres(padded[:, :4], DepthEncoding.MILLIMETRES)
    assert np.array_equal(depth, np.float32([[1, 2], [3, NAN]]), equal_nan=True)
    depth[:] = 7
    assert np.array_equal(padded, before)


@pytest.mark.parametrize("name", ["mono16", "rgb8", "", "32FC2", "x" * 1000])
def test_other_encodings_are_refused_with_the_two_that_are_wanted(name: str) -> None:
    with pytest.raises(PointsError, match="16UC1 .millimetres. or 32FC1") as refused:
        depth_encoding(name)
    assert len(str(refused.value)) < 300


DEPTH = np.arange(12, dtype=np.float32).reshape(3, 4)


@pytest.mark.parametrize(
    ("size_px", "wanted"),
    [
        pytest.param((4, 3), DEPTH, id="same size"),
        pytest.param((8, 6), np.kron(DEPTH, np.ones((2, 2), np.float32)), id="half as large"),
        pytest.param((12, 9), np.kron(DEPTH, np.ones((3, 3), np.float32)), id="a third"),
    ],
)
def test_depth_is_fitted_without_mixing_values(
    size_px: tuple[int, int], wanted: np.ndarray
) -> None:
    assert np.array_equal(fitted(DEPTH, *size_px), wanted)


def test_larger_depth_is_thinned_out() -> None:
    large = np.kron(DEPTH, np.ones((2, 2), np.float32))
    assert np.array_equal(fitted(large, 4, 3), DEPTH)


@pytest.mark.parametrize("size_px", [(3, 4), (5, 3), (8, 3), (8, 9), (2, 3), (6, 5), (1, 1)])
def test_depth_of_another_shape_is_refused(size_px: tuple[int, int]) -> None:
    with pytest.raises(PointsError, match="is 4x3 px, its frame .* aligned"):
        fitted(DEPTH, *size_px)
