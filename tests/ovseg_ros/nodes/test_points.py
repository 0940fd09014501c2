"""Depth messages, cloud messages and the ledger of clouds, without a node."""

from __future__ import annotations

import array
from types import SimpleNamespace

import numpy as np
import pytest

pytest.importorskip("rclpy")

from sensor_msgs.msg import PointField  # noqa: E402
from std_msgs.msg import Header  # noqa: E402

from ovseg_ros.errors import FrameError, PointsError  # noqa: E402
from ovseg_ros.nodes.depth_conversion import depth_of  # noqa: E402
from ovseg_ros.nodes.message_building import points_message  # noqa: E402
from ovseg_ros.nodes.point_health import PointFate, PointLedger  # noqa: E402
from ovseg_ros.points.cloud import labelled_cloud  # noqa: E402
from ovseg_ros.points.pinhole import Pinhole  # noqa: E402

pytestmark = pytest.mark.ros


def depth_message(**fields: object) -> SimpleNamespace:
    """Return 2x2 px of depth in millimetres with two bytes of padding in each row."""
    data = array.array("H", [1000, 0, 0xABAB, 2000, 3000, 0xABAB]).tobytes()
    usual = {"width": 2, "height": 2, "encoding": "16UC1", "is_bigendian": 0, "step": 6}
    return SimpleNamespace(**{**usual, "data": array.array("B", data), **fields})


def test_depth_is_read_row_by_row() -> None:
    assert np.array_equal(depth_of(depth_message()), [[1.0, np.nan], [2.0, 3.0]], equal_nan=True)


@pytest.mark.parametrize(
    ("fields", "error", "phrase"),
    [
        ({"encoding": "rgb8"}, PointsError, "16UC1"),
        ({"step": 3}, FrameError, "has step 3; at least 4"),
        ({"data": array.array("B")}, FrameError, "has 0 bytes"),
        ({"width": 0}, FrameError, "0x2 px"),
        ({"height": 2**31}, FrameError, "accepted"),
    ],
)
def test_bad_depth_is_refused(fields: dict, error: type[Exception], phrase: str) -> None:
    with pytest.raises(error, match=phrase):
        depth_of(depth_message(**fields))


def cloud_of(kind: type, invalid: bool) -> np.ndarray:
    """Return a cloud of 3x2 points."""
    depth = np.full((2, 3), 2.0, np.float32)
    depth[0, 0] = np.nan if invalid else 1.0
    mask = np.arange(6).astype(kind).reshape(2, 3)
    image = np.arange(18, dtype=np.uint8).reshape(2, 3, 3)
    return labelled_cloud(depth, Pinhole(3, 2, 1, 1, 1, 1), image, mask, mask.astype(np.uint8))


@pytest.mark.parametrize("kind", [np.uint8, np.uint16])
@pytest.mark.parametrize("invalid", [False, True])
def test_a_cloud_message_says_how_it_is_laid_out(kind: type, invalid: bool) -> None:
    cloud = cloud_of(kind, invalid)
    message = points_message(Header(frame_id="camera"), cloud)
    assert (message.width, message.height, message.header.frame_id) == (3, 2, "camera")
    assert (message.point_step, message.row_step, len(message.data)) == (20, 60, 120)
    assert message.is_dense is not invalid
    label = PointField.UINT8 if kind is np.uint8 else PointField.UINT16
    wide = np.dtype(kind).itemsize
    assert [(f.name, f.offset, f.datatype, f.count) for f in message.fields] == [
        ("x", 0, PointField.FLOAT32, 1),
        ("y", 4, PointField.FLOAT32, 1),
        ("z", 8, PointField.FLOAT32, 1),
        ("rgb", 12, PointField.FLOAT32, 1),
        ("label", 16, label, 1),
        ("confidence", 16 + wide, PointField.UINT8, 1),
    ]
    assert message.data.tobytes() == cloud.tobytes()


def test_the_message_is_read_alike_by_sensor_msgs_py() -> None:
    point_cloud2 = pytest.importorskip("sensor_msgs_py.point_cloud2")
    cloud = cloud_of(np.uint8, invalid=True)
    message = points_message(Header(), cloud)
    read = point_cloud2.read_points(message, reshape_organized_cloud=True)
    for name in ("x", "y", "z", "label", "confidence"):
        assert np.array_equal(read[name], cloud[name], equal_nan=True), name
    assert np.array_equal(np.ascontiguousarray(read["rgb"]).view(np.uint32), cloud["rgb"])


def test_every_kind_of_trouble_is_told_once_and_counted_always() -> None:
    told: list[str] = []
    ledger = PointLedger(told.append)
    ledger.count(PointFate.NO_DEPTH, "30 ms away", quietly=True)
    assert told == []
    for gap in (31, 32, 33):
        ledger.count(PointFate.NO_DEPTH, f"{gap} ms away")
    for reason in ("of another size", "of another frame", "of another size"):
        ledger.count(PointFate.REFUSED, reason)
    assert told == [
        f"no points: {reason}" for reason in ("31 ms away", "of another size", "of another frame")
    ]
    assert ledger.health("left", True, "/depth").last_reason == "of another size"
    ledger.count(PointFate.PUBLISHED)
    health = ledger.health("left", True, "/depth")
    assert health.last_reason == ""
    assert (health.fates[PointFate.NO_DEPTH], health.fates[PointFate.REFUSED]) == (4, 3)
    ledger.start_over()
    ledger.count(PointFate.REFUSED, "of another size")
    assert told[-1] == "no points: of another size"
    for n in range(1000):
        ledger.count(PointFate.REFUSED, f"made up {n}")
    assert len(told) < 30
