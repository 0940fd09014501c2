"""Rendering: colour, depth and labels of a scene from a pose."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_ros.closing import Closing
from ovseg_train.world.compile import FAR_M, compile_scene
from ovseg_train.world.gl import load_mujoco, open_renderer
from ovseg_train.world.nouns import SKY_ID, noun_id
from ovseg_train.world.parts import pitch, yaw
from ovseg_train.world.scene import Scene
from ovseg_train.world.sensor import expose

_OPTICAL_TO_GL = np.diag([1.0, -1.0, -1.0])
_FORWARD_TO_OPTICAL = np.array([[0.0, 0.0, 1.0], [-1.0, 0.0, 0.0], [0.0, -1.0, 0.0]])


@dataclass(frozen=True)
class Intrinsics:
    """A pinhole camera without distortion.

    Attributes:
        width_px, height_px: image size.
        focal_px: focal length, the same along both axes.
    """

    width_px: int
    height_px: int
    focal_px: float

    @property
    def centre_px(self) -> tuple[float, float]:
        """Principal point (cx, cy), in the convention where pixel centres are integers."""
        return ((self.width_px - 1) / 2, (self.height_px - 1) / 2)


@dataclass(frozen=True, eq=False)
class Pose:
    """Where the camera is and which way it looks.

    Attributes:
        pos_m: float64 [3] in world coordinates.
        rot: float64 [3, 3] from the optical frame (x right, y down, z forward) to the world.
    """

    pos_m: np.ndarray
    rot: np.ndarray


@dataclass(frozen=True, eq=False)
class Frame:
    """One rendered view.

    Attributes:
        rgb: uint8 [H, W, 3].
        labels: uint8 [H, W], noun ids 0..29.
        depth_m: float32 [H, W], distance along the optical axis; inf for sky.
        geoms: int32 [H, W], index into Scene.parts; -1 for sky.
    """

    rgb: np.ndarray
    labels: np.ndarray
    depth_m: np.ndarray
    geoms: np.ndarray


def drive_pose(
    scene: Scene, s_m: float, yaw_offset_rad: float = 0.0, pitch_offset_rad: float = 0.0
) -> Pose:
    """The camera's pose at distance s along the scene's path."""
    heading = scene.path.heading_at(s_m) + yaw_offset_rad
    turn = yaw(heading) @ pitch(scene.camera_pitch_rad + pitch_offset_rad)
    xy = scene.path.point_at(s_m)
    return Pose(np.array([*xy, scene.camera_height_m + 0.1]), turn @ _FORWARD_TO_OPTICAL)


class SceneCamera(Closing):
    """Holds a compiled scene and its renderer; a context manager that frees both."""

    def __init__(self, scene: Scene, width_px: int, height_px: int) -> None:
        """Compile the scene and open a renderer.

        Raises:
            RenderingUnavailableError: MuJoCo or its software rendering is missing.
        """
        mujoco = load_mujoco()
        self._scene = scene
        self._model = compile_scene(scene, width_px, height_px)
        self._data = mujoco.MjData(self._model)
        mujoco.mj_forward(self._model, self._data)
        self._renderer = open_renderer(self._model, width_px, height_px)
        focal = height_px / 2 / np.tan(np.radians(scene.fovy_deg) / 2)
        self.intrinsics = Intrinsics(width_px, height_px, float(focal))
        self._noun_ids = np.array([noun_id(part.noun) for part in scene.parts], np.uint8)
        self._glow = np.array([part.surface.glow for part in scene.parts], np.float32)

    def close(self) -> None:
        """Free the OpenGL context; rendering afterwards is an error."""
        self._renderer.close()

    def render(self, pose: Pose, rng: np.random.Generator) -> Frame:
        """Draw one frame; ``rng`` feeds the sensor noise only."""
        self._aim(pose)
        renderer = self._renderer
        renderer.disable_depth_rendering()
        renderer.disable_segmentation_rendering()
        renderer.update_scene(self._data, "camera")
        clean = renderer.render().copy()
        renderer.enable_depth_rendering()
        depth = renderer.render().copy()
        renderer.disable_depth_rendering()
        renderer.enable_segmentation_rendering()
        geoms = renderer.render()[..., 0].copy()
        renderer.disable_segmentation_rendering()
        is_sky = geoms < 0
        labels = np.where(is_sky, SKY_ID, self._noun_ids[geoms]).astype(np.uint8)
        depth[is_sky] = FAR_M
        glow = np.where(is_sky, 0, self._glow[geoms]).astype(np.float32)
        rgb = expose(
            clean, depth, glow, self._scene, pose.pos_m, pose.rot, self.intrinsics.focal_px, rng
        )
        depth[is_sky] = np.inf
        return Frame(rgb, labels, depth, geoms)

    def _aim(self, pose: Pose) -> None:
        """Move the camera, and the sun with it so that its shadow map covers what is seen."""
        self._data.cam_xpos[0] = pose.pos_m
        self._data.cam_xmat[0] = (pose.rot @ _OPTICAL_TO_GL).ravel()
        ahead = pose.pos_m + pose.rot[:, 2] * 10
        self._data.light_xpos[0] = ahead - 40 * np.asarray(self._scene.air.sun_direction)
