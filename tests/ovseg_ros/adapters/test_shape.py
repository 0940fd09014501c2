"""The shape of a domain: its own new frames are near, frames off its directions are not."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.adapters.shape import FEWEST_FRAMES, MOST_AXES, DomainShape

E, DIRECTIONS = 60, 5
RNG = np.random.default_rng(3)
OWN = np.linalg.qr(RNG.standard_normal((E, DIRECTIONS)))[0].T
CENTER = RNG.standard_normal(E)


def scenes(count: int, seed: int) -> np.ndarray:
    """Return embeddings that vary along five directions of sixty, and a little along the others."""
    rng = np.random.default_rng(seed)
    along = 3.0 * rng.standard_normal((count, DIRECTIONS)) @ OWN
    return CENTER + along + 0.05 * rng.standard_normal((count, E))


def spreads_off(shape: DomainShape, rows: np.ndarray, center: np.ndarray) -> np.ndarray:
    return np.array([shape.spreads_off(row - center) for row in rows])


@pytest.mark.parametrize("count", [FEWEST_FRAMES, 16, 48, 300])
def test_a_new_frame_is_about_one_spread_off(count: int) -> None:
    found = DomainStatistics.of(scenes(count, seed=count))
    assert found.shape is not None
    off = spreads_off(found.shape, scenes(400, seed=1), found.centroid)
    assert np.sqrt(np.mean(off**2)) == pytest.approx(1, abs=0.25)


@pytest.mark.parametrize("count", [16, 48])
def test_a_frame_of_another_kind_is_outside_though_the_ball_holds_it(count: int) -> None:
    found = DomainStatistics.of(scenes(count, seed=count))
    other = np.random.default_rng(9).standard_normal(E)
    other -= OWN.T @ (OWN @ other)
    other *= 0.9 * found.spread * np.sqrt(E) / np.linalg.norm(other)
    assert np.sqrt(np.mean(other**2)) < found.spread
    assert found.shape is not None
    assert found.shape.spreads_off(other) > 3


def test_neighbours_in_time_do_not_vouch_for_each_other() -> None:
    """Every scene is there five times, nearly the same: its copies are left out with it."""
    apart = scenes(10, seed=4)
    close = np.repeat(apart, 5, axis=0) + 1e-3 * RNG.standard_normal((50, E))
    shapes = [DomainShape.of(rows) for rows in (apart, close)]
    assert shapes[1].spread == pytest.approx(shapes[0].spread, rel=0.1)
    assert DomainShape.of(RNG.permutation(close)).spread < 0.5 * shapes[0].spread


def test_axes_are_at_right_angles_and_not_longer_than_one() -> None:
    shape = DomainShape.of(scenes(120, seed=5))
    assert shape.axes.shape == (MOST_AXES, E)
    assert shape.axes.dtype == np.float32
    products = shape.axes @ shape.axes.T
    assert np.allclose(products, np.diag(np.diag(products)), atol=1e-5)
    assert (np.diag(products) <= 1 + 1e-5).all()
    assert (np.diag(products)[:DIRECTIONS] > 0.9).all(), "the directions that vary most"
    assert shape.fault == ""


def test_few_frames_tell_no_shape() -> None:
    assert DomainStatistics.of(scenes(FEWEST_FRAMES - 1, seed=0)).shape is None


def test_scenes_on_a_line_are_no_shape_without_spread() -> None:
    line = CENTER + np.outer(np.linspace(0, 1, 20), OWN[0])
    shape = DomainShape.of(line)
    assert shape is not None and not shape.fault
    assert DomainShape.of(np.repeat(line[:1], 20, axis=0)) is None


@pytest.mark.parametrize(
    ("axes", "spread", "words"),
    [
        (np.full((1, 4), np.nan), 1.0, "not finite"),
        (np.zeros((1, 4)), np.inf, "not finite or a spread"),
        (np.zeros((1, 4)), 0.0, "a spread that is not above 0"),
        (np.full((1, 4), 2.0), 1.0, "longer than 1"),
        (np.zeros((MOST_AXES + 1, 40)), 1.0, "33 axes, where 32 are the most"),
        (np.eye(4), 1.0, ""),
    ],
)
def test_what_is_no_shape_says_why(axes: np.ndarray, spread: float, words: str) -> None:
    fault = DomainShape(axes.astype(np.float32), spread).fault
    assert words in fault and bool(words) == bool(fault)
