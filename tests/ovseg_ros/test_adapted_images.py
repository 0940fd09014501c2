"""Pictures one by one: under what they show, under what the user names, or under the base model."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from scene_adapters import draw_scene, package_with_adapters

from ovseg_ros.adapted_images import AdaptedImages
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.errors import AdapterError
from ovseg_ros.segmenter import Segmenter

SCENES = ("noon", "night")


@pytest.fixture(scope="module")
def segmenter(tiny_package: Path, tmp_path_factory) -> Iterator[Segmenter]:
    folder = tmp_path_factory.mktemp("adapted") / "package"
    with Segmenter.open(package_with_adapters(tiny_package, folder, SCENES), "road; sky") as opened:
        yield opened


def test_each_picture_gets_the_adapters_of_what_it_shows(segmenter: Segmenter) -> None:
    adapted = AdaptedImages(segmenter, "auto")
    for scene in ("night", "noon", "noon", "night"):
        image = draw_scene(scene, 40)
        found = adapted.infer(image)
        assert found.adapter_mix.names == (scene,)
        pinned = AdaptedImages(segmenter, scene).infer(image)
        assert np.array_equal(found.label_mask, pinned.label_mask)
        assert np.array_equal(found.confidence, pinned.confidence)


def test_pictures_that_show_nothing_known_get_the_base_model(segmenter: Segmenter) -> None:
    adapted = AdaptedImages(segmenter, "auto")
    adapted.infer(draw_scene("night", 3))
    mix = adapted.infer(draw_scene("sunset", 3)).adapter_mix
    assert (mix.names, mix.factors) == ((), None) and "no near adapter" in mix.gate
    adapted.infer(draw_scene("night", 3))
    mix = adapted.infer(np.zeros((120, 160, 3), np.uint8)).adapter_mix
    assert (mix.names, mix.factors) == ((), None) and "black" in mix.gate


@pytest.mark.parametrize(
    ("choice", "mode", "weights"),
    [
        ("none", AdapterMode.NONE, {}),
        ("night", AdapterMode.PINNED, {"night": 1.0}),
        ("night, noon", AdapterMode.PINNED, {"night": 0.5, "noon": 0.5}),
        ("night=0.7,noon=0.1", AdapterMode.PINNED, {"night": 0.7, "noon": 0.1}),
    ],
)
def test_what_the_user_names_is_what_there_is(
    segmenter: Segmenter, choice: str, mode: AdapterMode, weights: dict[str, float]
) -> None:
    mix: AdapterMix = AdaptedImages(segmenter, choice).infer(draw_scene("noon", 5)).adapter_mix
    assert mix.mode is mode
    assert dict(zip(mix.names, mix.weights, strict=True)) == weights


@pytest.mark.parametrize(
    ("choice", "message"),
    [
        ("fog", "'fog'"),
        ("night=0.7,noon", "all of them with a weight or none"),
        ("night=much", "for example fog=0.7"),
        ("night=0.7,noon=0.7", "sum to 1.4"),
        ("night,night", "named twice"),
    ],
)
def test_other_names_and_weights_are_refused(
    segmenter: Segmenter, choice: str, message: str
) -> None:
    with pytest.raises(AdapterError, match=message):
        AdaptedImages(segmenter, choice)
