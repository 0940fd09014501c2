"""What is stored in a yard: barrels, crates and shipping containers."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import lathe
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface, roll, yaw
from ovseg_train.world.textures import corrugated, planks


def barrel(rng: np.random.Generator) -> Model:
    """A ribbed steel or plastic drum, or a bellied wooden cask; alone, paired or lying."""
    kit = Kit("barrel")
    count = int(rng.integers(1, 4))
    lying = rng.random() < 0.2
    spots = [(0.0, 0.0), (0.02, 0.66), (0.6, 0.3)][: 1 if lying else count]
    wooden = rng.random() < 0.25
    for x, y in spots:
        turn = roll(np.pi / 2) if lying else np.eye(3)
        pos = np.array([x, y + (0.45 if lying else 0.0), 0.3 if lying else 0.0])
        if wooden:
            _cask(kit, rng, pos, turn)
        else:
            _drum(kit, rng, pos, turn)
    return kit.model(0.5 if len(spots) < 3 else 0.75, 0.5 if len(spots) < 2 else 0.85)


def _drum(kit: Kit, rng: np.random.Generator, pos: np.ndarray, turn: np.ndarray) -> None:
    colour = palette.pick(
        rng,
        (0.1, 0.3, 0.65),
        (0.55, 0.25, 0.12),
        (0.8, 0.15, 0.1),
        (0.9, 0.7, 0.1),
        (0.2, 0.45, 0.25),
        (0.2, 0.2, 0.2),
    )
    surface = palette.rough(rng, colour, 0.3)
    profile = [(0.0, 0.0), (0.29, 0.0)]
    for z in (0.02, 0.3, 0.6, 0.86):
        profile += [(0.29, z), (0.315, z + 0.015), (0.315, z + 0.03), (0.29, z + 0.045)]
    kit.mesh(lathe([*profile, (0.27, 0.9), (0.27, 0.88), (0, 0.88)]), pos, surface, turn)
    kit.rod(
        pos + turn @ np.array([0.15, 0, 0.88]),
        pos + turn @ np.array([0.15, 0, 0.91]),
        0.04,
        palette.CHROME,
    )


def _cask(kit: Kit, rng: np.random.Generator, pos: np.ndarray, turn: np.ndarray) -> None:
    staves = Surface(texture=planks(rng, palette.wood(rng), 8).transpose(1, 0, 2).copy())
    belly = [(0.25 + 0.08 * np.sin(np.pi * f), 0.9 * f) for f in np.linspace(0, 1, 9)]
    kit.mesh(lathe([(0, 0), *belly, (0, 0.9)]), pos, staves, turn)
    for f in (0.05, 0.25, 0.7, 0.9):
        r = 0.262 + 0.08 * np.sin(np.pi * f)
        kit.mesh(
            lathe([(0, 0.9 * f), (r, 0.9 * f), (r, 0.9 * f + 0.045), (0, 0.9 * f + 0.045)]),
            pos,
            palette.BLACK,
            turn,
        )


def crate(rng: np.random.Generator) -> Model:
    """A wooden box with frame and brace, a slatted box, or plastic boxes; sometimes stacked."""
    kit = Kit("crate")
    kind, half = rng.integers(3), rng.uniform(0.32, 0.55)
    levels = int(rng.integers(1, 3))
    z = 0.0
    for _ in range(levels):
        tall = half * rng.uniform(0.7, 1.0)
        turn = yaw(rng.normal(0, 0.12))
        at = np.array([*rng.normal(0, 0.04, 2), z + tall])
        if kind == 0:
            face = Surface(texture=planks(rng, palette.wood(rng), 5, cross=True, n=128))
            kit.box(at, (half, half * 0.9, tall), face, turn)
        elif kind == 1:
            _slatted(kit, rng, at, half, tall, turn)
        else:
            _plastic(kit, rng, at, half, tall * 0.75, turn)
        z += 2 * tall if kind < 2 else 1.75 * tall
        half *= rng.uniform(0.75, 1.0)
    return kit.model(0.6, 0.6)


def _slatted(
    kit: Kit, rng: np.random.Generator, at: np.ndarray, half: float, tall: float, turn: np.ndarray
) -> None:
    board, dark = Surface(palette.wood(rng)), Surface((0.16, 0.1, 0.06))
    kit.box(at, (half * 0.92, half * 0.92, tall * 0.95), dark, turn)
    for sx in (-1, 1):
        for sy in (-1, 1):
            corner = at + turn @ np.array([sx, sy, 0]) * half * 0.93
            kit.box(corner, (0.05, 0.05, tall), board, turn)
    for z in np.linspace(-0.8, 0.8, 4) * tall:
        kit.box(at + [0, 0, z], (half, half, tall * 0.16), board, turn)


def _plastic(
    kit: Kit, rng: np.random.Generator, at: np.ndarray, half: float, tall: float, turn: np.ndarray
) -> None:
    colour = palette.any_colour(rng, (0.6, 0.95), (0.4, 0.85))
    side = Surface(texture=corrugated(rng, colour, 10, 64))
    kit.box(at, (half * 0.9, half * 0.65, tall), side, turn)
    for z in (-tall * 0.9, tall * 0.92):
        kit.box(at + [0, 0, z], (half * 0.96, half * 0.7, tall * 0.1), Surface(colour), turn)


def shipping_container(rng: np.random.Generator) -> Model:
    """A corrugated steel box with corner posts, rails and a barred double door."""
    kit = Kit("shipping container")
    half, width, height = rng.uniform(1.5, 3.0), 2.3, rng.uniform(2.2, 2.6)
    colour = palette.pick(
        rng,
        (0.65, 0.18, 0.12),
        (0.1, 0.3, 0.55),
        (0.15, 0.42, 0.3),
        (0.8, 0.45, 0.1),
        (0.5, 0.5, 0.5),
        (0.45, 0.25, 0.15),
    )
    side = Surface(texture=corrugated(rng, colour, int(8 * half)))
    rail = Surface(palette.near(rng, colour, 0.03))
    kit.box((0, 0, height / 2 + 0.05), (half - 0.03, width / 2 - 0.03, height / 2 - 0.05), side)
    for x in (-half, half):
        for y in (-width / 2, width / 2):
            kit.box((x, y, height / 2), (0.08, 0.08, height / 2), rail)
        for z in (0.08, height - 0.06):
            kit.box((x, 0, z), (0.07, width / 2, 0.08), rail)
    for y in (-width / 2, width / 2):
        for z in (0.08, height - 0.06):
            kit.box((0, y, z), (half, 0.07, 0.08), rail)
    kit.box((half - 0.01, 0, height / 2), (0.03, width / 2 - 0.08, height / 2 - 0.12), rail)
    kit.box((half + 0.02, 0, height / 2), (0.015, 0.015, height / 2 - 0.12), palette.BLACK)
    for y in (-0.75, -0.35, 0.35, 0.75):
        kit.rod((half + 0.06, y, 0.2), (half + 0.06, y, height - 0.2), 0.025, palette.CHROME)
    for side_y in (-1, 1):
        kit.box(
            (half * 0.5, side_y * (width / 2 - 0.02), height * 0.68),
            (0.5, 0.01, 0.18),
            palette.WHITE,
        )
    return kit.model(half, width / 2)
