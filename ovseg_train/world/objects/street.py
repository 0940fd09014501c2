"""What stands on a pavement: poles, lights, signs, benches, bins, hydrants and mailboxes."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import extrude, lathe
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface, pitch, roll, yaw
from ovseg_train.world.textures import Rgb, corrugated, planks, stripes

RED: Rgb = (0.8, 0.06, 0.07)
YELLOW: Rgb = (0.97, 0.78, 0.08)


def pole(rng: np.random.Generator) -> Model:
    """A street lamp, a timber utility pole with cross-arms, or a flag-less mast."""
    kit = Kit("pole")
    kind, height = rng.integers(3), rng.uniform(4.2, 6.5)
    if kind == 1:
        surface = palette.rough(rng, palette.pick(rng, (0.35, 0.26, 0.18), (0.42, 0.38, 0.33)))
        kit.rod((0, 0, 0), (0, 0, height), rng.uniform(0.13, 0.18), surface, flat_ends=True)
        for z in (height - 0.4, height - 0.9):
            kit.rod((0, -0.9, z), (0, 0.9, z), 0.06, surface)
            for y in (-0.8, -0.4, 0.4, 0.8):
                kit.rod((0, y, z), (0, y, z + 0.18), 0.04, palette.WHITE)
        return kit.model(0.2, 0.2)
    surface = palette.metal(rng)
    radius = rng.uniform(0.08, 0.12)
    kit.rod((0, 0, 0), (0, 0, height), radius, surface, flat_ends=True)
    kit.rod((0, 0, 0), (0, 0, rng.uniform(0.4, 1.0)), radius * 1.6, surface, flat_ends=True)
    if kind == 2:
        kit.ball((0, 0, height), (radius * 1.6,) * 3, surface)
        return kit.model(0.2, 0.2)
    reach = rng.uniform(0.9, 1.7)
    kit.rod((0, 0, height), (reach, 0, height + 0.25), 0.06, surface)
    kit.box((reach, 0, height + 0.2), (0.4, 0.14, 0.08), surface)
    kit.box((reach, 0, height + 0.1), (0.34, 0.11, 0.03), Surface((1, 0.95, 0.8), glow=1.0))
    return kit.model(0.2, 0.2, (reach, 0, height + 0.05))


def _post(kit: Kit, rng: np.random.Generator, height: float, radius: float) -> None:
    """The carrier of a light or a sign; it is a pole, not part of what it carries."""
    surface = palette.metal(rng)
    kit.rod((0, 0, 0), (0, 0, height), radius, surface, flat_ends=True, noun="pole")


def traffic_light(rng: np.random.Generator) -> Model:
    """A three-lamp head with visors on a post; some carry a second head or a backing board."""
    kit = Kit("traffic light")
    height = rng.uniform(1.7, 2.6)
    _post(kit, rng, height, rng.uniform(0.06, 0.09))
    case = Surface(palette.pick(rng, (0.07, 0.07, 0.07), (0.08, 0.15, 0.1), (0.85, 0.65, 0.08)))
    facings = [0.0] if rng.random() < 0.4 else [0.0, np.pi if rng.random() < 0.6 else np.pi / 2]
    lit = int(rng.integers(3))
    for facing in facings:
        turn = yaw(facing)
        out = turn @ np.array([0.22, 0, 0])
        centre = out + [0, 0, height + 0.1]
        kit.box(centre, (0.16, 0.21, 0.56), case, turn)
        if rng.random() < 0.35:
            kit.box(centre - out * 0.6, (0.02, 0.34, 0.7), palette.BLACK, turn)
        colours: tuple[Rgb, ...] = ((0.95, 0.08, 0.06), (0.98, 0.65, 0.05), (0.1, 0.9, 0.35))
        for row, colour in enumerate(colours):
            on = row == lit
            dim: Rgb = tuple(0.28 * c for c in colour)  # type: ignore[assignment]
            lens = Surface(colour if on else dim, glow=1.0 if on else 0.0)
            at = centre + turn @ np.array([0.17, 0, 0.35 - 0.35 * row])
            kit.ball(at, (0.04, 0.13, 0.13), lens, turn)
            kit.box(at + turn @ np.array([0.09, 0, 0.15]), (0.1, 0.14, 0.012), case, turn)
    return kit.model(0.45, 0.35)


def traffic_sign(rng: np.random.Generator) -> Model:
    """A round, triangular, octagonal, diamond or oblong board with a symbol, on a post."""
    kit = Kit("traffic sign")
    height = rng.uniform(1.5, 2.3)
    _post(kit, rng, height + 0.25, 0.045)
    _board(kit, rng, height, 0.07)
    if rng.random() < 0.35:
        _board(kit, rng, height - rng.uniform(0.85, 0.95), 0.07)
    return kit.model(0.3, 0.45)


def _board(kit: Kit, rng: np.random.Generator, z: float, x: float) -> None:
    """One sign face towards +x with a rim, a field and a symbol."""
    sides, spin = ((24, 0.0), (3, np.pi / 2), (8, np.pi / 8), (4, np.pi / 2), (4, np.pi / 4))[
        rng.integers(5)
    ]
    radius = rng.uniform(0.4, 0.55)
    rim, field, mark = (
        (RED, (0.95, 0.95, 0.94), (0.08, 0.08, 0.08)),
        (RED, RED, (0.95, 0.95, 0.94)),
        ((0.93, 0.93, 0.93), (0.08, 0.25, 0.65), (0.95, 0.95, 0.95)),
        ((0.08, 0.08, 0.08), YELLOW, (0.06, 0.06, 0.06)),
        ((0.93, 0.93, 0.93), (0.05, 0.4, 0.2), (0.95, 0.95, 0.95)),
    )[rng.integers(5)]
    back = Surface((0.5, 0.5, 0.5))
    for layer, (scale, colour) in enumerate(((1.0, rim), (0.8, field))):
        angles = spin + np.arange(sides) * 2 * np.pi / sides
        polygon = [(radius * scale * np.cos(a), radius * scale * np.sin(a)) for a in angles]
        turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
        kit.mesh(
            extrude(polygon, 0.03), (x + 0.014 * layer, 0, z), Surface(colour, shine=0.3), turn
        )
    kit.box((x - 0.02, 0, z), (0.012, radius * 0.6, radius * 0.45), back)
    symbol = Surface(mark)
    if rng.random() < 0.5:
        kit.box((x + 0.03, 0, z), (0.012, radius * rng.uniform(0.3, 0.5), 0.06), symbol)
    else:
        kit.box((x + 0.03, 0, z), (0.012, 0.05, radius * 0.42), symbol)
        kit.box((x + 0.03, 0.09, z + 0.05), (0.012, 0.09, 0.045), symbol)


def bench(rng: np.random.Generator) -> Model:
    """A seat of slats on metal, timber or stone legs, with or without a back."""
    kit = Kit("bench")
    half, seat = rng.uniform(0.7, 1.0), rng.uniform(0.42, 0.48)
    slat = Surface(palette.wood(rng) if rng.random() < 0.75 else palette.any_colour(rng))
    leg = palette.metal(rng) if rng.random() < 0.7 else palette.rough(rng, (0.6, 0.58, 0.55))
    for y in (-0.17, -0.02, 0.13):
        kit.box((0, y, seat), (half, 0.065, 0.025), slat)
    has_back = rng.random() < 0.75
    for x in (-half * 0.75, half * 0.75):
        kit.box((x, -0.02, seat / 2), (0.05, 0.2, seat / 2 - 0.02), leg)
        if has_back:
            kit.rod((x, 0.2, seat), (x, 0.3, seat + 0.48), 0.03, leg)
    if has_back:
        for z in (0.14, 0.28, 0.42):
            kit.box((0, 0.19 + 0.22 * z, seat + z), (half, 0.02, 0.055), slat, roll(-0.2))
    return kit.model(half, 0.35)


def trash_can(rng: np.random.Generator) -> Model:
    """A wheeled bin, a litter basket on a stand, a swing-lid drum, or a four-wheel container."""
    kit = Kit("trash can")
    kind = rng.integers(4)
    colour = palette.pick(
        rng,
        (0.12, 0.32, 0.16),
        (0.15, 0.15, 0.16),
        (0.1, 0.2, 0.45),
        (0.45, 0.35, 0.1),
        (0.45, 0.46, 0.47),
    )
    body, lid = Surface(colour, shine=0.2), Surface(palette.near(rng, colour, 0.15))
    if kind == 0:
        tub = [(-0.24, 0.06), (0.24, 0.06), (0.31, 0.95), (-0.31, 0.95)]
        kit.mesh(extrude(tub, 0.52), (0, 0, 0), body)
        kit.box((0.02, 0, 0.98), (0.35, 0.29, 0.04), lid, pitch(0.12))
        kit.rod((-0.36, -0.2, 0.95), (-0.36, 0.2, 0.95), 0.03, lid)
        for y in (-0.24, 0.24):
            kit.rod((-0.25, y, 0.11), (-0.25, y * 1.2, 0.11), 0.11, palette.RUBBER, flat_ends=True)
        return kit.model(0.4, 0.32)
    if kind == 1:
        texture = corrugated(rng, colour, 14, 64)
        kit.mesh(
            lathe([(0, 0.05), (0.2, 0.05), (0.27, 0.8), (0.3, 0.82), (0.25, 0.84), (0, 0.7)]),
            (0, 0, 0),
            Surface(texture=texture),
        )
        kit.mesh(
            lathe([(0, 0.83), (0.2, 0.83), (0.2, 0.845), (0, 0.845)]), (0, 0, 0), palette.BLACK
        )
        return kit.model(0.3, 0.3)
    if kind == 2:
        kit.mesh(
            lathe([(0, 0), (0.28, 0), (0.28, 0.8), (0.25, 0.95), (0.12, 1.05), (0, 1.08)]),
            (0, 0, 0),
            body,
        )
        kit.mesh(lathe([(0, 0.78), (0.3, 0.78), (0.3, 0.83), (0, 0.83)]), (0, 0, 0), palette.CHROME)
        kit.box((0.24, 0, 0.91), (0.04, 0.13, 0.06), palette.BLACK, pitch(-0.3))
        return kit.model(0.3, 0.3)
    tub = [(-0.5, 0.18), (0.5, 0.18), (0.62, 1.1), (-0.62, 1.1)]
    kit.mesh(extrude(tub, 0.95), (0, 0, 0), body)
    kit.box((0, 0, 1.15), (0.66, 0.5, 0.06), lid)
    for x in (-0.42, 0.42):
        for y in (-0.35, 0.35):
            kit.rod((x, y, 0.1), (x, y * 1.1, 0.1), 0.1, palette.RUBBER, flat_ends=True)
    return kit.model(0.66, 0.5)


def fire_hydrant(rng: np.random.Generator) -> Model:
    """A barrel with a flange, a dome, and capped outlets to three sides."""
    kit = Kit("fire hydrant")
    size = rng.uniform(1.0, 1.3)
    body = Surface(
        palette.pick(
            rng, (0.8, 0.1, 0.08), (0.8, 0.1, 0.08), (0.95, 0.7, 0.08), (0.85, 0.85, 0.85)
        ),
        shine=0.3,
    )
    caps = body if rng.random() < 0.5 else Surface(palette.any_colour(rng), shine=0.3)
    profile = [
        (0, 0),
        (0.2, 0),
        (0.2, 0.06),
        (0.13, 0.07),
        (0.13, 0.5),
        (0.18, 0.51),
        (0.18, 0.57),
        (0.14, 0.58),
    ]
    kit.mesh(
        lathe([(r * size, z * size) for r, z in profile] + [(0, 0.58 * size)]), (0, 0, 0), body
    )
    dome = [
        (0, 0.57),
        (0.15, 0.57),
        (0.14, 0.65),
        (0.09, 0.72),
        (0.045, 0.74),
        (0.045, 0.8),
        (0, 0.8),
    ]
    kit.mesh(lathe([(r * size, z * size) for r, z in dome]), (0, 0, 0), caps)
    for direction, radius in (((1, 0, 0), 0.085), ((0, 1, 0), 0.065), ((0, -1, 0), 0.065)):
        out = np.asarray(direction, float) * size
        up = np.array([0, 0, 0.4 * size])
        kit.rod(up, up + out * 0.2, radius * size, body, flat_ends=True)
        kit.rod(up + out * 0.2, up + out * 0.24, radius * size * 1.2, caps, flat_ends=True)
    return kit.model(0.28, 0.28)


def mailbox(rng: np.random.Generator) -> Model:
    """A domed box on a post with a flag, a street collection box, or a round pillar box."""
    kit = Kit("mailbox")
    kind = rng.integers(3)
    colour = palette.pick(
        rng, (0.1, 0.2, 0.5), (0.75, 0.08, 0.08), (0.95, 0.75, 0.08), (0.6, 0.61, 0.62)
    )
    body = Surface(colour, shine=0.3)
    dome = [(0.16 * np.cos(a), 0.16 * np.sin(a)) for a in np.linspace(0, np.pi, 9)]
    if kind == 0:
        post = Surface(texture=planks(rng, palette.wood(rng), 3))
        kit.box((0, 0, 0.5), (0.07, 0.07, 0.5), post)
        kit.box((0, 0, 1.0), (0.3, 0.06, 0.04), post)
        shell = [(-0.18, 1.04), (0.18, 1.04), (0.18, 1.24)]
        shell += [(1.1 * x, 1.24 + 0.9 * z) for x, z in dome[1:]]
        turn = yaw(np.pi / 2)
        kit.mesh(extrude(shell, 0.62), (0, 0, 0), body, turn)
        kit.mesh(
            extrude([(x * 0.9, z * 0.97 + 0.03) for x, z in shell], 0.66),
            (0, 0, 0),
            Surface(palette.near(rng, (0.75, 0.75, 0.75))),
            turn,
        )
        kit.box((0.1, 0.21, 1.36), (0.02, 0.012, 0.14), Surface(RED))
        kit.box((0.16, 0.21, 1.46), (0.07, 0.012, 0.045), Surface(RED))
        return kit.model(0.36, 0.24)
    if kind == 1:
        shell = [(-0.28, 0.14), (0.28, 0.14), (0.28, 0.98)]
        shell += [(1.75 * x, 0.98 + 1.5 * z) for x, z in dome[1:]]
        kit.mesh(extrude(shell, 0.56), (0, 0, 0), body)
        for x in (-0.23, 0.23):
            for y in (-0.23, 0.23):
                kit.box((x, y, 0.07), (0.03, 0.03, 0.08), palette.BLACK)
        kit.box((0.27, 0, 1.02), (0.03, 0.2, 0.05), palette.BLACK)
        kit.box((0.285, 0, 0.72), (0.01, 0.15, 0.1), palette.WHITE)
        return kit.model(0.32, 0.32)
    profile = [
        (0, 0),
        (0.27, 0),
        (0.27, 0.1),
        (0.23, 0.12),
        (0.23, 1.15),
        (0.28, 1.18),
        (0.27, 1.26),
        (0.15, 1.36),
        (0, 1.38),
    ]
    kit.mesh(lathe(profile), (0, 0, 0), body)
    kit.box((0.22, 0, 1.02), (0.03, 0.13, 0.025), palette.BLACK)
    kit.box((0.222, 0, 0.82), (0.02, 0.09, 0.11), palette.WHITE)
    band = Surface(texture=stripes((colour, (0.9, 0.9, 0.9)), 2))
    kit.box((0, 0, 0.05), (0.29, 0.29, 0.04), band)
    return kit.model(0.32, 0.32)
