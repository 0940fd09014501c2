"""Rendering: labels are the geoms seen, depth is metric, looks differ, frames repeat."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ovseg_train.world.camera import Frame, SceneCamera, drive_pose
from ovseg_train.world.looks import Look
from ovseg_train.world.nouns import NOUNS, SKY_ID
from ovseg_train.world.parts import Shape
from ovseg_train.world.scene import Scene, Split, draw_scene, scene_seed

pytestmark = [pytest.mark.world, pytest.mark.usefixtures("rendering")]


def shoot(camera: SceneCamera, scene: Scene, s_m: float = 4.0) -> Frame:
    return camera.render(drive_pose(scene, s_m), np.random.default_rng(0))


@pytest.fixture(scope="module")
def frame(day_camera: SceneCamera, day_scene: Scene) -> Frame:
    return shoot(day_camera, day_scene)


def test_labels_are_the_nouns_of_the_geoms_seen(frame: Frame, day_scene: Scene) -> None:
    for geom in np.unique(frame.geoms):
        expected = "sky" if geom < 0 else day_scene.parts[geom].noun
        assert {NOUNS[i] for i in np.unique(frame.labels[frame.geoms == geom])} == {expected}
    assert len(np.unique(frame.labels)) >= 6


def test_sky_is_where_nothing_was_hit(frame: Frame) -> None:
    assert (np.isinf(frame.depth_m) == (frame.labels == SKY_ID)).all()
    assert (frame.labels == SKY_ID).any()


def test_what_is_seen_lies_where_the_labelled_part_was_built(
    day_camera: SceneCamera, day_scene: Scene, frame: Frame
) -> None:
    """Pixels taken back to the world by depth lie on the box they are labelled as."""
    pose, camera = drive_pose(day_scene, 4.0), day_camera.intrinsics
    cx, cy = camera.centre_px
    inside, nouns = [], set()
    for row, column in np.argwhere((frame.geoms >= 0) & (frame.depth_m < 25)):
        part = day_scene.parts[frame.geoms[row, column]]
        if part.shape is not Shape.BOX:
            continue
        ray = np.array([(column - cx) / camera.focal_px, (row - cy) / camera.focal_px, 1.0])
        world_m = pose.pos_m + pose.rot @ ray * frame.depth_m[row, column]
        local_m = part.rot.T @ (world_m - part.pos_m)
        inside.append((np.abs(local_m) <= np.array(part.half_m) + 0.08).all())
        nouns.add(NOUNS[frame.labels[row, column]])
    assert len(inside) > 200
    assert len(nouns) >= 3
    assert np.mean(inside) > 0.98


def test_the_same_pose_gives_the_same_frame(
    day_camera: SceneCamera, day_scene: Scene, frame: Frame
) -> None:
    shoot(day_camera, day_scene, 9.0)
    again = shoot(day_camera, day_scene)
    assert (again.rgb == frame.rgb).all()
    assert (again.labels == frame.labels).all()
    assert (again.depth_m == frame.depth_m).all()


def test_looks_share_labels_and_differ_in_light() -> None:
    seed = scene_seed(Split.TRAIN, 9, 1)
    frames = {}
    for look in Look:
        scene = draw_scene(seed, look)
        with SceneCamera(scene, 96, 72) as camera:
            frames[look] = shoot(camera, scene)
    mean = {look: frame.rgb.mean() for look, frame in frames.items()}
    assert all((f.labels == frames[Look.DAY].labels).all() for f in frames.values())
    assert mean[Look.NIGHT] < 0.5 * mean[Look.DUSK]
    assert mean[Look.DUSK] < mean[Look.DAY]
    far = (frames[Look.FOG].depth_m > 30) & np.isfinite(frames[Look.FOG].depth_m)
    near = frames[Look.FOG].depth_m < 5
    contrast = {
        part: frames[Look.FOG].rgb[mask].std() for part, mask in (("far", far), ("near", near))
    }
    assert contrast["far"] < contrast["near"]


def test_missing_libraries_are_named() -> None:
    """In a fresh process, since MuJoCo chooses its backend once."""
    program = (
        "import ctypes.util, os; ctypes.util.find_library = lambda name: None\n"
        "os.environ.pop('MUJOCO_GL', None)\n"
        "from ovseg_train.world.gl import load_mujoco\n"
        "load_mujoco()\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert done.returncode == 1
    assert "libosmesa6" in done.stderr
    assert "libegl1" in done.stderr


@pytest.mark.parametrize(
    ("backend", "message"), [("vulkan", "valid values: osmesa, egl"), ("glfw", "libosmesa6")]
)
def test_a_backend_that_cannot_draw_is_an_error_with_a_remedy(
    backend: str, message: str, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "ovseg_train.world", "render", "--out", str(tmp_path)]
    command += ["--scenes", "1", "--frames", "1", "--val-scenes", "0", "--size", "64x48"]
    # Without a display GLFW has no context to offer.
    environment = {k: v for k, v in os.environ.items() if "DISPLAY" not in k}
    done = subprocess.run(
        command, env={**environment, "MUJOCO_GL": backend}, capture_output=True, text=True
    )
    assert done.returncode == 1
    assert message in done.stderr
    assert "Traceback" not in done.stderr
