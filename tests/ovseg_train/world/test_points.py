"""Labelled points of a rendered scene lie on the objects that were built there."""

from __future__ import annotations

from types import SimpleNamespace

import numpy as np
import pytest

from ovseg_ros.points.cloud import labelled_cloud
from ovseg_ros.points.depth import DepthEncoding, depth_in_metres
from ovseg_ros.points.pinhole import pinhole_of
from ovseg_train.world.bag import depth_millimetres, mask_from_labels
from ovseg_train.world.camera import Intrinsics, SceneCamera, drive_pose
from ovseg_train.world.nouns import NOUNS
from ovseg_train.world.parts import Shape
from ovseg_train.world.scene import Scene

pytestmark = [pytest.mark.world, pytest.mark.usefixtures("rendering")]

TOLERANCE_M = 0.08


def camera_info(camera: Intrinsics) -> SimpleNamespace:
    """Return what the drive's bag says about its camera."""
    (cx, cy), f = camera.centre_px, camera.focal_px
    return SimpleNamespace(
        width=camera.width_px,
        height=camera.height_px,
        k=(f, 0, cx, 0, f, cy, 0, 0, 1),
        p=(f, 0, cx, 0, 0, f, cy, 0, 0, 0, 1, 0),
        binning_x=0,
        binning_y=0,
        roi=SimpleNamespace(x_offset=0, y_offset=0, width=0, height=0),
    )


@pytest.mark.parametrize("encoding", DepthEncoding)
def test_labelled_points_lie_on_the_objects_of_their_label(
    day_camera: SceneCamera, day_scene: Scene, encoding: DepthEncoding
) -> None:
    """As a depth camera would send it: in whole millimetres, or with inf where nothing was hit."""
    pose, camera = drive_pose(day_scene, 4.0), day_camera.intrinsics
    frame = day_camera.render(pose, np.random.default_rng(0))
    millimetres = encoding is DepthEncoding.MILLIMETRES
    sent = depth_millimetres(frame.depth_m) if millimetres else frame.depth_m
    depth_m = depth_in_metres(sent.view(np.uint8), encoding)
    mask = mask_from_labels(frame.labels)
    pinhole = pinhole_of(camera_info(camera), camera.width_px, camera.height_px)
    cloud = labelled_cloud(depth_m, pinhole, frame.rgb, mask, np.full_like(mask, 200))

    assert np.isnan(cloud["z"][frame.geoms < 0]).all(), "the sky is nowhere"
    inside, nouns = [], set()
    for row, column in np.argwhere((frame.geoms >= 0) & (frame.depth_m < 25)):
        part, point = day_scene.parts[frame.geoms[row, column]], cloud[row, column]
        if part.shape is not Shape.BOX:
            continue
        assert NOUNS[point["label"] - 1] == part.noun
        world_m = pose.pos_m + pose.rot @ [point["x"], point["y"], point["z"]]
        local_m = part.rot.T @ (world_m - part.pos_m)
        inside.append((np.abs(local_m) <= np.array(part.half_m) + TOLERANCE_M).all())
        nouns.add(part.noun)
    assert len(inside) > 200
    assert len(nouns) >= 3
    assert np.mean(inside) > 0.98
