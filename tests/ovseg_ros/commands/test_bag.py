"""`ovseg bag`: bags with ground truth from folders, and what is in a bag."""

import numpy as np
import pytest

pytest.importorskip("rosbags", reason="rosbags writes bags; pip install 'ovseg_ros[eval]'")
from generated_drive import NAMES, draw_ids  # noqa: E402
from labelled_folder import write_folder  # noqa: E402

from ovseg_ros.bags.reader import BagReader  # noqa: E402
from ovseg_ros.cli import main  # noqa: E402
from ovseg_ros.evaluation.drive import open_drive  # noqa: E402
from ovseg_ros.image_files import decode_ids  # noqa: E402
from ovseg_ros.image_messages import raw_to_ids, raw_to_rgb  # noqa: E402

CALIBRATION = """
image_width: 240
image_height: 180
distortion_model: plumb_bob
distortion_coefficients: {data: [0.1, 0, 0, 0, 0]}
camera_matrix: {data: [200, 0, 120, 0, 200, 90, 0, 0, 1]}
rectification_matrix: {data: [1, 0, 0, 0, 1, 0, 0, 0, 1]}
projection_matrix: {data: [200, 0, 120, 0, 0, 200, 90, 0, 0, 0, 1, 0]}
"""


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "folder")


@pytest.mark.parametrize("storage", ["mcap", "sqlite3"])
def test_a_folder_becomes_a_drive(folder, tmp_path, storage):
    bag = tmp_path / "bag"
    options = ["--rate", "10", "--storage", storage]
    assert main(["bag", "from-images", str(folder), str(bag), *options]) == 0
    drive = open_drive(bag)
    assert drive.names == NAMES
    assert drive.rate_hz == pytest.approx(10)
    assert [frame.domain for frame in drive.frames] == ["day"] * 3 + ["dusk"] * 3
    for index, frame in enumerate(drive.frames):
        assert frame.image == (folder / "images" / f"{index:03d}.jpg").read_bytes()
        assert (decode_ids(frame.truth) == draw_ids(index)).all()


def test_sequences_are_apart(folder, tmp_path):
    assert main(["bag", "from-images", str(folder), str(tmp_path / "bag")]) == 0
    with BagReader(tmp_path / "bag") as reader:
        times = [m.time_ns for m in reader.messages(["/camera/image/compressed"])]
    steps = np.diff(times) / 1e9
    assert steps[2] > 5
    assert np.delete(steps, 2) == pytest.approx(1 / 15, abs=1e-6)


def test_raw_images_and_calibration(folder, tmp_path):
    (tmp_path / "camera.yaml").write_text(CALIBRATION)
    options = ["--image", "raw", "--domain", "dusk", "--camera-info", tmp_path / "camera.yaml"]
    assert main([*map(str, ["bag", "from-images", folder, tmp_path / "bag", *options])]) == 0
    with BagReader(tmp_path / "bag") as reader:
        (image, *_) = reader.messages(["/camera/image"])
        (truth, *_) = reader.messages(["/ground_truth/label_mask"])
        infos = list(reader.messages(["/camera/camera_info"]))
    assert raw_to_rgb(image.content).shape == (180, 240, 3)
    assert (raw_to_ids(truth.content) == draw_ids(3)).all()
    assert len(infos) == 3
    assert (infos[0].content.k[0], infos[0].content.width) == (200, 240)


def test_info_lists_topics(folder, tmp_path, capsys):
    main(["bag", "from-images", str(folder), str(tmp_path / "bag")])
    capsys.readouterr()
    assert main(["bag", "info", str(tmp_path / "bag")]) == 0
    shown = capsys.readouterr().out
    assert "/camera/image/compressed" in shown
    assert "14 messages in" in shown.replace("\n", " ") or "15 messages in" in shown


@pytest.mark.parametrize(
    ("options", "message"),
    [
        pytest.param(["--split", "test"], "splits val", id="no-such-split"),
        pytest.param(["--camera-info", "nowhere.yaml"], "no camera calibration", id="calibration"),
    ],
)
def test_refusals_leave_no_bag(folder, tmp_path, capsys, options, message):
    assert main(["bag", "from-images", str(folder), str(tmp_path / "bag"), *options]) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "bag").exists()


def test_labels_of_another_size_are_refused(folder, tmp_path, capsys):
    from PIL import Image

    Image.new("L", (32, 48), 1).save(folder / "labels" / "002.png")
    assert main(["bag", "from-images", str(folder), str(tmp_path / "bag")]) == 2
    assert "32x48 px" in capsys.readouterr().err
    assert sorted(p.name for p in tmp_path.iterdir()) == ["folder"]
