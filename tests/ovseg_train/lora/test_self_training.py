"""Labels that the model makes itself: kept where it is sure and keeps to it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.packages import ModelPackage  # noqa: E402
from ovseg_ros.query import parse_query  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_train.lora.pseudo_labels import Guess, agreed, label_frames  # noqa: E402
from ovseg_train.lora.unlabelled import BagFrames, FolderFrames  # noqa: E402


def guess(classes: list[int], confidence: int = 255) -> Guess:
    row = np.array([classes], np.uint8)
    return Guess(row, np.full(row.shape, confidence, np.uint8))


@pytest.mark.parametrize(
    ("neighbours", "wanted"),
    [
        pytest.param([], [0, 1, 2], id="alone"),
        pytest.param([guess([0, 1, 1])], [0, 1, 255], id="one neighbour"),
        pytest.param([guess([0, 1, 2]), guess([1, 1, 2])], [255, 1, 2], id="both must agree"),
        pytest.param([guess([0, 255, 2])], [0, 255, 2], id="no label before"),
        pytest.param([guess([0, 1, 2], 0)], [0, 1, 2], id="neighbours need not be sure"),
        pytest.param([guess([0, 1])], [255, 255, 255], id="another size"),
    ],
)
def test_labels_that_stay_are_kept(neighbours: list[Guess], wanted: list[int]) -> None:
    assert agreed(guess([0, 1, 2]), neighbours, 0.5).tolist() == [wanted]


@pytest.mark.parametrize(("least", "wanted"), [(0.5, [[0]]), (0.6, [[255]])])
def test_labels_that_are_sure_are_kept(least: float, wanted: list[list[int]]) -> None:
    assert agreed(guess([0], 140), [guess([0])], least).tolist() == wanted


def test_frames_are_labelled_by_the_names_of_the_query(package: ModelPackage, folder: Path) -> None:
    source = FolderFrames(folder / "images")
    specs = parse_query("sky|heaven; road; !car").specs
    with Segmenter.open(package.folder) as segmenter:
        found = label_frames(segmenter, specs, source, [2, 3, 9], 0.0)
        with pytest.raises(OvsegError, match="lower --confidence"):
            label_frames(segmenter, specs, source, [2], 1.0)
    assert found.class_names == ("sky", "road")
    assert [frame.name for frame in found.frames] == [source.frame_name(i) for i in (2, 3, 9)]
    assert set(np.unique(found.frames[0].classes)) <= {0, 1, 255}
    assert np.array_equal(found.frames[0].image, source.image(2))


def test_one_frame_cannot_agree(package: ModelPackage, folder: Path, tmp_path: Path) -> None:
    shutil.copy(folder / "images" / "dusk_000.png", tmp_path)
    with (
        Segmenter.open(package.folder) as segmenter,
        pytest.raises(OvsegError, match="agreement between frames takes two"),
    ):
        label_frames(segmenter, parse_query("sky").specs, FolderFrames(tmp_path), [0], 0.5)


def test_a_bag_gives_its_frames_by_domain(tiny_package: Path) -> None:
    pytest.importorskip("rosbags")
    bag = tiny_package.parent / "demo" / "drive"
    every = BagFrames(bag)
    assert every.image(0).ndim == 3 and every.frame_name(1) == "frame 1"
    with pytest.raises(OvsegError, match="no frame of the domain 'snow' in .*there are"):
        BagFrames(bag, "snow")
