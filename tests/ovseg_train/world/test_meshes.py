"""Meshes are closed and face outwards."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_train.world.meshes import Mesh, blob, extrude, lathe, strip, torus


def signed_volume_m3(mesh: Mesh) -> float:
    """Volume as the flux of (0, 0, z), so that open upright ends do not count; < 0 = inside out."""
    a, b, c = (mesh.vertices_m[mesh.faces[:, k]] for k in range(3))
    upward_m2 = np.cross(b - a, c - a)[:, 2] / 2
    return float(((a + b + c)[:, 2] / 3 * upward_m2).sum())


LINE_M = np.stack([np.linspace(0, 4, 9), np.zeros(9)], axis=1)
CASES = {
    "box by extrusion": (extrude([(0, 0), (2, 0), (2, 1), (0, 1)], 3.0), 6.0),
    "cylinder by lathe": (lathe([(0, 0), (1, 0), (1, 2), (0, 2)], 64), 2 * np.pi),
    "tyre": (torus(1.0, 0.4, 0.4, 64), 2 * np.pi * 0.8 * np.pi * 0.2**2),
    "ball": (blob(np.random.default_rng(0), (1, 1, 1), 0.0, 24), 4 / 3 * np.pi),
    "slab": (strip(LINE_M + [0, 1.0], LINE_M - [0, 1.0], 0.0, 0.5, 1.0), 4.0),
}


@pytest.mark.parametrize("name", CASES)
def test_volume_is_that_of_the_solid(name: str) -> None:
    mesh, expected_m3 = CASES[name]
    # Polygons inscribed in circles lose some volume.
    assert signed_volume_m3(mesh) == pytest.approx(expected_m3, rel=0.12)


@pytest.mark.parametrize("name", CASES)
def test_faces_use_the_vertices(name: str) -> None:
    mesh, _ = CASES[name]
    corners = mesh.vertices_m[mesh.faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert mesh.faces.min() >= 0
    assert np.linalg.norm(normals, axis=1).max() > 0
    assert len(np.unique(mesh.faces)) >= 0.9 * len(mesh.vertices_m)
