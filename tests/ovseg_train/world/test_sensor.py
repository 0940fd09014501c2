"""Fog thickens with distance and leaves clear air alone."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.sensor import add_fog

FOG_RGB = np.array([0.6, 0.6, 0.6])


def fogged(depths_m: list[float], fog_per_m: float) -> np.ndarray:
    depth = np.array([depths_m], np.float32)
    black = np.zeros((1, len(depths_m), 3), np.float32)
    return add_fog(black, depth, fog_per_m, FOG_RGB)[0, :, 0]


def test_fog_follows_koschmieder() -> None:
    depths = [0.0, 5.0, 20.0, 80.0]
    assert np.allclose(fogged(depths, 0.05), 0.6 * (1 - np.exp(-0.05 * np.array(depths))))


def test_clear_air_changes_nothing() -> None:
    assert (fogged([1.0, 50.0], 0.0) == 0).all()


def test_haze_leaves_the_sky_and_fog_covers_it() -> None:
    haze, fog = (fogged([200.0], density)[0] for density in (0.005, 0.06))
    assert haze == 0
    assert fog > 0.3
