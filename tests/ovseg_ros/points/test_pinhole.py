"""CameraInfo: which matrix, what region and binning do to it, and what is refused."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ovseg_ros.errors import PointsError
from ovseg_ros.points.pinhole import Pinhole, pinhole_of

K = (500.0, 0.0, 320.0, 0.0, 510.0, 240.0, 0.0, 0.0, 1.0)
P = (400.0, 0.0, 310.0, 0.0, 0.0, 410.0, 230.0, 0.0, 0.0, 0.0, 1.0, 0.0)
UNSET = (0.0,) * 12
WHOLE = (0, 0, 0, 0)


def info(**fields: Any) -> SimpleNamespace:
    """Return a camera of 640x480 px; `roi` is x, y, width, height."""
    left, top, width, height = fields.pop("roi", WHOLE)
    roi = SimpleNamespace(x_offset=left, y_offset=top, width=width, height=height)
    values = {"width": 640, "height": 480, "k": K, "p": UNSET, "binning_x": 0, "binning_y": 0}
    return SimpleNamespace(**{**values, **fields}, roi=roi)


@pytest.mark.parametrize(
    ("camera", "size_px", "wanted"),
    [
        pytest.param(info(), (640, 480), (500, 510, 320, 240), id="K where P is unset"),
        pytest.param(info(p=P), (640, 480), (400, 410, 310, 230), id="P where it is set"),
        pytest.param(
            info(p=np.array(P), k=np.array(K)), (640, 480), (400, 410, 310, 230), id="arrays"
        ),
        pytest.param(
            info(binning_x=1, binning_y=1), (640, 480), (500, 510, 320, 240), id="no binning"
        ),
        pytest.param(
            info(binning_x=2, binning_y=2), (320, 240), (250, 255, 160, 120), id="binning"
        ),
        pytest.param(info(roi=(100, 40, 320, 240)), (320, 240), (500, 510, 220, 200), id="region"),
        pytest.param(
            info(roi=(100, 40, 320, 240), binning_x=2, binning_y=2),
            (160, 120),
            (250, 255, 110, 100),
            id="region, then binning",
        ),
        pytest.param(info(), (320, 240), (250, 255, 160, 120), id="scaled down"),
        pytest.param(info(), (1280, 960), (1000, 1020, 640, 480), id="scaled up"),
    ],
)
def test_the_camera_of_the_frame(
    camera: SimpleNamespace, size_px: tuple[int, int], wanted: tuple[float, ...]
) -> None:
    found = pinhole_of(camera, *size_px)
    assert (found.width_px, found.height_px) == size_px
    assert (found.fx_px, found.fy_px, found.cx_px, found.cy_px) == pytest.approx(wanted)


def test_a_point_that_is_projected_by_the_message_comes_back() -> None:
    """Also for the right camera of a stereo pair, by the definition of P in the message."""
    p = np.array(P).reshape(3, 4)
    p[0, 3], p[1, 3] = -400 * 0.12, 410 * 0.03
    point_m = np.array([0.4, -0.2, 1.7])
    u, v, w = p @ [*point_m, 1.0]
    camera = pinhole_of(info(p=p.ravel()), 640, 480)
    x = (u / w - camera.cx_px) / camera.fx_px * point_m[2] + camera.x_offset_m
    y = (v / w - camera.cy_px) / camera.fy_px * point_m[2] + camera.y_offset_m
    assert (x, y) == pytest.approx(point_m[:2])


def test_rays_of_columns_and_rows() -> None:
    columns, rows = Pinhole(4, 3, 2.0, 4.0, 1.0, 2.0).rays()
    assert columns.tolist() == [-0.5, 0.0, 0.5, 1.0]
    assert rows.tolist() == [[-0.5], [-0.25], [0.0]]


@pytest.mark.parametrize(
    ("camera", "size_px", "phrase"),
    [
        pytest.param(info(), (640, 360), "640x480 px, the frame has 640x360", id="other shape"),
        pytest.param(info(), (480, 640), "check the topic camera_info", id="turned"),
        pytest.param(info(binning_x=2), (640, 480), "320x480 px", id="binned one way only"),
        pytest.param(info(width=0, height=0), (640, 480), "0x0 px", id="no size"),
        pytest.param(info(k=(0.0,) * 9), (640, 480), "calibrate the camera", id="uncalibrated"),
        pytest.param(info(k=(-1.0, *K[1:])), (640, 480), "above 0", id="negative"),
        pytest.param(info(k=(float("nan"), *K[1:])), (640, 480), "finite", id="nan"),
        pytest.param(info(p=(400.0, *UNSET[1:])), (640, 480), "calibrate", id="half of P"),
        pytest.param(info(binning_x=1000, binning_y=1000), (640, 480), "0x0 px", id="binned away"),
    ],
)
def test_a_camera_that_is_not_of_the_frame_is_refused(
    camera: SimpleNamespace, size_px: tuple[int, int], phrase: str
) -> None:
    with pytest.raises(PointsError, match=phrase):
        pinhole_of(camera, *size_px)
