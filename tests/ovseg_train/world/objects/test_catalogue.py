"""Every noun that is an object can be built, in many variations."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_train.world.nouns import NOUNS, noun_id
from ovseg_train.world.objects.catalogue import BUILDERS
from ovseg_train.world.parts import Model, Shape

GROUND_AND_SKY = {"sky", "road", "pavement", "grass"}
CARRIED_BY_A_POLE = {"traffic light", "traffic sign"}


def corners_m(model: Model) -> np.ndarray:
    """Vertices of meshes and centres of primitives, float64 [K, 3]."""
    points = [
        part.mesh.vertices_m @ part.rot.T + part.pos_m
        if part.mesh is not None
        else part.pos_m[None]
        for part in model.parts
    ]
    return np.concatenate(points)


def appearance(model: Model) -> tuple[object, object, object]:
    """Outline, colours and textures in a comparable form."""
    outline = tuple(np.round(corners_m(model).max(axis=0), 3))
    colours = tuple(part.surface.rgb for part in model.parts)
    images = (part.surface.texture for part in model.parts)
    return outline, colours, tuple(int(i.sum()) for i in images if i is not None)


def test_every_noun_has_a_builder_or_is_ground_or_sky() -> None:
    assert set(BUILDERS) == set(NOUNS) - GROUND_AND_SKY


def test_thirty_nouns_in_a_fixed_order() -> None:
    assert len(NOUNS) == len(set(NOUNS)) == 30
    assert [noun_id(n) for n in ("sky", "car", "tent")] == [0, 12, 29]
    with pytest.raises(ValueError, match="valid nouns: sky, road"):
        noun_id("dragon")


@pytest.mark.parametrize("noun", sorted(BUILDERS))
def test_a_noun_builds_and_stays_itself(noun: str) -> None:
    allowed = {noun, "pole"} if noun in CARRIED_BY_A_POLE else {noun}
    for seed in range(12):
        model = BUILDERS[noun](np.random.default_rng(seed))
        points = corners_m(model)
        assert {part.noun for part in model.parts} <= allowed
        assert noun in {part.noun for part in model.parts}
        assert np.isfinite(points).all()
        assert points[:, 2].min() > -0.9, "sunk into the ground"
        assert points[:, 2].max() > 0.1
        assert np.abs(points[:, :2]).max() < 8.0


@pytest.mark.parametrize("noun", sorted(BUILDERS))
def test_a_noun_varies(noun: str) -> None:
    variants = {appearance(BUILDERS[noun](np.random.default_rng(seed))) for seed in range(12)}
    assert len(variants) == 12
    assert len({shape for shape, _, _ in variants}) >= 3
    assert len({(colours, textures) for _, colours, textures in variants}) >= 4


@pytest.mark.parametrize("noun", sorted(BUILDERS))
def test_rotations_are_rotations(noun: str) -> None:
    for part in BUILDERS[noun](np.random.default_rng(1)).parts:
        assert np.allclose(part.rot @ part.rot.T, np.eye(3), atol=1e-9)
        assert np.isclose(np.linalg.det(part.rot), 1.0)
        assert (part.mesh is not None) == (part.shape is Shape.MESH)
