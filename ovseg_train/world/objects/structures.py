"""Building, wall and fence."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import extrude
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface, yaw
from ovseg_train.world.textures import bricks, corrugated, facade, planks, speckled


def building(rng: np.random.Generator) -> Model:
    """A house, a block of flats or a sheet-metal hall; its front faces -y."""
    kit = Kit("building")
    if rng.random() < 0.2:
        return _hall(kit, rng)
    half, deep = rng.uniform(3.0, 5.5), rng.uniform(2.0, 3.5)
    floors = int(rng.integers(2, 5))
    height = floors * rng.uniform(2.5, 3.0)
    wall = palette.pick(
        rng,
        (0.8, 0.75, 0.65),
        (0.62, 0.32, 0.24),
        (0.85, 0.83, 0.8),
        (0.6, 0.62, 0.66),
        (0.82, 0.66, 0.42),
        (0.55, 0.6, 0.5),
    )
    glass = palette.pick(rng, (0.16, 0.2, 0.26), (0.3, 0.38, 0.46))
    bays = int(round(half * 2 / rng.uniform(1.8, 2.6)))
    front = Surface(texture=facade(rng, wall, glass, floors, bays))
    kit.box((0, 0, height / 2), (half, deep, height / 2), front)
    plain = Surface(palette.near(rng, wall, 0.05))
    kit.box((0, 0, height + 0.1), (half + 0.15, deep + 0.15, 0.12), plain)
    if rng.random() < 0.5:
        roof = Surface(palette.pick(rng, (0.5, 0.22, 0.15), (0.25, 0.25, 0.28), (0.4, 0.33, 0.27)))
        gable = [(-deep - 0.3, 0), (deep + 0.3, 0), (0.1, deep * 0.7), (-0.1, deep * 0.7)]
        kit.mesh(extrude(gable, 2 * half + 0.4), (0, 0, height + 0.2), roof, yaw(np.pi / 2))
    door_x = rng.uniform(-half * 0.6, half * 0.6)
    door = Surface(palette.any_colour(rng, (0.3, 0.8), (0.2, 0.6)))
    kit.box((door_x, -deep - 0.02, 1.05), (0.5, 0.05, 1.05), door)
    kit.box((door_x, -deep - 0.4, 2.3), (0.9, 0.45, 0.06), plain)
    _lit_windows(kit, rng, half, deep, height, floors, bays)
    return kit.model(half, deep)


def _lit_windows(
    kit: Kit,
    rng: np.random.Generator,
    half: float,
    deep: float,
    height: float,
    floors: int,
    bays: int,
) -> None:
    """Panes that shine at night, set over some of the painted ones."""
    warm = Surface((0.85, 0.72, 0.45), glow=0.35)
    bay, floor = 2 * half / bays, height / floors
    for _ in range(int(rng.integers(1, 4))):
        x = -half + bay * (int(rng.integers(bays)) + 0.5)
        z = floor * (int(rng.integers(1, floors)) + 0.5)
        kit.box((x, -deep, z), (bay * 0.22, 0.02, floor * 0.24), warm)


def _hall(kit: Kit, rng: np.random.Generator) -> Model:
    """A warehouse with ribbed walls, a roller gate and a strip of windows."""
    half, deep, height = rng.uniform(4, 6), rng.uniform(2.5, 4), rng.uniform(3.6, 5.5)
    colour = palette.pick(
        rng, (0.7, 0.72, 0.74), (0.55, 0.62, 0.68), (0.75, 0.7, 0.6), (0.45, 0.55, 0.48)
    )
    kit.box(
        (0, 0, height / 2),
        (half, deep, height / 2),
        Surface(texture=corrugated(rng, colour, int(half * 5))),
    )
    roof = Surface(palette.near(rng, (0.4, 0.4, 0.42)))
    kit.box((0, 0, height), (half + 0.2, deep + 0.2, 0.12), roof)
    gate = Surface(texture=planks(rng, palette.pick(rng, (0.6, 0.6, 0.6), (0.2, 0.3, 0.5)), 12))
    kit.box((rng.uniform(-1, 1), -deep, 1.4), (1.4, 0.05, 1.4), gate)
    for x in np.arange(-half + 0.8, half - 0.6, 1.5):
        kit.box((x, -deep, height - 0.7), (0.55, 0.03, 0.3), palette.GLASS)
    return kit.model(half, deep)


def wall(rng: np.random.Generator) -> Model:
    """A free-standing wall of brick, blocks, stone or painted plaster, with a coping."""
    kit = Kit("wall")
    half, tall, thick = rng.uniform(1.6, 2.8), rng.uniform(0.5, 1.0), rng.uniform(0.1, 0.18)
    kind = rng.integers(4)
    length_cells = max(2, int(half * 2))
    if kind == 0:
        image = bricks(
            rng,
            palette.pick(rng, (0.6, 0.27, 0.2), (0.7, 0.5, 0.35)),
            (0.72, 0.69, 0.64),
            int(tall * 18),
            length_cells * 3,
            n=256,
        )
    elif kind == 1:
        image = bricks(
            rng,
            palette.near(rng, (0.62, 0.61, 0.6)),
            (0.45, 0.45, 0.44),
            int(tall * 8),
            length_cells,
            n=256,
        )
    elif kind == 2:
        image = bricks(
            rng,
            palette.pick(rng, (0.55, 0.5, 0.43), (0.45, 0.45, 0.46)),
            (0.3, 0.28, 0.25),
            int(tall * 9),
            length_cells * 2,
            rng.uniform(0.2, 0.8),
            n=256,
        )
    else:
        image = speckled(
            rng,
            palette.pick(rng, (0.85, 0.83, 0.78), (0.8, 0.65, 0.45), (0.6, 0.6, 0.6)),
            0.25,
            0.06,
            n=128,
        )
    kit.box((0, 0, tall), (half, thick, tall), Surface(texture=image, shine=0.0))
    coping = palette.rough(rng, palette.near(rng, (0.62, 0.6, 0.57)))
    kit.box((0, 0, 2 * tall + 0.04), (half + 0.03, thick + 0.06, 0.05), coping)
    for x in (-half, half):
        kit.box((x, 0, tall + 0.06), (thick * 1.6, thick * 1.6, tall + 0.12), coping)
    return kit.model(half, thick * 2)


def fence(rng: np.random.Generator) -> Model:
    """Pickets, boards, rails, steel bars, or a screened site fence between posts."""
    kit = Kit("fence")
    half, tall = rng.uniform(1.6, 2.8), rng.uniform(1.0, 1.6)
    kind = rng.integers(5)
    timber = Surface(palette.WHITE.rgb if rng.random() < 0.3 else palette.wood(rng))
    steel = palette.metal(rng)
    frame = steel if kind >= 3 else timber
    for x in np.linspace(-half, half, max(2, int(half)) + 1):
        kit.box((x, 0.05, tall / 2), (0.05, 0.05, tall / 2 + 0.04), frame)
    if kind == 0:
        for z in (tall * 0.25, tall * 0.75):
            kit.box((0, 0.03, z), (half, 0.025, 0.05), timber)
        for x in np.arange(-half, half, 0.155):
            top = extrude(
                [
                    (-0.052, 0.06),
                    (0.052, 0.06),
                    (0.052, tall - 0.08),
                    (0, tall),
                    (-0.052, tall - 0.08),
                ],
                0.03,
            )
            kit.mesh(top, (x + 0.07, -0.02, 0), timber)
    elif kind == 1:
        board = Surface(
            texture=planks(rng, timber.rgb, int(half * 12), n=128).transpose(1, 0, 2).copy()
        )
        kit.box((0, 0, tall / 2), (half, 0.025, tall / 2 - 0.03), board)
        kit.box((0, 0, tall), (half, 0.06, 0.03), timber)
    elif kind == 2:
        for z in np.linspace(0.2, 0.93, 4) * tall:
            kit.box((0, 0, z), (half, 0.03, 0.075), timber)
    elif kind == 3:
        for z in (0.12, tall - 0.08):
            kit.box((0, 0, z), (half, 0.025, 0.03), steel)
        for x in np.arange(-half, half, 0.12):
            kit.box((x + 0.06, 0, tall / 2), (0.022, 0.022, tall / 2), steel)
    else:
        _screen(kit, rng, half, tall, steel)
    return kit.model(half, 0.15)


def _screen(kit: Kit, rng: np.random.Generator, half: float, tall: float, steel: Surface) -> None:
    """Mesh panels with a fabric screen behind the wires."""
    n = 128
    y, x = np.mgrid[0:n, 0:n]
    wire = ((x + y) % 8 < 2) | ((x - y) % 8 < 2)
    cloth = palette.pick(rng, (0.12, 0.3, 0.2), (0.3, 0.3, 0.32), (0.15, 0.25, 0.4))
    image = np.where(wire[..., None], np.array([165, 168, 170]), (np.asarray(cloth) * 255)).astype(
        np.uint8
    )
    kit.box((0, 0, tall / 2), (half, 0.02, tall / 2), Surface(texture=image))
    for z in (0.05, tall):
        kit.rod((-half, 0, z), (half, 0, z), 0.03, steel)
