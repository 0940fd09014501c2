"""What is saved is a labelled folder that training and evaluation read."""

import json

import numpy as np
import pytest
from console_parts import moment

from ovseg_ros.console.moments import DOMAIN, SPLIT, MomentFolder
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import load_labelled_folder
from ovseg_ros.output import OutputError

NAMES = {1: "road", 4: "car"}


def test_saved_moments_are_read_as_a_labelled_folder(tmp_path):
    folder = MomentFolder(tmp_path / "saved", "drive 1")
    assert folder.save(moment(12_000_000_034), NAMES, {"query": "car; road"}) == "12_000000034"
    loaded = load_labelled_folder(tmp_path / "saved", SPLIT, DOMAIN, "drive 1")
    (item,) = loaded.items
    ids = item.read_ids()
    assert {loaded.names[value] for value in np.unique(ids[:3])} == {"car"}
    assert (ids[3:] == loaded.ignore_id).all(), "no label is not evaluated"
    assert item.read_image().shape == (6, 8, 3)
    about = json.loads((tmp_path / "saved" / "queries" / "12_000000034.json").read_text())
    assert about == {"query": "car; road"}


def test_classes_keep_their_ids_when_the_node_gives_others(tmp_path):
    MomentFolder(tmp_path, "a").save(moment(1), NAMES, {})
    mask = np.full((6, 8), 4, np.uint8)
    mask[0] = 2
    folder = MomentFolder(tmp_path, "b")
    folder.save(moment(2, mask=mask), {4: "tree", 2: "car"}, {})
    loaded = load_labelled_folder(tmp_path)
    assert loaded.names == {0: "car", 1: "tree"}
    first, second = (item.read_ids() for item in loaded.items)
    assert (first[:3] == 0).all() and (second[0] == 0).all() and (second[1:] == 1).all()


def test_wide_ids_and_ids_without_a_name_are_kept_or_ignored(tmp_path):
    mask = np.full((6, 8), 40_000, np.uint16)
    mask[0] = 7
    MomentFolder(tmp_path, "a").save(moment(1, mask=mask), {40_000: "crane"}, {})
    (item,) = load_labelled_folder(tmp_path).items
    assert np.unique(item.read_ids()).tolist() == [0, 255]


@pytest.mark.parametrize(
    ("name", "text", "what"),
    [
        ("classes.json", "{", "cannot be read"),
        ("classes.json", '{"classes": [{"id": "x"}]}', "not of a console"),
        ("classes.json", '{"ignore_id": 0, "classes": []}', "not of a console"),
        ("items.json", "[]", "no JSON object"),
    ],
)
def test_a_folder_of_something_else_is_refused_at_once(tmp_path, name, text, what):
    (tmp_path / name).write_text(text)
    with pytest.raises(OvsegError, match=what):
        MomentFolder(tmp_path, "a")


def test_what_cannot_be_saved_says_why(tmp_path):
    folder = MomentFolder(tmp_path / "saved", "a")
    with pytest.raises(OvsegError, match="no mask"):
        folder.save(moment(1, mask=None), NAMES, {})
    many = {"classes": [{"id": i, "name": f"thing {i}"} for i in range(255)]}
    (tmp_path / "saved" / "classes.json").write_text(json.dumps(many))
    with pytest.raises(OvsegError, match="8-bit"):
        folder.save(moment(1), NAMES, {})
    (tmp_path / "file").write_text("")
    with pytest.raises(OutputError):
        MomentFolder(tmp_path / "file" / "deep", "a")
    assert not list((tmp_path / "saved" / "images").iterdir())
