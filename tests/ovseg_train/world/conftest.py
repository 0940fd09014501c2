"""Fixtures of the simulated world's tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from ovseg_train.world.camera import SceneCamera
from ovseg_train.world.gl import RenderingUnavailableError, load_mujoco, open_renderer
from ovseg_train.world.looks import Look
from ovseg_train.world.scene import Scene, Split, draw_scene, scene_seed

SIZE_PX = (96, 72)


@pytest.fixture(scope="session")
def rendering() -> None:
    """Skip where MuJoCo has no software OpenGL."""
    try:
        open_renderer(load_mujoco().MjModel.from_xml_string("<mujoco/>"), 32, 32).close()
    except RenderingUnavailableError as error:
        pytest.skip(str(error))


@pytest.fixture(scope="session")
def day_scene() -> Scene:
    """One drawn scene, not rendered yet."""
    return draw_scene(scene_seed(Split.TRAIN, 9, 0), Look.DAY)


@pytest.fixture(scope="session")
def day_camera(rendering: None, day_scene: Scene) -> Iterator[SceneCamera]:
    """A small camera in that scene."""
    with SceneCamera(day_scene, *SIZE_PX) as camera:
        yield camera
