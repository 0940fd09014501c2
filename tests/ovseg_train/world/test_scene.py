"""Scenes: decided by their seed, apart between splits, passable."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_train.world.ground import SceneKind
from ovseg_train.world.looks import Look
from ovseg_train.world.nouns import NOUNS
from ovseg_train.world.scene import Scene, Split, draw_scene, scene_seed


def fingerprint(scene: Scene) -> tuple[object, ...]:
    """Everything that decides how a scene looks, in a comparable form."""
    poses = np.concatenate([np.r_[part.pos_m, part.rot.ravel()] for part in scene.parts])
    textures = [int(p.surface.texture.sum()) for p in scene.parts if p.surface.texture is not None]
    colours = [(part.noun, part.half_m, part.surface.rgb) for part in scene.parts]
    return (scene.kind, scene.air, scene.fovy_deg, poses.tobytes(), tuple(textures), tuple(colours))


def test_the_same_seed_gives_the_same_scene() -> None:
    seed = scene_seed(Split.TRAIN, 3, 7)
    first, again = (draw_scene(seed, Look.DUSK) for _ in range(2))
    assert fingerprint(first) == fingerprint(again)


def test_another_seed_gives_another_scene() -> None:
    scenes = [draw_scene(scene_seed(Split.TRAIN, 3, i), Look.DAY, SceneKind.YARD) for i in (0, 1)]
    assert fingerprint(scenes[0]) != fingerprint(scenes[1])


def test_a_look_changes_the_light_and_nothing_else() -> None:
    seed = scene_seed(Split.VAL, 0, 1)
    day, night = (fingerprint(draw_scene(seed, look)) for look in (Look.DAY, Look.NIGHT))
    assert day[1] != night[1]
    assert day[2:] == night[2:]


def test_seeds_of_different_splits_never_meet() -> None:
    edges = [(s, i) for s in (0, 1, 9999) for i in (0, 1, 99_999)]
    seeds = [scene_seed(split, s, i) for split in Split for s, i in edges]
    assert len(set(seeds)) == len(seeds)
    ranges = [(scene_seed(split, 0, 0), scene_seed(split, 9999, 99_999)) for split in Split]
    assert all(a[1] < b[0] for a, b in zip(ranges, ranges[1:], strict=False))


@pytest.mark.parametrize(("seed", "index"), [(-1, 0), (10_000, 0), (0, -1), (0, 100_000)])
def test_a_seed_out_of_range_is_refused(seed: int, index: int) -> None:
    with pytest.raises(ValueError, match="want 0"):
        scene_seed(Split.TRAIN, seed, index)


@pytest.mark.parametrize("kind", list(SceneKind))
def test_nothing_stands_in_the_camera_s_way(kind: SceneKind) -> None:
    scene = draw_scene(scene_seed(Split.TRAIN, 4, 0), Look.DAY, kind)
    lane = scene.path.driven()
    ground = ("road", "pavement", "grass")
    low = [p for p in scene.parts if p.noun not in ground and p.pos_m[2] < 1.8]
    gaps = [np.linalg.norm(lane - p.pos_m[:2], axis=1).min() for p in low]
    assert min(gaps) > 0.5


def test_the_kinds_of_place_together_show_every_object() -> None:
    seen = {
        part.noun
        for kind in SceneKind
        for part in draw_scene(scene_seed(Split.TRAIN, 5, 1), Look.DAY, kind).parts
    }
    assert seen == set(NOUNS) - {"sky"}


def test_the_road_stays_smooth() -> None:
    for index in range(5):
        path = draw_scene(scene_seed(Split.TRAIN, 6, index), Look.DAY).path
        bend_per_m = np.abs(np.diff(path.heading_rad)) / 0.25
        assert bend_per_m.max() < 0.03
        assert np.allclose(path.point_at(0.0), 0.0)
