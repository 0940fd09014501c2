"""The ground of a scene: strips of road, pavement and grass along the path."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ovseg_train.world.meshes import Mesh, strip
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Part, Shape, Surface
from ovseg_train.world.path import BEFORE_M, DrivePath
from ovseg_train.world.textures import bricks, speckled, turf

EDGE_M = 60.0
_HEIGHT_M = {"road": 0.0, "pavement": 0.1, "grass": 0.06}


class SceneKind(Enum):
    """What the place is."""

    STREET = "street"
    YARD = "yard"
    PARK = "park"
    MIXED = "mixed"


@dataclass(frozen=True)
class Zone:
    """A strip of ground between two lateral offsets, left positive."""

    right_m: float
    left_m: float
    noun: str

    @property
    def height_m(self) -> float:
        """Height of its surface."""
        return _HEIGHT_M[self.noun]


def draw_zones(kind: SceneKind, rng: np.random.Generator) -> tuple[Zone, ...]:
    """Draw the cross-section, from the far right to the far left; the camera drives at t = 0."""
    inner, outer = rng.uniform(1.6, 3.2), rng.uniform(5.0, 7.0)
    pavement = rng.uniform(1.8, 3.2)
    if kind is SceneKind.STREET:
        cuts = (
            [-outer - pavement, -outer, inner, inner + pavement]
            if rng.random() < 0.5
            else [-inner - outer, -inner, inner, inner + 0.8]
        )
        if rng.random() < 0.5:
            nouns = ["pavement", "pavement", "road", "pavement", "grass"]
        else:
            nouns = ["grass", "pavement", "road", "pavement", "pavement"]
        if cuts[1] == -inner:
            nouns = ["grass", "road", "pavement", "grass", "grass"]
    elif kind is SceneKind.YARD:
        cuts, nouns = [-outer, -inner * 0.8, inner], ["pavement", "pavement", "road", "pavement"]
        if rng.random() < 0.5:
            nouns[0] = "grass"
    elif kind is SceneKind.PARK:
        cuts, nouns = [-inner * 0.6, inner * 0.6], ["grass", "pavement", "grass"]
        if rng.random() < 0.4:
            cuts, nouns = [-9.0, -5.0, *cuts], ["grass", "road", *nouns]
    else:
        cuts = [-outer, -inner, inner]
        nouns = ["grass", "pavement", "road", "grass"]
        if rng.random() < 0.5:
            nouns = ["pavement", "grass", "pavement", "road"]
    if rng.random() < 0.5:
        cuts, nouns = [-cut for cut in reversed(cuts)], list(reversed(nouns))
    edges = [-EDGE_M, *cuts, EDGE_M]
    return tuple(Zone(a, b, n) for a, b, n in zip(edges, edges[1:], nouns, strict=False))


def zone_at(zones: tuple[Zone, ...], t_m: float) -> Zone:
    """The zone at a lateral offset."""
    return next(z for z in zones if z.right_m <= t_m < z.left_m)


def _surface(noun: str, rng: np.random.Generator) -> tuple[Surface, float]:
    """A texture for a ground noun and the metres one repeat of it covers."""
    if noun == "road":
        grey = rng.uniform(0.2, 0.36)
        image = speckled(rng, palette.near(rng, (grey, grey, grey * 1.03), 0.04), 0.35, 0.12, 256)
        return Surface(texture=image, planar=True, shine=0.0), 5.0
    if noun == "grass":
        base = palette.pick(rng, (0.3, 0.46, 0.18), (0.36, 0.45, 0.2), (0.24, 0.4, 0.16))
        return Surface(texture=turf(rng, base), planar=True, shine=0.0), 4.0
    colour = palette.pick(rng, (0.62, 0.6, 0.57), (0.55, 0.55, 0.56), (0.62, 0.45, 0.38))
    rows = int(rng.integers(4, 13))
    columns = int(rng.choice([rows, max(2, rows // 2)]))
    image = bricks(rng, colour, (0.36, 0.35, 0.33), rows, columns, rng.choice([0.0, 0.5]), 256)
    return Surface(texture=image, planar=True, shine=0.0), 3.0


def ground_parts(zones: tuple[Zone, ...], path: DrivePath, rng: np.random.Generator) -> list[Part]:
    """Slabs for the near zones over a wide base of the outermost ground, with lane markings."""
    surfaces = {noun: _surface(noun, rng) for noun in ("road", "pavement", "grass")}
    parts = [_base(zones[0].noun, -1, surfaces), _base(zones[-1].noun, 1, surfaces)]
    for zone in zones:
        right, left = max(zone.right_m, -16.0), min(zone.left_m, 16.0)
        surface, tile = surfaces[zone.noun]
        mesh = strip(path.edge(left), path.edge(right), zone.height_m, 0.25, tile)
        parts.append(_slab(zone.noun, mesh, surface))
        if zone.noun == "road" and left - right > 3.0:
            parts += _markings(path, right, left, rng)
    return parts


def _slab(noun: str, mesh: Mesh, surface: Surface) -> Part:
    return Part(noun, Shape.MESH, (1, 1, 1), np.zeros(3), np.eye(3), surface, mesh)


def _base(noun: str, side: int, surfaces: dict[str, tuple[Surface, float]]) -> Part:
    """Everything beyond the strips, one half plane per side."""
    surface, tile = surfaces[noun]
    near, far = (0.0, 130.0) if side > 0 else (-130.0, 0.0)
    xs = np.linspace(-40.0, 130.0, 2)
    left, right = (np.stack([xs, np.full(2, y)], axis=1) for y in (far, near))
    return _slab(noun, strip(left, right, -0.05, 0.2, tile), surface)


def _markings(
    path: DrivePath, right_m: float, left_m: float, rng: np.random.Generator
) -> list[Part]:
    """Painted lines; they are road."""
    paint = Surface((0.88, 0.88, 0.84) if rng.random() < 0.8 else (0.9, 0.75, 0.2), shine=0.0)
    middle, half = (right_m + left_m) / 2, 0.07
    parts = []
    dash, gap = rng.choice([2.0, 3.0]), rng.choice([2.0, 3.0])
    left, right = path.edge(middle + half), path.edge(middle - half)
    step = 4
    for start in np.arange(0, (len(left) / step) - dash, dash + gap):
        span = slice(int(start * step), int((start + dash) * step) + 1)
        parts.append(_slab("road", strip(left[span], right[span], 0.012, 0.02, 1.0), paint))
    if rng.random() < 0.6:
        for t in (right_m + 0.3, left_m - 0.3):
            mesh = strip(path.edge(t + half), path.edge(t - half), 0.012, 0.02, 1.0)
            parts.append(_slab("road", mesh, paint))
    if rng.random() < 0.4:
        parts += _crossing(path, right_m, left_m, rng.uniform(5, path.length_m), paint)
    return parts


def _crossing(
    path: DrivePath, right_m: float, left_m: float, s_m: float, paint: Surface
) -> list[Part]:
    """A zebra crossing at distance s."""
    first = int((s_m + BEFORE_M) * 4)
    span = slice(first, first + 11)
    return [
        _slab("road", strip(path.edge(t + 0.5)[span], path.edge(t)[span], 0.014, 0.02, 1.0), paint)
        for t in np.arange(right_m + 0.4, left_m - 0.6, 1.0)
    ]
