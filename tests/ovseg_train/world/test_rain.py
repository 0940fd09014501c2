"""Rain wets what faces the sky, draws streaks, and leaves the other looks as they were."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_train.world.__main__ import build_parser
from ovseg_train.world.dataset import RenderPlan
from ovseg_train.world.ground import SceneKind
from ovseg_train.world.looks import Look, draw_atmosphere
from ovseg_train.world.rain import add_streaks, blur_drops, wet_ground

GREY = np.full((48, 64, 3), 0.4, np.float32)


def test_the_ground_is_darker_and_mirrors_the_sky_far_away() -> None:
    normals = np.zeros_like(GREY)
    normals[..., 2] = 1
    normals[:, :32] = (1, 0, 0)
    points = np.zeros_like(GREY)
    points[..., 2] = -1
    points[:24, :, 0] = 30
    wet = wet_ground(GREY, normals, points, np.array([0.5, 0.5, 0.5]))
    np.testing.assert_array_equal(wet[:, :32], GREY[:, :32])
    far, near = wet[10, 40, 0], wet[40, 40, 0]
    assert near < 0.25
    assert far > near


@pytest.mark.parametrize("effect", [add_streaks, blur_drops])
def test_the_lens_sees_the_same_rain_for_the_same_seed(effect) -> None:
    picture = np.random.default_rng(0).random((48, 64, 3)).astype(np.float32)
    first, again = (effect(picture, np.random.default_rng(3)) for _ in range(2))
    np.testing.assert_array_equal(first, again)
    assert (first != picture).any()


def test_rain_is_rendered_only_where_it_is_asked_for() -> None:
    assert Look.RAIN not in RenderPlan(1, 1, 1, 1, (8, 8), 0).looks
    parse = build_parser().parse_args
    assert Look.RAIN not in parse(["render", "--out", "x"]).looks
    assert parse(["render", "--out", "x", "--looks", "rain"]).looks == [Look.RAIN]
    assert draw_atmosphere(Look.RAIN, np.random.default_rng(0)).lamp_gain == 0


def test_kinds_of_places_can_be_chosen(capsys: pytest.CaptureFixture[str]) -> None:
    parse = build_parser().parse_args
    assert parse(["render", "--out", "x", "--kinds", "yard"]).kinds == [SceneKind.YARD]
    with pytest.raises(SystemExit):
        parse(["render", "--out", "x", "--kinds", "moon"])
    assert "valid kinds: street, yard, park, mixed" in capsys.readouterr().err
