"""Colours that the builders draw from."""

from __future__ import annotations

from colorsys import hsv_to_rgb

import numpy as np

from ovseg_train.world.parts import Surface
from ovseg_train.world.textures import Rgb, speckled

RUBBER = Surface((0.06, 0.06, 0.065))
GLASS = Surface((0.10, 0.14, 0.18), shine=0.8)
CHROME = Surface((0.7, 0.71, 0.73), shine=0.8)
BLACK = Surface((0.05, 0.05, 0.05))
WHITE = Surface((0.93, 0.93, 0.92))
HEADLAMP = Surface((0.95, 0.95, 0.85), glow=0.6)
TAIL_LAMP = Surface((0.75, 0.05, 0.05), glow=0.45)


def any_colour(
    rng: np.random.Generator,
    saturation: tuple[float, float] = (0.3, 0.9),
    value: tuple[float, float] = (0.3, 0.9),
) -> Rgb:
    """A colour of any hue."""
    return hsv_to_rgb(rng.random(), rng.uniform(*saturation), rng.uniform(*value))


def near(rng: np.random.Generator, base: Rgb, spread: float = 0.06) -> Rgb:
    """A colour close to the base."""
    shade = rng.normal(1, spread * 1.5)
    mixed = np.clip(np.asarray(base) * shade + rng.normal(0, spread / 2, 3), 0.02, 1)
    return (float(mixed[0]), float(mixed[1]), float(mixed[2]))


def pick(rng: np.random.Generator, *options: Rgb) -> Rgb:
    """One of the options, slightly varied."""
    return near(rng, options[int(rng.integers(len(options)))])


def wood(rng: np.random.Generator) -> Rgb:
    """Raw, stained, weathered or dark timber."""
    return pick(rng, (0.62, 0.45, 0.27), (0.5, 0.33, 0.18), (0.52, 0.48, 0.43), (0.3, 0.19, 0.11))


def paint(rng: np.random.Generator) -> Surface:
    """Vehicle paint: mostly white, grey and black, else any colour."""
    if rng.random() < 0.5:
        grey = rng.choice([0.9, 0.72, 0.45, 0.12])
        return Surface(near(rng, (grey, grey, grey * 1.02), 0.03), shine=0.6)
    return Surface(any_colour(rng, (0.6, 0.95), (0.35, 0.8)), shine=0.6)


def metal(rng: np.random.Generator) -> Surface:
    """Galvanised, dark green, black or grey painted steel."""
    options: tuple[Rgb, ...] = (
        (0.6, 0.61, 0.62),
        (0.12, 0.22, 0.16),
        (0.1, 0.1, 0.11),
        (0.4, 0.41, 0.43),
    )
    return Surface(pick(rng, *options), shine=0.3)


def rough(rng: np.random.Generator, base: Rgb, contrast: float = 0.4) -> Surface:
    """A stony or rusty surface of a colour."""
    return Surface(texture=speckled(rng, base, contrast))
