"""Drives from bags and from folders of images."""

import shutil

import pytest
from generated_drive import NAMES, draw_ids, write_drive
from PIL import Image

from ovseg_ros.demo.run import nouns_by_frequency
from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.image_files import decode_ids


def test_a_bag_gives_frames_truth_names_domains_and_rate(tmp_path):
    drive = open_drive(write_drive(tmp_path / "bag", frames=6, rate_hz=10.0))
    assert len(drive.frames) == 6
    assert drive.names == NAMES
    assert drive.rate_hz == pytest.approx(10.0)
    assert drive.duration_s == pytest.approx(0.6)
    assert [frame.domain for frame in drive.frames] == ["day"] * 3 + ["night"] * 3
    assert (decode_ids(drive.frames[4].truth) == draw_ids(4)).all()
    assert len({frame.key for frame in drive.frames}) == 6


def test_nouns_come_with_the_largest_first(tmp_path):
    nouns = nouns_by_frequency(open_drive(write_drive(tmp_path / "bag", frames=2)))
    assert nouns[:2] == ["road", "sky"]
    assert set(nouns) == set(NAMES.values())


def test_a_folder_of_images_is_a_drive_without_truth(tmp_path):
    for index in (2, 1):
        Image.new("RGB", (32, 24), (index, 0, 0)).save(tmp_path / f"{index}.png")
    drive = open_drive(tmp_path)
    assert [frame.truth for frame in drive.frames] == [None, None]
    assert drive.names == {}
    assert nouns_by_frequency(drive) == []


def cut(bag):
    (bag / "bag.mcap").write_bytes((bag / "bag.mcap").read_bytes()[:5000])


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(cut, "cannot be read as a bag", id="cut-short"),
        pytest.param(lambda bag: (bag / "bag.mcap").unlink(), "cannot be read", id="no-data"),
        pytest.param(
            lambda bag: (bag / "metadata.yaml").write_text(": ["), "cannot be read", id="metadata"
        ),
        pytest.param(shutil.rmtree, "no image at", id="nothing-there"),
    ],
)
def test_damaged_drives_are_refused_by_name(tmp_path, damage, message):
    bag = write_drive(tmp_path / "bag", frames=4)
    damage(bag)
    with pytest.raises(OvsegError, match=message) as refusal:
        open_drive(bag)
    assert str(bag) in str(refusal.value)
