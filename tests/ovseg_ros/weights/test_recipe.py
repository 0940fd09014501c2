"""The recipes that come along, and recipes with mistakes."""

import pytest
import yaml

from ovseg_ros.errors import WeightsError
from ovseg_ros.weights.recipe import find_recipe, read_recipe, recipe_files

SHIPPED = ("catseg-base", "catseg-large", "clip-vit-b-16", "clip-vit-l-14-336")


def test_all_recipes_are_found():
    assert set(SHIPPED) <= set(recipe_files())


@pytest.mark.parametrize("name", SHIPPED)
def test_a_shipped_recipe_is_complete(name):
    recipe = find_recipe(name)
    assert recipe.name == name
    assert all(url.startswith("https://") and url.endswith(recipe.file) for url in recipe.urls)
    assert recipe.sha256 is not None
    assert recipe.size_bytes is not None
    assert "Permission is hereby granted" in recipe.license_text


@pytest.mark.parametrize("name", ["clip-vit-b-16", "clip-vit-l-14-336"])
def test_the_hash_is_the_one_in_the_address_of_the_publisher(name):
    recipe = find_recipe(name)
    assert all(f"/{recipe.sha256}/" in url for url in recipe.urls)


def test_an_unknown_name_lists_the_known_ones():
    with pytest.raises(WeightsError, match="catseg-base, catseg-large"):
        find_recipe("catseg-huge")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"urls": "http://one"}, "'urls' is 'http://one', a value of type list"),
        ({"license": None}, "'license' is None"),
        ({"sha256": "12"}, "64 hexadecimal digits"),
        ({"file": "../escape.pth"}, "a bare name was wanted"),
        ({"hash": "x"}, "no field 'hash'"),
    ],
)
def test_a_recipe_with_a_mistake_is_refused_by_field(tmp_path, change, message):
    fields = yaml.safe_load(recipe_files()["catseg-base"].read_text(encoding="utf-8"))
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(fields | change))
    with pytest.raises(WeightsError, match=message):
        read_recipe(path)


@pytest.mark.parametrize("text", ["- a list", "{broken", None])
def test_a_file_that_is_no_recipe_is_refused(tmp_path, text):
    path = tmp_path / "own.yaml"
    if text is not None:
        path.write_text(text)
    with pytest.raises(WeightsError, match=r"own\.yaml"):
        find_recipe(str(path))
