"""Rain: a wet ground, streaks in the air and drops on the lens. Synthetic, and simple."""

from __future__ import annotations

import numpy as np

_WET_SHARE = 0.5
_UPWARD = 0.85
_NORMAL_REFLECTANCE = 0.04
_STREAKS = (120, 260)
_STREAK_LIGHT = 0.16
_DROPS = (6, 18)


def wet_ground(
    colour: np.ndarray, normals: np.ndarray, points: np.ndarray, sky_rgb: np.ndarray
) -> np.ndarray:
    """Darken what faces the sky, and let it mirror the sky the more, the flatter it is seen.

    Args:
        colour: float32 [H, W, 3] linear light.
        normals: float32 [H, W, 3] in world coordinates.
        points: float32 [H, W, 3] offsets from the camera, metres.
        sky_rgb: float [3] linear colour of the sky.

    Returns:
        float32 [H, W, 3].
    """
    reach = np.maximum(np.linalg.norm(points, axis=-1), 1e-6)
    incidence = np.clip(-(normals * points).sum(-1) / reach, 0, 1)
    # Schlick's approximation of Fresnel's law, for water.
    mirrored = _NORMAL_REFLECTANCE + (1 - _NORMAL_REFLECTANCE) * (1 - incidence) ** 5
    mirrored = 0.7 * mirrored[..., None]
    wet = colour * _WET_SHARE * (1 - mirrored) + sky_rgb.astype(np.float32) * mirrored
    return np.where(normals[..., 2:] > _UPWARD, wet, colour).astype(np.float32)


def add_streaks(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Add falling drops as short bright lines, all slanted alike; float32 [H, W, 3]."""
    height, width = colour.shape[:2]
    light = np.zeros((height, width), np.float32)
    slant = rng.uniform(-0.25, 0.25)
    count = int(rng.integers(*_STREAKS))
    lengths = rng.uniform(0.02, 0.07, count) * height
    tops = np.stack([rng.uniform(-0.1, 1, count) * height, rng.uniform(0, 1, count) * width], -1)
    for (top, left), length in zip(tops, lengths, strict=True):
        along = np.arange(int(length))
        rows, columns = (top + along).astype(int), (left + slant * along).astype(int)
        seen = (rows >= 0) & (rows < height) & (columns >= 0) & (columns < width)
        light[rows[seen], columns[seen]] += rng.uniform(0.3, 1.0) * _STREAK_LIGHT
    return colour + light[..., None]


def blur_drops(colour: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """Put drops on the lens: round spots in which the picture is blurred; float32 [H, W, 3]."""
    height, width = colour.shape[:2]
    down, across = np.ogrid[:height, :width]
    out = colour.copy()
    for _ in range(int(rng.integers(*_DROPS))):
        y, x = rng.uniform(0, height), rng.uniform(0, width)
        radius = rng.uniform(0.008, 0.03) * height
        inside = (down - y) ** 2 + (across - x) ** 2 < radius**2
        if inside.any():
            out[inside] = 0.25 * out[inside] + 0.75 * out[inside].mean(0)
    return out
