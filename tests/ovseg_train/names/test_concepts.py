"""The concepts file: complete for every data set, and free of contradictions."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from ovseg_ros.errors import OvsegError
from ovseg_train.names import load_concepts
from ovseg_train.names.plurals import plural

CAR = {"name": "car", "synonyms": ["automobile"], "unseen": ["motor car"], "datasets": {}}


@pytest.mark.parametrize(
    ("dataset", "count"), [("camvid", 11), ("idd_lite", 7), ("world", 30), ("cityscapes", 19)]
)
def test_every_class_of_a_data_set_is_one_concept(dataset: str, count: int) -> None:
    classes = [c.datasets[dataset] for c in load_concepts() if dataset in c.datasets]
    assert len(classes) == len(set(classes)) == count


def test_the_same_thing_is_one_concept_across_data_sets() -> None:
    of = {name: concept.name for concept in load_concepts() for name in concept.training_names}
    assert of["pedestrian"] == of["person"]
    assert of["sign symbol"] == of["traffic sign"]
    assert of["sidewalk"] == of["pavement"]


def test_every_concept_has_held_out_names() -> None:
    assert all(2 <= len(concept.unseen) <= 3 for concept in load_concepts())


@pytest.mark.parametrize(
    ("entries", "message"),
    [
        ([CAR, {**CAR, "name": "bus"}], "'automobile' is both 'car' and 'bus'"),
        ([{**CAR, "unseen": ["Automobile"]}], "held-out name 'Automobile'"),
        ([{**CAR, "unseen": ["automobiles"]}], "held-out name 'automobiles'"),
        ([{"name": "car"}], "synonyms"),
        ("car", "each entry needs"),
    ],
)
def test_contradictions_are_refused(tmp_path: Path, entries: object, message: str) -> None:
    path = tmp_path / "concepts.yaml"
    path.write_text(yaml.safe_dump({"concepts": entries}), encoding="utf-8")
    with pytest.raises(OvsegError, match=message):
        load_concepts(path)


@pytest.mark.parametrize(
    ("name", "wanted"),
    [("car", "cars"), ("city bus", "city buses"), ("box", "boxes"), ("ferry", "ferries")],
)
def test_plural(name: str, wanted: str) -> None:
    assert plural(name) == wanted
