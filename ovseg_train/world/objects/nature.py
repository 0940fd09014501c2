"""Tree, bush and rock."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import blob, lathe
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface
from ovseg_train.world.textures import Rgb, foliage, speckled


def _leaf_colour(rng: np.random.Generator) -> Rgb:
    return palette.pick(
        rng,
        (0.22, 0.42, 0.13),
        (0.16, 0.34, 0.12),
        (0.32, 0.45, 0.15),
        (0.28, 0.5, 0.18),
        (0.55, 0.38, 0.1),
    )


def _leaves(rng: np.random.Generator) -> Surface:
    return Surface(texture=foliage(rng, _leaf_colour(rng)), shine=0.0)


def _bark(rng: np.random.Generator) -> Surface:
    return palette.rough(rng, palette.pick(rng, (0.34, 0.25, 0.17), (0.45, 0.4, 0.34)), 0.7)


def tree(rng: np.random.Generator) -> Model:
    """A trunk under a crown: broadleaf, conifer, or a columnar poplar."""
    kit = Kit("tree")
    bark, leaves = _bark(rng), _leaves(rng)
    kind, height = rng.integers(3), rng.uniform(3.8, 7.0)
    trunk = rng.uniform(0.13, 0.24)
    if kind == 1:
        clear = rng.uniform(0.5, 1.1)
        kit.rod((0, 0, 0), (0, 0, height * 0.8), trunk, bark, flat_ends=True)
        tiers, radius = int(rng.integers(3, 6)), height * rng.uniform(0.2, 0.28)
        for tier in range(tiers):
            low = clear + (height - clear) * tier / (tiers + 0.7)
            r = radius * (1 - 0.75 * tier / tiers)
            cone = [(0, low + 0.1), (r, low), (r * 0.05, low + (height - clear) * 0.45)]
            kit.mesh(lathe([*cone, (0, low + (height - clear) * 0.46)], 10), (0, 0, 0), leaves)
        return kit.model(0.9, 0.9)
    clear = rng.uniform(1.3, 2.2)
    lean = rng.normal(0, 0.12, 2)
    top = np.array([*lean, clear + 0.8])
    kit.rod((0, 0, 0), top, trunk, bark, flat_ends=True)
    if kind == 2:
        tall = (height - clear * 0.6) / 2
        wide = rng.uniform(0.6, 0.9)
        kit.mesh(blob(rng, (wide, wide, tall), 0.2), (*lean, clear * 0.6 + tall), leaves)
        return kit.model(0.7, 0.7)
    wide = rng.uniform(1.1, 1.8)
    for _ in range(int(rng.integers(3, 6))):
        offset = rng.normal(0, 0.45, 3) * [wide, wide, 0.6]
        half = np.array([wide, wide, wide * 0.75]) * rng.uniform(0.5, 0.85)
        pos = top + [0, 0, wide * 0.6] + offset
        kit.mesh(blob(rng, half, 0.25), pos, leaves)
        kit.rod(top, pos, trunk * 0.45, bark)
    return kit.model(1.0, 1.0)


def bush(rng: np.random.Generator) -> Model:
    """Low foliage: a clump, a clipped ball, or a stretch of hedge; some in flower."""
    kit = Kit("bush")
    leaves = _leaves(rng)
    kind = rng.integers(3)
    if kind == 2:
        half, tall = rng.uniform(0.9, 1.8), rng.uniform(0.4, 0.65)
        kit.box((0, 0, tall), (half, rng.uniform(0.3, 0.45), tall), leaves)
        for x in np.arange(-half, half, 0.5):
            kit.mesh(blob(rng, (0.45, 0.42, 0.3), 0.3, 5), (x + 0.2, 0, tall * 1.75), leaves)
        return kit.model(half, 0.45)
    if kind == 1:
        radius = rng.uniform(0.4, 0.65)
        kit.mesh(blob(rng, (radius, radius, radius), 0.08), (0, 0, radius * 0.95), leaves)
    else:
        for _ in range(int(rng.integers(3, 7))):
            clump = rng.uniform(0.3, 0.55, 3)
            kit.mesh(blob(rng, clump, 0.35), (*rng.normal(0, 0.3, 2), clump[2] * 0.85), leaves)
    if rng.random() < 0.35:
        petal = Surface(palette.any_colour(rng, (0.4, 0.9), (0.7, 1.0)))
        for _ in range(25):
            around, up = rng.uniform(0, 6.3), rng.uniform(0.2, 0.8)
            kit.ball(
                (0.6 * np.cos(around) * (1.1 - up), 0.6 * np.sin(around) * (1.1 - up), up),
                (0.045, 0.045, 0.045),
                petal,
            )
    return kit.model(0.8, 0.8)


def rock(rng: np.random.Generator) -> Model:
    """One to three boulders of granite, sandstone or slate, some mossy."""
    kit = Kit("rock")
    colour = palette.pick(
        rng, (0.5, 0.49, 0.47), (0.58, 0.5, 0.4), (0.34, 0.35, 0.38), (0.45, 0.4, 0.36)
    )
    stone = Surface(texture=speckled(rng, colour, 0.6, 0.22), shine=0.0)
    for index in range(int(rng.integers(1, 4))):
        half = rng.uniform(0.35, 0.85) * (1 - 0.3 * index) * rng.uniform(0.7, 1.15, 3)
        half[2] *= 0.8
        spot = rng.normal(0, 0.45, 2) * min(index, 1)
        kit.mesh(blob(rng, half, 0.35, 6), (*spot, half[2] * 0.55), stone)
    return kit.model(0.8, 0.8)
