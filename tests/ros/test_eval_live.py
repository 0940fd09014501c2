"""`ovseg eval --live`: the real node on the frames of a bag, beside a direct run."""

import json
import struct

import pytest

rclpy_missing = "rclpy is not installed; run `make build`"
pytest.importorskip("rclpy", reason=rclpy_missing)
pytest.importorskip("pyarrow", reason="pyarrow writes tables; pip install 'ovseg_ros[eval]'")
from camera_bag import write_cameras  # noqa: E402
from generated_drive import NAMES  # noqa: E402
from labelled_folder import write_folder  # noqa: E402

from ovseg_ros.bags.reader import BagReader, stamp_ns_of  # noqa: E402
from ovseg_ros.cli import main  # noqa: E402
from ovseg_ros.nodes.demo.player import stamped  # noqa: E402

pytestmark = pytest.mark.ros


@pytest.mark.slow
def test_masks_that_come_back_are_those_of_the_direct_run(tiny_package, tmp_path):
    folder = write_folder(tmp_path / "folder", 20)
    bag, out = str(tmp_path / "bag"), tmp_path / "out"
    assert main(["bag", "from-images", str(folder), bag, "--image", "raw"]) == 0
    options = ["--live", "--rate", "10", "--out", str(out), "--package", str(tiny_package)]
    assert main(["eval", bag, *options]) == 0
    report = json.loads((out / "report.json").read_text())
    live, fates = report["live"], report["fates"]
    assert (live["sent"], live["rate_hz"]) == (20, 10)
    assert sum(fates.values()) == 20
    assert live["compared_to_direct"] == fates["segmented"] > 0
    assert live["different_from_direct"] == []
    assert live["age_p50_ms"] > 0
    assert report["against"]["selections"]["all"]["frames"] == 20
    assert report["facts"]["mode"] == "live at 10 Hz"
    assert not (out / ".progress").exists()


@pytest.mark.slow
def test_masks_of_each_camera_are_its_own(tiny_package, tmp_path):
    # Stamps and sizes are those of both cameras alike, so that nothing but the pixels tells them
    # apart.
    cameras, out = ("/left/image_raw", "/off"), tmp_path / "out"
    bag = str(write_cameras(tmp_path / "bag", cameras, frames=10))
    (tmp_path / "labels.yaml").write_text(json.dumps({"ids": NAMES}))
    options = ["--live", "--rate", "5", "--out", str(out), "--package", str(tiny_package)]
    options += ["--label-map", str(tmp_path / "labels.yaml")]
    for camera in cameras:
        options += ["--image-topic", camera, "--truth", f"{camera}/mask"]
    assert main(["eval", bag, *options]) == 0
    report = json.loads((out / "report.json").read_text())
    live = report["live"]
    assert list(live["cameras"]) == list(cameras)
    assert (live["sent"], live["rate_hz"]) == (20, 10)
    for found in live["cameras"].values():
        assert (found["sent"], found["rate_hz"]) == (10, 5)
        assert sum(found["fates"].values()) == 10
        assert found["compared_to_direct"] == found["fates"]["segmented"] > 0
        assert found["different_from_direct"] == []
        assert found["age_p50_ms"] > 0
    assert {f"camera {camera}" for camera in cameras} < set(report["selections"])
    assert report["facts"]["mode"] == "live at 5 Hz"
    left, right = masks_of(out / "masks", "left_image_raw"), masks_of(out / "masks", "off")
    both = set(left) & set(right)
    assert both and all(left[stamp] != right[stamp] for stamp in both)


def masks_of(bag, camera):
    with BagReader(bag) as reader:
        found = list(reader.messages([f"/ovseg/{camera}/label_mask"]))
    return {stamp_ns_of(message.content): message.content.data.tobytes() for message in found}


@pytest.mark.parametrize(("flag", "order"), [(1, "<"), (0, ">")])
def test_a_serialised_message_gets_another_stamp(flag, order):
    body = struct.pack(f"{order}iI", 3, 4) + b"the rest"
    message = bytes([0, flag, 0, 0]) + body
    changed = stamped(message, 17 * 10**9 + 5)
    assert struct.unpack_from(f"{order}iI", changed, 4) == (17, 5)
    assert (changed[:4], changed[12:]) == (message[:4], b"the rest")
