"""Build recipes: those that ship, and faulty ones by name."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ovseg_ros.engine.choice import Precision
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.recipes import build_recipes, how_to_get, read_build_recipe
from ovseg_ros.errors import BackendError

GOOD = {
    "package": "tiny",
    "precision": "fp16",
    "camera": "640x480",
    "labels": [8, 32],
    "rank": [16],
}


def test_those_that_ship_are_read() -> None:
    found = {recipe.package: recipe for recipe in build_recipes()}
    assert {"tiny", "catseg-base"} <= found.keys()
    assert found["tiny"].choice.precision is Precision.FP16
    assert found["tiny"].profile == EngineProfile((640, 480))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"precision": "bf16"}, "tensorrt has no precision bf16"),
        ({"camera": "large"}, "camera size 'large'"),
        ({"camera": 640}, "'camera' is 640, a str was wanted"),
        ({"labels": [32, 8]}, "buckets of labels 32,8"),
        ({"labels": ["8"]}, "whole numbers were wanted"),
        ({"rank": 16}, "'rank' is 16, a list was wanted"),
        ({"speed": "high"}, "it must hold package, precision, camera, labels, rank"),
    ],
)
def test_a_faulty_recipe_is_refused_by_name(tmp_path: Path, changes, sentence) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(yaml.safe_dump({**GOOD, **changes}))
    with pytest.raises(BackendError, match=rf"mine\.yaml is refused: .*{sentence}"):
        read_build_recipe(path)


@pytest.mark.parametrize("text", ["", "[1]", "a: [", "\xff"])
def test_a_file_that_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "mine.yaml"
    path.write_bytes(text.encode("latin-1"))
    with pytest.raises(BackendError, match=r"mine\.yaml is refused"):
        read_build_recipe(path)


def test_how_to_get_a_package() -> None:
    published = how_to_get("catseg-base")
    assert published.startswith("ovseg fetch catseg-base && ovseg convert catseg-base --at-once ")
    assert published.endswith("engines/catseg-base")
    assert how_to_get("maskclip-b16").startswith("ovseg convert maskclip-b16 ")
