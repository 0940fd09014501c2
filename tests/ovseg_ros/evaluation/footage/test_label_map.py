"""Label maps: what names of a ground truth become, and what is not evaluated."""

import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.footage.label_map import LabelMap, read_label_map


def test_a_map_names_merges_and_ignores(tmp_path):
    path = tmp_path / "map.yaml"
    path.write_text(
        "ids: {4: Void, 5: lorry}\nmap: {truck: car, Lorry: car}\n"
        "synonyms: {car: [automobile], road: street}\nignore: [void, 0]\n"
    )
    labels = read_label_map(path)
    names, ignored = labels.applied({0: "edge", 1: "road", 2: "car", 3: "truck"})
    assert names == {1: "road", 2: "car", 3: "car", 5: "car"}
    assert ignored == {0, 4}
    assert labels.synonyms == {"car": ("automobile",), "road": ("street",)}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        pytest.param(": [", "no label map", id="no-yaml"),
        pytest.param("- car", "it may hold ids, map", id="no-mapping"),
        pytest.param("merge: {a: b}", "it may hold ids, map", id="unknown-field"),
        pytest.param("ids: {300: car}", "id 300", id="id-too-large"),
        pytest.param("ids: {one: car}", "no label map", id="id-in-words"),
        pytest.param("map: [car]", "no label map", id="map-of-another-shape"),
        pytest.param("ignore: 7", "no label map", id="ignore-no-list"),
    ],
)
def test_files_of_another_shape_are_refused(tmp_path, text, message):
    path = tmp_path / "map.yaml"
    path.write_text(text)
    with pytest.raises(OvsegError, match=message) as refusal:
        read_label_map(path)
    assert str(path) in str(refusal.value)


@pytest.mark.parametrize("labels", [LabelMap(renamed={"van": "car"}), LabelMap(ignored={"van"})])
def test_names_that_are_not_there_are_refused(labels):
    with pytest.raises(OvsegError, match="'van'.*its names are car, road"):
        labels.require_known(["car", "road"])
