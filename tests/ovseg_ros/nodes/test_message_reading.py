"""What those get who show or keep the status of the node: JSON, whatever it holds."""

from __future__ import annotations

import json
import math

import pytest

pytest.importorskip("rclpy")

from ovseg_ros.msg import CameraStatus, SegmentationStatus  # noqa: E402
from ovseg_ros.nodes.message_reading import status_as_json  # noqa: E402

pytestmark = pytest.mark.ros


def test_a_status_is_json_with_its_cameras_and_without_nan() -> None:
    cameras = [CameraStatus(name="front", rate_hz=15.0), CameraStatus(silence_s=math.nan)]
    status = SegmentationStatus(state="active", rate_hz=math.nan, cameras=cameras)
    found = json.loads(json.dumps(status_as_json(status), allow_nan=False))
    assert (found["state"], found["rate_hz"], found["adapter_weights"]) == ("active", None, [])
    front, silent = found["cameras"]
    assert (front["name"], front["rate_hz"], silent["silence_s"]) == ("front", 15.0, None)
    assert "header" not in front
