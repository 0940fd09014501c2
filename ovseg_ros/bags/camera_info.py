"""The calibration of a camera, from the YAML file that ROS's camera_calibration writes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.errors import OvsegError


@dataclass(frozen=True)
class CameraInfo:
    """What `sensor_msgs/CameraInfo` says: `k` and `r` are 3x3, `p` is 3x4, all by rows."""

    width_px: int
    height_px: int
    distortion_model: str
    d: tuple[float, ...]
    k: tuple[float, ...]
    r: tuple[float, ...]
    p: tuple[float, ...]


def read_camera_info(path: Path) -> CameraInfo:
    """Read a calibration file; raises `OvsegError` for one that lacks something."""
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
        return CameraInfo(
            int(data["image_width"]),
            int(data["image_height"]),
            str(data["distortion_model"]),
            tuple(float(value) for value in data["distortion_coefficients"]["data"]),
            _matrix(data, "camera_matrix", 9),
            _matrix(data, "rectification_matrix", 9),
            _matrix(data, "projection_matrix", 12),
        )
    except (OSError, UnicodeDecodeError, yaml.YAMLError, KeyError, TypeError, ValueError) as error:
        raise OvsegError(
            f"{path} is no camera calibration ({type(error).__name__}: {error}); the YAML file of "
            "camera_calibration was wanted, with image_width, camera_matrix and so on"
        ) from None


def _matrix(data: Mapping[str, Any], name: str, length: int) -> tuple[float, ...]:
    values = tuple(float(value) for value in data[name]["data"])
    if len(values) != length:
        raise ValueError(f"{name} has {len(values)} numbers instead of {length}")
    return values
