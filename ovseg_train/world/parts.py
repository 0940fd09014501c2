"""Parts: the coloured primitives and meshes that every object is made of."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from enum import Enum

import numpy as np

from ovseg_train.world.meshes import Mesh
from ovseg_train.world.textures import Rgb

Vector = Sequence[float] | np.ndarray

UPRIGHT = np.array([[1.0, 0.0, 0.0], [0.0, 0.0, -1.0], [0.0, 1.0, 0.0]])
"""Rotation that turns a cube texture's image rows to world -z, so that it stands upright."""


class Shape(Enum):
    """Geometry kinds MuJoCo draws."""

    BOX = "box"
    CYLINDER = "cylinder"
    CAPSULE = "capsule"
    ELLIPSOID = "ellipsoid"
    MESH = "mesh"


@dataclass(frozen=True, eq=False)
class Surface:
    """How a part looks.

    Attributes:
        rgb: colour 0..1; multiplies the texture.
        texture: uint8 [n, n, 3] or None.
        planar: map the texture by mesh texture coordinates instead of the six sides of a cube.
        shine: specular strength 0..1.
        glow: light the part sends out by itself, 0 (none) to 1 (a lamp).
    """

    rgb: Rgb = (1.0, 1.0, 1.0)
    texture: np.ndarray | None = None
    planar: bool = False
    shine: float = 0.1
    glow: float = 0.0


@dataclass(frozen=True, eq=False)
class Part:
    """One geom: a noun, a shape, its half sizes, and its pose in the object's frame."""

    noun: str
    shape: Shape
    half_m: tuple[float, float, float]
    pos_m: np.ndarray
    rot: np.ndarray
    surface: Surface
    mesh: Mesh | None = None

    def moved(self, pos_m: Vector, yaw_rad: float) -> Part:
        """The same part after turning the object about z and then shifting it."""
        turn = yaw(yaw_rad)
        return replace(self, pos_m=turn @ self.pos_m + np.asarray(pos_m), rot=turn @ self.rot)


@dataclass(frozen=True, eq=False)
class Model:
    """An object standing at its origin, x along its length, z up.

    Attributes:
        parts: its geoms.
        half_length_m: half of its ground extent along x.
        half_width_m: half of its ground extent along y.
        lamp_m: position of a street lamp in the object's frame, or None.
    """

    parts: tuple[Part, ...]
    half_length_m: float
    half_width_m: float
    lamp_m: tuple[float, float, float] | None = None


def yaw(angle_rad: float) -> np.ndarray:
    """Rotation about z, float64 [3, 3]."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def pitch(angle_rad: float) -> np.ndarray:
    """Rotation about y, float64 [3, 3]; positive lowers +x."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[c, 0.0, s], [0.0, 1.0, 0.0], [-s, 0.0, c]])


def roll(angle_rad: float) -> np.ndarray:
    """Rotation about x, float64 [3, 3]."""
    c, s = np.cos(angle_rad), np.sin(angle_rad)
    return np.array([[1.0, 0.0, 0.0], [0.0, c, -s], [0.0, s, c]])


def along(direction: Vector) -> np.ndarray:
    """A rotation whose z axis points along the direction, float64 [3, 3]."""
    z = np.asarray(direction, float)
    z = z / np.linalg.norm(z)
    helper = np.array([1.0, 0.0, 0.0]) if abs(z[0]) < 0.9 else np.array([0.0, 1.0, 0.0])
    x = np.cross(helper, z)
    x /= np.linalg.norm(x)
    return np.stack([x, np.cross(z, x), z], axis=1)


@dataclass
class Kit:
    """Collects the parts of one object while it is being built."""

    noun: str
    parts: list[Part] = field(default_factory=list)

    def _add(
        self,
        shape: Shape,
        half_m: Vector,
        pos_m: Vector,
        rot: np.ndarray | None,
        surface: Surface,
        mesh: Mesh | None = None,
        noun: str | None = None,
    ) -> None:
        x, y, z = (float(max(h, 1e-3)) for h in half_m)
        turn = np.eye(3) if rot is None else rot
        self.parts.append(
            Part(noun or self.noun, shape, (x, y, z), np.asarray(pos_m, float), turn, surface, mesh)
        )

    def box(
        self,
        pos_m: Vector,
        half_m: Vector,
        surface: Surface,
        rot: np.ndarray | None = None,
        noun: str | None = None,
    ) -> None:
        """Add a box by centre and half sizes; a texture stands upright on its sides."""
        x, y, z = half_m
        turn = UPRIGHT if rot is None else rot @ UPRIGHT
        self._add(Shape.BOX, (x, z, y), pos_m, turn, surface, noun=noun)

    def rod(
        self,
        start_m: Vector,
        end_m: Vector,
        radius_m: float,
        surface: Surface,
        flat_ends: bool = False,
        noun: str | None = None,
    ) -> None:
        """Add a round bar between two points: a capsule, or a cylinder with flat ends."""
        start, end = np.asarray(start_m, float), np.asarray(end_m, float)
        half = float(np.linalg.norm(end - start)) / 2
        shape = Shape.CYLINDER if flat_ends else Shape.CAPSULE
        self._add(
            shape, (radius_m, half, 0), (start + end) / 2, along(end - start), surface, noun=noun
        )

    def ball(
        self, pos_m: Vector, half_m: Vector, surface: Surface, rot: np.ndarray | None = None
    ) -> None:
        """Add an ellipsoid by centre and half sizes."""
        self._add(Shape.ELLIPSOID, half_m, pos_m, rot, surface)

    def mesh(
        self,
        mesh: Mesh,
        pos_m: Vector,
        surface: Surface,
        rot: np.ndarray | None = None,
    ) -> None:
        """Add a mesh at a pose."""
        self._add(Shape.MESH, (1, 1, 1), pos_m, rot, surface, mesh)

    def model(
        self,
        half_length_m: float,
        half_width_m: float,
        lamp_m: tuple[float, float, float] | None = None,
    ) -> Model:
        """The finished object with its ground extent."""
        return Model(tuple(self.parts), half_length_m, half_width_m, lamp_m)
