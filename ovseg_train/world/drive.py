"""A smooth drive through one scene per look: the frames of the demo bag."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from ovseg_train.world.camera import Frame, Intrinsics, Pose, SceneCamera, drive_pose
from ovseg_train.world.ground import SceneKind
from ovseg_train.world.looks import Look
from ovseg_train.world.scene import Scene, Split, draw_scene, scene_seed

_STAGES = (
    (Look.DAY, SceneKind.STREET),
    (Look.DUSK, SceneKind.PARK),
    (Look.FOG, SceneKind.MIXED),
    (Look.NIGHT, SceneKind.YARD),
)
_SPEED_M_S = 4.0
_START_M = 3.0
_FOVY_DEG = 52.0


@dataclass(frozen=True)
class DrivePlan:
    """What the drive looks like.

    Attributes:
        seed: 0..9999; another seed gives other scenes.
        size_px: (width, height).
        frames_per_look: frames in each of the four looks.
        rate_hz: camera rate.
    """

    seed: int
    size_px: tuple[int, int] = (640, 480)
    frames_per_look: int = 34
    rate_hz: float = 15.0


@dataclass(frozen=True, eq=False)
class DriveFrame:
    """One camera period: its number, its time since the start, the look, and what was seen."""

    index: int
    time_ns: int
    look: Look
    intrinsics: Intrinsics
    frame: Frame


def drive_frames(plan: DrivePlan) -> Iterator[DriveFrame]:
    """Render the drive, one scene after another: day street, dusk park, fog, night yard.

    The scenes come from the demo split, which no training or held-out set shares, and the camera
    has one field of view throughout.

    Raises:
        RenderingUnavailableError: MuJoCo or its software rendering is missing.
    """
    period_ns = round(1e9 / plan.rate_hz)
    index = 0
    for stage, (look, kind) in enumerate(_STAGES):
        seed = scene_seed(Split.DEMO, plan.seed, stage)
        scene = draw_scene(seed, look, kind, fovy_deg=_FOVY_DEG)
        rng = np.random.default_rng([seed, 4])
        with SceneCamera(scene, *plan.size_px) as camera:
            for number in range(plan.frames_per_look):
                pose = _cruise(scene, number / plan.rate_hz)
                frame = camera.render(pose, rng)
                yield DriveFrame(index, index * period_ns, look, camera.intrinsics, frame)
                index += 1


def _cruise(scene: Scene, time_s: float) -> Pose:
    """Steady speed, the gaze swaying slowly from side to side."""
    sway = 0.16 * np.sin(2 * np.pi * time_s / 3.1)
    bob = 0.006 * np.sin(2 * np.pi * time_s / 0.45)
    return drive_pose(scene, _START_M + _SPEED_M_S * time_s, float(sway), float(bob))
