"""Person."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.meshes import lathe
from ovseg_train.world.objects import palette
from ovseg_train.world.parts import Kit, Model, Surface


def person(rng: np.random.Generator) -> Model:
    """Someone standing or walking: head, hair, clothes, limbs; hats, skirts and vests vary."""
    kit = Kit("person")
    tall = rng.uniform(0.92, 1.08)
    skin = Surface(
        palette.pick(rng, (0.9, 0.72, 0.6), (0.75, 0.55, 0.42), (0.45, 0.3, 0.2), (0.3, 0.2, 0.14))
    )
    hair = Surface(
        palette.pick(rng, (0.1, 0.07, 0.05), (0.35, 0.22, 0.1), (0.7, 0.55, 0.3), (0.6, 0.6, 0.6))
    )
    vest = rng.random() < 0.25
    shirt = Surface((0.95, 0.85, 0.1) if vest else palette.any_colour(rng, (0.1, 0.9), (0.15, 0.9)))
    trousers = Surface(
        palette.pick(rng, (0.12, 0.15, 0.28), (0.1, 0.1, 0.1), (0.45, 0.4, 0.3), (0.3, 0.3, 0.33))
    )
    stride = rng.uniform(0.0, 0.3)
    hip, neck = 0.88 * tall, 1.45 * tall
    for side in (-1, 1):
        foot = np.array([side * stride, side * 0.11, 0.05])
        knee = np.array([side * stride * 0.6 + 0.05, side * 0.11, hip * 0.52])
        kit.rod((0, side * 0.1, hip), knee, 0.088, trousers)
        kit.rod(knee, foot + [0, 0, 0.06], 0.068, trousers)
        kit.ball(foot + [0.06, 0, 0.0], (0.15, 0.06, 0.055), palette.BLACK)
        shoulder = np.array([0, side * 0.22, neck - 0.1])
        elbow = shoulder + [-side * stride * 0.5, side * 0.07, -0.3 * tall]
        hand = elbow + [0.1 - side * stride * 0.3, 0, -0.24 * tall]
        kit.rod(shoulder, elbow, 0.06, shirt)
        kit.rod(elbow, hand, 0.048, skin if rng.random() < 0.5 else shirt)
        kit.ball(hand, (0.05, 0.04, 0.07), skin)
    kit.ball((0, 0, (hip + neck) / 2 + 0.05), (0.15, 0.22, (neck - hip) * 0.62), shirt)
    kit.ball((0, 0, hip), (0.14, 0.18, 0.16), trousers)
    if vest:
        for z in (0.35, 0.6):
            kit.ball((0, 0, hip + (neck - hip) * z), (0.16, 0.225, 0.03), palette.WHITE)
    kit.rod((0, 0, neck - 0.05), (0, 0, neck + 0.1), 0.06, skin)
    kit.ball((0.01, 0, neck + 0.2), (0.105, 0.085, 0.13), skin)
    kit.ball((-0.025, 0, neck + 0.235), (0.105, 0.092, 0.115), hair)
    if rng.random() < 0.3:
        hat = Surface((0.95, 0.6, 0.05) if vest else palette.any_colour(rng))
        kit.ball((0, 0, neck + 0.3), (0.125, 0.11, 0.075), hat)
    if rng.random() < 0.2:
        hem, waist = hip * 0.5, hip + 0.05
        skirt = lathe([(0, hem), (0.27, hem), (0.17, waist), (0, waist)], 12)
        kit.mesh(skirt, (0, 0, 0), Surface(palette.any_colour(rng)))
    if rng.random() < 0.3:
        kit.box((-0.2, 0, neck - 0.28), (0.1, 0.15, 0.22), Surface(palette.any_colour(rng)))
    return kit.model(0.35, 0.35)
