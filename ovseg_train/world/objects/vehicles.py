"""Car, truck, bus and bicycle."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import extrude, torus
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface, roll
from ovseg_train.world.textures import corrugated, windows_band


def _wheel(kit: Kit, x: float, y: float, radius: float, width: float) -> None:
    """A tyre with a bright rim, axle along y."""
    side = np.sign(y)
    kit.rod((x, y - side * width, radius), (x, y, radius), radius, palette.RUBBER, flat_ends=True)
    hub = y + side * 0.012
    kit.rod((x, y, radius), (x, hub, radius), radius * 0.62, palette.CHROME, flat_ends=True)


def _axles(kit: Kit, at: tuple[float, ...], half_width: float, radius: float) -> None:
    for x in at:
        for side in (-1, 1):
            _wheel(kit, x, side * half_width, radius, 0.22)


def _lamps(kit: Kit, front: float, rear: float, half_width: float, height: float) -> None:
    for side in (-1, 1):
        y = side * half_width * 0.72
        kit.box((front, y, height), (0.03, 0.17, 0.08), palette.HEADLAMP)
        kit.box((rear, y, height + 0.08), (0.03, 0.14, 0.09), palette.TAIL_LAMP)
        kit.box((front, 0, height - 0.16), (0.025, 0.3, 0.06), palette.BLACK)


def car(rng: np.random.Generator) -> Model:
    """A hatchback, saloon, estate or van with a glazed cabin, wheels and lamps."""
    kit = Kit("car")
    half, width = rng.uniform(1.85, 2.35), rng.uniform(1.65, 1.9)
    belt, roof = rng.uniform(0.82, 0.95), rng.uniform(1.38, 1.55)
    style = rng.integers(4)
    rear_roof, rear_glass = ((-0.55, -0.8), (-0.35, -0.62), (-0.85, -0.97), (-0.9, -0.98))[style]
    if style == 3:
        belt, roof = belt + 0.1, roof + 0.4
    body = palette.paint(rng)
    low, lip = 0.26, rng.uniform(0.58, 0.7)
    kit.mesh(
        extrude(
            [
                (-half, low),
                (half, low),
                (half, lip),
                (half * 0.93, lip + 0.1),
                (half * 0.42, belt),
                (-half * 0.98, belt),
                (-half, lip),
            ],
            width,
        ),
        (0, 0, 0),
        body,
    )
    glass_top = roof - 0.04
    cabin = [
        (rear_glass * half, belt),
        (0.48 * half, belt),
        (0.14 * half, glass_top),
        (rear_roof * half, glass_top),
    ]
    kit.mesh(extrude(cabin, width * 0.95, 0.86), (0, 0, 0), palette.GLASS)
    kit.box(
        ((0.14 + rear_roof) / 2 * half, 0, roof - 0.02),
        ((0.14 - rear_roof) / 2 * half, width * 0.42, 0.04),
        body,
    )
    for x in (0.0, 0.47 * rear_roof, rear_roof * 0.95):
        lean = [
            (x * half - 0.05, belt),
            (x * half + 0.05, belt),
            (x * half + 0.04, glass_top),
            (x * half - 0.04, glass_top),
        ]
        kit.mesh(extrude(lean, width * 0.96, 0.87), (0, 0, 0), body)
    _axles(kit, (-0.62 * half, 0.64 * half), width / 2 + 0.01, rng.uniform(0.3, 0.35))
    _lamps(kit, half, -half, width / 2, lip)
    for side in (-1, 1):
        kit.box((0.4 * half, side * (width / 2 + 0.08), belt + 0.06), (0.06, 0.1, 0.07), body)
    return kit.model(half, width / 2)


def truck(rng: np.random.Generator) -> Model:
    """A cab with a box, tipper or flat bed behind it."""
    kit = Kit("truck")
    half, width, chassis = rng.uniform(2.7, 3.7), 2.2, 0.75
    cab_length, cab_top = rng.uniform(1.4, 1.8), rng.uniform(2.2, 2.7)
    front = half
    paint = palette.paint(rng)
    nose = front - cab_length
    kit.mesh(
        extrude(
            [(nose, 0.45), (front, 0.45), (front, 1.35), (front - 0.25, cab_top), (nose, cab_top)],
            width,
        ),
        (0, 0, 0),
        paint,
    )
    pane_z = (1.4 + cab_top) / 2
    lean = [
        (front - 0.02, 1.42),
        (front + 0.03, 1.42),
        (front - 0.17, cab_top - 0.12),
        (front - 0.22, cab_top - 0.12),
    ]
    kit.mesh(extrude(lean, width * 0.88), (0, 0, 0), palette.GLASS)
    for side in (-1, 1):
        kit.box(
            (front - cab_length * 0.5, side * width / 2, pane_z),
            (cab_length * 0.28, 0.02, (cab_top - 1.5) * 0.42),
            palette.GLASS,
        )
        kit.box((front - 0.05, side * (width / 2 + 0.14), pane_z), (0.05, 0.09, 0.2), palette.BLACK)
    kit.box(((nose - half) / 2, 0, chassis), ((nose + half) / 2, width * 0.35, 0.12), palette.BLACK)
    _cargo(kit, rng, -half, nose - 0.1, width, chassis + 0.12)
    axles = (front - cab_length * 0.55, -half * 0.55, -half * 0.82)
    _axles(kit, axles[: rng.integers(2, 4)], width / 2, 0.48)
    _lamps(kit, front + 0.01, -half - 0.02, width / 2, 0.75)
    return kit.model(half, width / 2)


def _cargo(
    kit: Kit, rng: np.random.Generator, rear: float, front: float, width: float, floor: float
) -> None:
    """A closed box, an open tipper, or a canvas tilt."""
    middle, half = (rear + front) / 2, (front - rear) / 2
    kind = rng.integers(3)
    if kind == 0:
        height = rng.uniform(0.9, 1.15)
        body = Surface(
            palette.pick(rng, (0.9, 0.9, 0.88), (0.85, 0.83, 0.75), palette.any_colour(rng))
        )
        kit.box((middle, 0, floor + height), (half, width / 2, height), body)
        kit.box(
            (middle, 0, floor + height),
            (half * 0.6, width / 2 + 0.01, height * 0.35),
            Surface(palette.any_colour(rng)),
        )
        return
    if kind == 1:
        steel = palette.rough(
            rng, palette.pick(rng, (0.75, 0.5, 0.1), (0.3, 0.35, 0.4), (0.6, 0.2, 0.12))
        )
        for side in (-1, 1):
            kit.box((middle, side * width / 2, floor + 0.45), (half, 0.05, 0.45), steel)
        for x in (rear, front):
            kit.box((x, 0, floor + 0.5), (0.05, width / 2, 0.5), steel)
        load = palette.rough(rng, (0.45, 0.38, 0.28))
        kit.ball((middle, 0, floor + 0.6), (half * 0.95, width * 0.47, 0.55), load)
        return
    canvas = Surface(palette.pick(rng, (0.25, 0.32, 0.22), (0.2, 0.3, 0.5), (0.6, 0.55, 0.42)))
    shell = [
        (-width / 2, floor),
        (width / 2, floor),
        (width / 2, floor + 1.4),
        (width * 0.3, floor + 1.8),
        (-width * 0.3, floor + 1.8),
        (-width / 2, floor + 1.4),
    ]
    turn = np.array([[0.0, -1.0, 0.0], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]])
    kit.mesh(extrude(shell, 2 * half), (middle, 0, 0), canvas, turn)


def bus(rng: np.random.Generator) -> Model:
    """A long body with a band of windows, doors, wheels and a lit destination sign."""
    kit = Kit("bus")
    half, width, height = rng.uniform(3.6, 5.0), 2.4, rng.uniform(2.7, 3.1)
    body = palette.pick(
        rng,
        (0.85, 0.15, 0.12),
        (0.95, 0.75, 0.1),
        (0.12, 0.4, 0.65),
        (0.9, 0.9, 0.88),
        (0.1, 0.5, 0.3),
        (0.9, 0.45, 0.1),
    )
    side = Surface(texture=windows_band(rng, body, int(rng.integers(5, 8))), shine=0.4)
    base = 0.35
    kit.box((0, 0, (height + base) / 2), (half, width / 2, (height - base) / 2), side)
    plain = Surface(body, shine=0.4)
    kit.box((0, 0, height + 0.04), (half * 0.95, width * 0.42, 0.1), plain)
    kit.box((half, 0, 1.75), (0.03, width * 0.45, 0.6), palette.GLASS)
    kit.box(
        (half + 0.01, 0, height - 0.25),
        (0.03, width * 0.3, 0.13),
        Surface((0.95, 0.6, 0.1), glow=0.6),
    )
    kit.box((half, 0, 0.75), (0.02, width * 0.5, 0.38), plain)
    kit.box((-half, 0, 1.9), (0.03, width * 0.4, 0.4), palette.GLASS)
    kit.box((-half, 0, 0.95), (0.02, width * 0.5, 0.5), plain)
    for x in (half * 0.82, -half * 0.1):
        kit.box((x, -width / 2, 1.25), (0.42, 0.02, 0.85), palette.GLASS)
    _axles(kit, (half * 0.58, -half * 0.58), width / 2 + 0.01, 0.47)
    _lamps(kit, half + 0.02, -half - 0.02, width / 2, 0.65)
    return kit.model(half, width / 2)


def bicycle(rng: np.random.Generator) -> Model:
    """Two wheels, a diamond or step-through frame, handlebar and saddle; sometimes a basket."""
    kit = Kit("bicycle")
    radius, base = rng.uniform(0.31, 0.36), rng.uniform(0.5, 0.56)
    frame = Surface(palette.any_colour(rng, (0.5, 1.0), (0.2, 0.85)), shine=0.5)
    tyre = torus(radius, 0.055, 0.05)
    for x in (-base, base):
        kit.mesh(tyre, (x, 0, radius), palette.RUBBER, roll(np.pi / 2))
        kit.rod((x, -0.05, radius), (x, 0.05, radius), 0.035, palette.CHROME)
        for angle in np.arange(3) * np.pi / 3 + rng.uniform(0, 1):
            spoke = np.array([np.cos(angle), 0, np.sin(angle)]) * (radius - 0.04)
            centre = np.array([x, 0, radius])
            kit.rod(centre - spoke, centre + spoke, 0.006, palette.CHROME)
    tube = rng.uniform(0.022, 0.03)
    crank, seat = np.array([-0.08, 0, radius - 0.03]), np.array([-0.2, 0, radius + 0.5])
    head = np.array([base - 0.2, 0, radius + 0.5])
    rear, front = (-base, 0, radius), (base, 0, radius)
    top = seat * 0.55 + crank * 0.45 if rng.random() < 0.4 else seat * 0.9 + crank * 0.1
    for a, b in (
        (crank, seat),
        (crank, head),
        (top, head),
        (crank, rear),
        (top, rear),
        (head, front),
    ):
        kit.rod(a, b, tube, frame)
    bar = head + [-0.04, 0, 0.14]
    kit.rod(head, bar, tube * 0.8, palette.CHROME)
    kit.rod(bar + [0, -0.28, 0], bar + [0, 0.28, 0], 0.018, palette.BLACK)
    kit.ball(seat + [0, 0, 0.1], (0.15, 0.08, 0.04), palette.BLACK)
    kit.rod(seat, seat + [0, 0, 0.08], 0.018, palette.CHROME)
    kit.rod(crank + [0, -0.1, -0.15], crank + [0, 0.1, 0.15], 0.018, palette.BLACK)
    if rng.random() < 0.4:
        kit.box(
            head + [0.16, 0, 0.1],
            (0.15, 0.17, 0.11),
            Surface(texture=corrugated(rng, palette.wood(rng), 8, 32)),
        )
    if rng.random() < 0.5:
        kit.rod(
            (-base - 0.2, 0, 2 * radius + 0.06),
            (-base + 0.35, 0, 2 * radius + 0.06),
            0.03,
            palette.BLACK,
        )
    return kit.model(base + radius, 0.3)
