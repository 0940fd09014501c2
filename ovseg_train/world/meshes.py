"""Triangle meshes made of a few numbers: extrusions, lathes, blobs and ground strips."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True, eq=False)
class Mesh:
    """A closed triangle mesh.

    Attributes:
        vertices_m: float64 [V, 3].
        faces: int32 [T, 3], counter-clockwise seen from outside.
        uv: float64 [V, 2] texture coordinates, or None.
    """

    vertices_m: np.ndarray
    faces: np.ndarray
    uv: np.ndarray | None = None


def _flat(triangles: Sequence[np.ndarray]) -> Mesh:
    """Give every triangle its own vertices, so that edges stay sharp when shaded."""
    vertices = np.concatenate([np.asarray(t, float) for t in triangles])
    return Mesh(vertices, np.arange(len(vertices), dtype=np.int32).reshape(-1, 3))


def extrude(profile_m: Sequence[tuple[float, float]], width_m: float, taper: float = 1.0) -> Mesh:
    """Sweep a side profile across the y axis.

    Args:
        profile_m: (x, z) corners, counter-clockwise seen from -y; star-shaped about its mean.
        width_m: size along y.
        taper: y scale of the corners above the mean height (a car's cabin is narrower).

    Returns:
        Mesh centred on y = 0.
    """
    corners = np.asarray(profile_m, float)
    middle = corners.mean(axis=0)
    half = np.where(corners[:, 1] > middle[1], taper, 1.0) * width_m / 2
    right = np.stack([corners[:, 0], -half, corners[:, 1]], axis=1)
    left = right * [1.0, -1.0, 1.0]
    right_hub = np.array([middle[0], -half.mean(), middle[1]])
    left_hub = right_hub * [1.0, -1.0, 1.0]
    triangles = []
    for i in range(len(corners)):
        j = (i + 1) % len(corners)
        triangles += [
            np.stack([right_hub, right[i], right[j]]),
            np.stack([left_hub, left[j], left[i]]),
            np.stack([right[i], left[i], left[j]]),
            np.stack([right[i], left[j], right[j]]),
        ]
    return _flat(triangles)


def lathe(profile_m: Sequence[tuple[float, float]], segments: int = 16) -> Mesh:
    """Turn an (r, z) profile, listed from bottom to top on the outside, around the z axis.

    A profile that starts and ends at the same point makes a ring (a tyre); otherwise put r = 0
    at both ends to close it.
    """
    profile = np.asarray(profile_m, float)
    angles = np.arange(segments) * 2 * np.pi / segments
    rings = np.stack(
        [
            np.outer(np.cos(angles), profile[:, 0]),
            np.outer(np.sin(angles), profile[:, 0]),
            np.tile(profile[:, 1], (segments, 1)),
        ],
        axis=-1,
    )
    count = len(profile)
    index = np.arange(segments * count).reshape(segments, count)
    a, b = index[:, :-1], np.roll(index, -1, axis=0)[:, :-1]
    c, d = np.roll(index, -1, axis=0)[:, 1:], index[:, 1:]
    faces = np.concatenate(
        [np.stack([a, b, c], -1).reshape(-1, 3), np.stack([a, c, d], -1).reshape(-1, 3)]
    )
    vertices = rings.reshape(-1, 3)
    corner = vertices[faces]
    area = np.linalg.norm(
        np.cross(corner[:, 1] - corner[:, 0], corner[:, 2] - corner[:, 0]), axis=1
    )
    return Mesh(vertices, faces[area > 1e-9].astype(np.int32))


def torus(radius_m: float, tube_m: float, width_m: float, segments: int = 20) -> Mesh:
    """A ring around z: outer radius, radial thickness of the tube, and width along z."""
    angles = np.linspace(-np.pi / 2, 1.5 * np.pi, 9)
    middle = radius_m - tube_m / 2
    profile = [(middle + tube_m / 2 * np.cos(a), width_m / 2 * np.sin(a)) for a in angles]
    return lathe(profile, segments)


def blob(
    rng: np.random.Generator, half_m: Sequence[float] | np.ndarray, rough: float, rings: int = 8
) -> Mesh:
    """A lumpy ball: rocks, bushes, tree crowns.

    Args:
        rng: source of the lumps.
        half_m: half sizes along x, y, z.
        rough: relative depth of the lumps, 0 (an ellipsoid) to about 0.5.
        rings: latitude rings; twice as many along the equator.
    """
    polar = np.linspace(0, np.pi, rings + 1)
    around = np.arange(2 * rings) * np.pi / rings
    theta, phi = np.meshgrid(polar, around, indexing="ij")
    unit = np.stack([np.sin(theta) * np.cos(phi), np.sin(theta) * np.sin(phi), -np.cos(theta)], -1)
    waves = rng.normal(size=(7, 3)) * 2.5
    lumps = np.sin(unit @ waves.T + rng.uniform(0, 6.3, 7)).mean(-1)
    vertices = unit * (1 + rough * 2 * lumps[..., None]) * np.asarray(half_m)
    count = 2 * rings
    index = np.arange((rings + 1) * count).reshape(rings + 1, count)
    a, d = index[:-1], index[1:]
    b, c = np.roll(a, -1, axis=1), np.roll(d, -1, axis=1)
    faces = np.concatenate(
        [np.stack([a, b, c], -1)[1:].reshape(-1, 3), np.stack([a, c, d], -1)[:-1].reshape(-1, 3)]
    )
    return Mesh(vertices.reshape(-1, 3), faces.astype(np.int32))


def strip(
    left_m: np.ndarray, right_m: np.ndarray, top_m: float, thick_m: float, tile_m: float
) -> Mesh:
    """A slab of ground between two edge lines.

    Args:
        left_m: float [K, 2] points of the left edge.
        right_m: float [K, 2] points of the right edge, same count.
        top_m: height of the upper face.
        thick_m: thickness below it.
        tile_m: metres covered by one repeat of the texture.
    """
    count = len(left_m)
    edges = np.concatenate([left_m, right_m])
    top = np.c_[edges, np.full(len(edges), top_m)]
    bottom = np.c_[edges, np.full(len(edges), top_m - thick_m)]
    i = np.arange(count - 1)
    upper = np.concatenate([np.c_[i, i + count, i + count + 1], np.c_[i, i + count + 1, i + 1]])
    kerb_left = np.concatenate(
        [np.c_[i, i + 1, i + 1 + 2 * count], np.c_[i, i + 1 + 2 * count, i + 2 * count]]
    )
    kerb_right = (kerb_left + count)[:, ::-1]
    faces = np.concatenate([upper, (upper + 2 * count)[:, ::-1], kerb_left, kerb_right])
    vertices = np.concatenate([top, bottom])
    return Mesh(vertices, faces.astype(np.int32), vertices[:, :2] / tile_m)
