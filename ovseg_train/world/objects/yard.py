"""What is left about: cones, tyres, ladders, chairs and tents."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import extrude, lathe, torus
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface, pitch, roll, yaw
from ovseg_train.world.textures import Rgb, speckled, stripes


def traffic_cone(rng: np.random.Generator) -> Model:
    """An orange cone with white bands on a square foot; sometimes knocked over."""
    kit = Kit("traffic cone")
    height, base = rng.uniform(0.7, 1.05), rng.uniform(0.22, 0.3)
    orange = Surface(palette.pick(rng, (0.98, 0.38, 0.05), (0.95, 0.25, 0.08)))
    fallen = rng.random() < 0.12
    turn = pitch(np.pi / 2 - base / height) if fallen else np.eye(3)
    lift = np.array([0, 0, base if fallen else 0.0])
    foot = orange if rng.random() < 0.5 else palette.BLACK
    kit.box(lift + turn @ np.array([0, 0, 0.02]), (base * 1.25, base * 1.25, 0.025), foot, turn)
    edges = [0.0, 0.3, 0.5, 0.62, 0.8, 1.0]
    for band, (low, high) in enumerate(zip(edges, edges[1:], strict=False)):
        radii = [base * (1 - 0.85 * f) for f in (low, high)]
        slice_m = lathe(
            [
                (0, low * height),
                (radii[0], low * height),
                (radii[1], high * height),
                (0, high * height),
            ]
        )
        kit.mesh(slice_m, lift, palette.WHITE if band in (1, 3) else orange, turn)
    return kit.model(height if fallen else base, base * 1.25)


def tire(rng: np.random.Generator) -> Model:
    """Car or lorry tyres without a rim: a stack, one standing, or one lying."""
    kit = Kit("tire")
    radius = rng.uniform(0.33, 0.52)
    tube, width = radius * 0.42, radius * 0.55
    rubber = Surface(
        texture=speckled(rng, palette.pick(rng, (0.09, 0.09, 0.1), (0.16, 0.15, 0.15)), 0.3)
    )
    ring = torus(radius, tube, width)
    kind = rng.integers(3)
    if kind == 0:
        kit.mesh(ring, (0, 0, radius), rubber, yaw(rng.uniform(-0.3, 0.3)) @ roll(np.pi / 2 - 0.12))
        if rng.random() < 0.5:
            kit.mesh(ring, (0.15, 0.4, radius), rubber, roll(np.pi / 2 - 0.25))
        return kit.model(radius, radius * 0.8)
    for level in range(int(rng.integers(3, 6)) if kind == 1 else int(rng.integers(1, 3))):
        offset = rng.normal(0, 0.03, 2)
        kit.mesh(ring, (*offset, width / 2 + level * width * 0.97), rubber)
    if rng.random() < 0.4:
        kit.mesh(ring, (radius * 2.0, 0.1, width / 2), rubber)
    return kit.model(radius, radius)


def ladder(rng: np.random.Generator) -> Model:
    """Two rails with rungs: a step ladder, or a straight one leaning on a prop."""
    kit = Kit("ladder")
    colour = palette.pick(
        rng, (0.78, 0.79, 0.8), (0.85, 0.6, 0.1), (0.6, 0.42, 0.24), (0.8, 0.25, 0.1)
    )
    surface = Surface(colour, shine=0.3)
    length, half = rng.uniform(1.9, 3.0), rng.uniform(0.22, 0.3)
    double = rng.random() < 0.6
    lean = rng.uniform(0.25, 0.33)
    for side in (1, -1) if double else (1,):
        foot = np.array([side * length * np.sin(lean), 0, 0.0])
        top = np.array([0, 0, length * np.cos(lean)])
        turn = pitch(-side * lean)
        for y in (-half, half):
            kit.box((foot + top) / 2 + [0, y * 1.05, 0], (0.022, 0.04, length / 2), surface, turn)
        for f in np.arange(0.3, length - 0.15, 0.3) / length:
            rung = foot + (top - foot) * f
            kit.box(rung, (0.05, half, 0.024), surface, turn)
    if not double:
        kit.rod((0, -half, 0), (0, -half, length * 0.9), 0.03, surface)
        kit.rod((0, half, 0), (0, half, length * 0.9), 0.03, surface)
    else:
        kit.box((0, 0, length * np.cos(lean)), (0.1, half + 0.06, 0.035), surface)
    return kit.model(length * np.sin(lean) + 0.05, half + 0.1)


def chair(rng: np.random.Generator) -> Model:
    """Four legs, a seat and a back; some with armrests, some of moulded plastic."""
    kit = Kit("chair")
    seat, half = rng.uniform(0.43, 0.5), rng.uniform(0.22, 0.28)
    back = rng.uniform(0.42, 0.6)
    shell = Surface(
        palette.wood(rng)
        if rng.random() < 0.4
        else palette.pick(
            rng,
            (0.92, 0.92, 0.9),
            (0.75, 0.15, 0.12),
            (0.1, 0.35, 0.6),
            (0.15, 0.45, 0.25),
            (0.1, 0.1, 0.1),
        )
    )
    legs = shell if rng.random() < 0.6 else palette.CHROME
    for x in (-half, half):
        for y in (-half, half):
            kit.rod((x * 0.85, y * 0.85, seat), (x, y, 0.02), 0.026, legs)
    kit.box((0, 0, seat), (half, half, 0.03), shell)
    lean = pitch(-0.15)
    if rng.random() < 0.5:
        kit.box((-half - 0.05, 0, seat + back * 0.6), (0.02, half, back * 0.42), shell, lean)
    else:
        for z in np.linspace(0.3, 1.0, 3) * back:
            kit.box((-half - 0.15 * z, 0, seat + z), (0.02, half, 0.05), shell, lean)
    for y in (-half * 0.93, half * 0.93):
        kit.rod((-half, y, seat), (-half - 0.15 * back, y, seat + back), 0.024, legs)
    if rng.random() < 0.45:
        for y in (-half, half):
            kit.box((0, y * 1.05, seat + 0.22), (half, 0.03, 0.02), shell)
            kit.rod((half * 0.8, y, seat), (half * 0.8, y * 1.05, seat + 0.22), 0.022, legs)
    return kit.model(half + 0.1, half + 0.05)


def tent(rng: np.random.Generator) -> Model:
    """A ridge tent or a dome with poles and a dark door."""
    kit = Kit("tent")
    colour = palette.pick(
        rng,
        (0.9, 0.45, 0.1),
        (0.15, 0.4, 0.65),
        (0.3, 0.5, 0.2),
        (0.8, 0.2, 0.15),
        (0.75, 0.68, 0.5),
        (0.55, 0.2, 0.55),
    )
    second: Rgb = palette.near(rng, colour, 0.2)
    cloth = Surface(texture=stripes((colour, second), int(rng.integers(2, 5)), 128))
    turn = yaw(np.pi / 2)
    if rng.random() < 0.55:
        half, length, height = rng.uniform(0.85, 1.2), rng.uniform(1.9, 2.6), rng.uniform(1.2, 1.7)
        kit.mesh(
            extrude([(-half, 0), (half, 0), (0.04, height), (-0.04, height)], length),
            (0, 0, 0),
            cloth,
            turn,
        )
        door = [(-half * 0.45, 0.02), (half * 0.45, 0.02), (0, height * 0.82)]
        kit.mesh(extrude(door, length + 0.03), (0, 0, 0), Surface((0.08, 0.08, 0.09)), turn)
        rope = Surface((0.85, 0.85, 0.8))
        for x in (-1, 1):
            end = x * length / 2
            kit.rod((end, 0, 0), (end + x * 0.03, 0, height + 0.08), 0.025, palette.CHROME)
            kit.rod((end, 0, height), (end + x * 0.7, 0, 0), 0.012, rope)
        return kit.model(length / 2 + 0.4, half)
    radius, height = rng.uniform(1.0, 1.35), rng.uniform(1.1, 1.45)
    arc = np.linspace(0, np.pi / 2, 7)
    kit.mesh(
        lathe([(0, 0)] + [(radius * np.cos(a), height * np.sin(a)) for a in arc], 20),
        (0, 0, 0),
        cloth,
    )
    kit.ball(
        (radius * 0.55, 0, 0.15),
        (radius * 0.48, radius * 0.4, height * 0.6),
        Surface((0.08, 0.08, 0.09)),
    )
    for heading in (0.4, 1.97):
        ends = [
            yaw(heading) @ np.array([radius * 1.01 * np.cos(a), 0, height * 1.01 * np.sin(a)])
            for a in np.linspace(0, np.pi, 11)
        ]
        for a, b in zip(ends, ends[1:], strict=False):
            kit.rod(a, b, 0.02, Surface(second))
    return kit.model(radius, radius)
