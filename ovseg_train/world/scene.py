"""A scene: everything a seed decides, before anything is rendered."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ovseg_train.world.ground import SceneKind, draw_zones, ground_parts
from ovseg_train.world.layout import Placement, place_objects
from ovseg_train.world.looks import Atmosphere, Look, draw_atmosphere
from ovseg_train.world.parts import Part
from ovseg_train.world.path import DrivePath, winding_path

_SPLIT_STRIDE = 10**9
_SEED_STRIDE = 10**5


class Split(Enum):
    """Who may see a scene; seeds of different splits never meet."""

    TRAIN = "train"
    VAL = "val"
    DEMO = "demo"


@dataclass(frozen=True, eq=False)
class Scene:
    """A drawn place, its light, and the camera that drives through it.

    Attributes:
        seed: what it was drawn from.
        parts: every geom, in MuJoCo's order.
        lamps_m: float64 [L, 3] positions of lit street lamps.
        camera_height_m: above the ground.
        camera_pitch_rad: positive looks down.
        fovy_deg: vertical field of view.
    """

    seed: int
    kind: SceneKind
    air: Atmosphere
    path: DrivePath
    parts: tuple[Part, ...]
    lamps_m: np.ndarray
    camera_height_m: float
    camera_pitch_rad: float
    fovy_deg: float


def scene_seed(split: Split, seed: int, index: int) -> int:
    """The seed of one scene; distinct for every (split, seed, index).

    Raises:
        ValueError: seed is not in 0..9999 or index not in 0..99999.
    """
    if not 0 <= seed < _SPLIT_STRIDE // _SEED_STRIDE:
        raise ValueError(f"seed is {seed}; want 0..{_SPLIT_STRIDE // _SEED_STRIDE - 1}")
    if not 0 <= index < _SEED_STRIDE:
        raise ValueError(f"scene index is {index}; want 0..{_SEED_STRIDE - 1}")
    order = list(Split).index(split) + 1
    return order * _SPLIT_STRIDE + seed * _SEED_STRIDE + index


def draw_scene(
    seed: int,
    look: Look,
    kind: SceneKind | None = None,
    length_m: float = 30.0,
    fovy_deg: float | None = None,
) -> Scene:
    """Draw a scene; the same arguments give the same scene on every machine.

    Args:
        seed: from ``scene_seed``.
        look: its light and air.
        kind: the place; drawn too where None.
        length_m: how far the camera drives.
        fovy_deg: the camera's vertical field of view; drawn too where None.
    """
    rng = np.random.default_rng(seed)
    kinds = list(SceneKind)
    drawn = kinds[int(rng.integers(len(kinds)))]
    place = kind or drawn
    path = winding_path(rng, length_m)
    zones = draw_zones(place, rng)
    placements = place_objects(place, zones, path, rng)
    parts = ground_parts(zones, path, rng)
    for placement in placements:
        parts += placement.parts()
    camera = np.random.default_rng([seed, 1])
    height_m, pitch_rad, drawn_fovy_deg = camera.uniform([0.45, 0.0, 46.0], [1.6, 0.13, 62.0])
    return Scene(
        seed=seed,
        kind=place,
        air=draw_atmosphere(look, np.random.default_rng([seed, 2])),
        path=path,
        parts=tuple(parts),
        lamps_m=_lamps(placements),
        camera_height_m=float(height_m),
        camera_pitch_rad=float(pitch_rad),
        fovy_deg=fovy_deg or float(drawn_fovy_deg),
    )


def _lamps(placements: list[Placement]) -> np.ndarray:
    lamps = [p.lamp_m() for p in placements if p.model.lamp_m is not None]
    return np.array(lamps).reshape(-1, 3)
