"""`ovseg eval --live`: the real node on the frames of a bag, beside a direct run."""

import json
import struct

import pytest

rclpy_missing = "rclpy is not installed; run `make build`"
pytest.importorskip("rclpy", reason=rclpy_missing)
pytest.importorskip("pyarrow", reason="pyarrow writes tables; pip install 'ovseg_ros[eval]'")
from labelled_folder import write_folder  # noqa: E402

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


@pytest.mark.parametrize(("flag", "order"), [(1, "<"), (0, ">")])
def test_a_serialised_message_gets_another_stamp(flag, order):
    body = struct.pack(f"{order}iI", 3, 4) + b"the rest"
    message = bytes([0, flag, 0, 0]) + body
    changed = stamped(message, 17 * 10**9 + 5)
    assert struct.unpack_from(f"{order}iI", changed, 4) == (17, 5)
    assert (changed[:4], changed[12:]) == (message[:4], b"the rest")
