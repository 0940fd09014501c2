"""Looks: the light, the sky and the air of a scene. All of them are synthetic."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum

import numpy as np

from ovseg_train.world.textures import Rgb, noise


class Look(Enum):
    """Named appearances; the value is the domain written to items.json and to the bag."""

    DAY = "day"
    DUSK = "dusk"
    FOG = "fog"
    NIGHT = "night"
    RAIN = "rain"


USUAL_LOOKS = (Look.DAY, Look.DUSK, Look.FOG, Look.NIGHT)
"""What is rendered where nothing else is asked for: the embedded model has not seen rain."""


@dataclass(frozen=True)
class Atmosphere:
    """One draw of a look.

    Attributes:
        sun_direction: unit vector from the sun to the ground.
        sun_rgb, ambient_rgb: light in MuJoCo's units, 1 = full white.
        zenith_rgb, horizon_rgb: sky colours, 0..1.
        cloud: cover 0..1.
        fog_per_m: extinction of the air.
        exposure: gain on linear light.
        lamp_gain: strength of the camera headlight and street lamps; 0 = off.
        noise: standard deviation of sensor noise at full exposure, 0..1.
        blur_px: standard deviation of the lens blur.
    """

    look: Look
    sun_direction: tuple[float, float, float]
    sun_rgb: Rgb
    ambient_rgb: Rgb
    zenith_rgb: Rgb
    horizon_rgb: Rgb
    cloud: float
    fog_per_m: float
    exposure: float
    lamp_gain: float
    noise: float
    blur_px: float


def _sun(rng: np.random.Generator, low_deg: float, high_deg: float) -> tuple[float, float, float]:
    height, around = np.radians(rng.uniform(low_deg, high_deg)), rng.uniform(0, 2 * np.pi)
    flat = np.cos(height)
    return (float(flat * np.cos(around)), float(flat * np.sin(around)), float(-np.sin(height)))


def _grey(value: float, tint: Rgb = (1.0, 1.0, 1.0)) -> Rgb:
    return (value * tint[0], value * tint[1], value * tint[2])


def _day(rng: np.random.Generator) -> Atmosphere:
    """Clear to overcast, with shadows."""
    cloud = rng.uniform(0, 0.9)
    sun = 0.75 - 0.5 * max(0.0, cloud - 0.4)
    return Atmosphere(
        look=Look.DAY,
        sun_direction=_sun(rng, 30, 70),
        sun_rgb=_grey(sun, (1.0, 0.97, 0.9)),
        ambient_rgb=_grey(rng.uniform(0.42, 0.55), (0.97, 1.0, 1.05)),
        zenith_rgb=(0.25, 0.45, 0.8),
        horizon_rgb=(0.75, 0.84, 0.93),
        cloud=cloud,
        fog_per_m=rng.uniform(0.0, 0.004),
        exposure=rng.uniform(0.8, 1.25),
        lamp_gain=0.0,
        noise=rng.uniform(0.004, 0.015),
        blur_px=rng.uniform(0.0, 0.6),
    )


def _dusk(rng: np.random.Generator) -> Atmosphere:
    """A low warm sun, long shadows, lamps just lit."""
    return Atmosphere(
        look=Look.DUSK,
        sun_direction=_sun(rng, 7, 16),
        sun_rgb=_grey(rng.uniform(0.65, 0.9), (1.0, 0.64, 0.36)),
        ambient_rgb=_grey(rng.uniform(0.4, 0.5), (0.92, 0.86, 1.05)),
        zenith_rgb=(0.16, 0.2, 0.42),
        horizon_rgb=(0.95, rng.uniform(0.5, 0.62), 0.34),
        cloud=rng.uniform(0.2, 0.7),
        fog_per_m=rng.uniform(0.001, 0.005),
        exposure=rng.uniform(0.8, 1.25),
        lamp_gain=0.15,
        noise=rng.uniform(0.012, 0.025),
        blur_px=rng.uniform(0.2, 0.8),
    )


def _fog(rng: np.random.Generator) -> Atmosphere:
    """Sight of about 30 to 85 m (2 % contrast), light from everywhere, no shadows."""
    haze = rng.uniform(0.62, 0.8)
    return Atmosphere(
        look=Look.FOG,
        sun_direction=_sun(rng, 50, 80),
        sun_rgb=_grey(0.12),
        ambient_rgb=_grey(rng.uniform(0.62, 0.72)),
        zenith_rgb=_grey(haze, (0.97, 1.0, 1.02)),
        horizon_rgb=_grey(haze * 0.97),
        cloud=0.0,
        fog_per_m=rng.uniform(0.035, 0.09),
        exposure=rng.uniform(0.8, 1.05),
        lamp_gain=0.0,
        noise=rng.uniform(0.008, 0.018),
        blur_px=rng.uniform(0.4, 0.9),
    )


def _night(rng: np.random.Generator) -> Atmosphere:
    """A dim moon; the camera's headlight and street lamps do the rest."""
    return Atmosphere(
        look=Look.NIGHT,
        sun_direction=_sun(rng, 35, 70),
        sun_rgb=_grey(0.25),
        ambient_rgb=_grey(0.6),
        zenith_rgb=(0.015, 0.02, 0.05),
        horizon_rgb=(0.06, 0.065, 0.11),
        cloud=rng.uniform(0, 0.5),
        fog_per_m=rng.uniform(0.0, 0.008),
        exposure=rng.uniform(0.8, 1.25),
        lamp_gain=rng.uniform(0.8, 1.3),
        noise=rng.uniform(0.02, 0.04),
        blur_px=rng.uniform(0.3, 0.9),
    )


def _rain(rng: np.random.Generator) -> Atmosphere:
    """A grey sky, dull light without shadows, some haze; `rain.py` wets ground and lens."""
    grey = rng.uniform(0.5, 0.66)
    return Atmosphere(
        look=Look.RAIN,
        sun_direction=_sun(rng, 50, 80),
        sun_rgb=_grey(0.08),
        ambient_rgb=_grey(rng.uniform(0.42, 0.52), (0.95, 0.99, 1.04)),
        zenith_rgb=_grey(grey * 0.8, (0.96, 0.99, 1.04)),
        horizon_rgb=_grey(grey, (0.97, 1.0, 1.03)),
        cloud=rng.uniform(0.5, 0.9),
        fog_per_m=rng.uniform(0.008, 0.018),
        exposure=rng.uniform(0.75, 1.0),
        lamp_gain=0.0,
        noise=rng.uniform(0.01, 0.022),
        blur_px=rng.uniform(0.3, 0.8),
    )


_DRAW = {
    Look.DAY: _day,
    Look.DUSK: _dusk,
    Look.FOG: _fog,
    Look.NIGHT: _night,
    Look.RAIN: _rain,
}


def draw_atmosphere(look: Look, rng: np.random.Generator) -> Atmosphere:
    """Draw one variation of a look."""
    return _DRAW[look](rng)


def sky_cube(air: Atmosphere, rng: np.random.Generator, size_px: int = 128) -> np.ndarray:
    """The sky as a cube texture in MuJoCo's face order.

    Returns:
        uint8 [6 * size_px, size_px, 3], faces +x, -x, +y, -y, +z, -z with y up.
    """
    across, down = np.meshgrid(*[np.linspace(-1, 1, size_px)] * 2)
    one = np.ones_like(across)
    faces = (
        (one, -down, -across),
        (-one, -down, across),
        (across, one, down),
        (across, -one, -down),
        (across, -down, one),
        (-across, -down, -one),
    )
    directions = np.concatenate([np.stack(face, -1) for face in faces])
    directions /= np.linalg.norm(directions, axis=-1, keepdims=True)
    up = directions[..., 1]
    blend = np.clip(up, 0, 1)[..., None] ** 0.55
    colour = np.asarray(air.horizon_rgb) * (1 - blend) + np.asarray(air.zenith_rgb) * blend
    colour = _add_clouds(colour, directions, air, rng)
    sun = -np.array([air.sun_direction[0], air.sun_direction[2], -air.sun_direction[1]])
    near_sun = np.clip(directions @ sun, 0, 1)
    if air.look in (Look.DAY, Look.DUSK):
        glow = (near_sun**12 * 0.35 + near_sun**300)[..., None] * np.asarray(air.sun_rgb)
        colour = colour + glow * (1 - 0.7 * air.cloud)
    if air.look is Look.NIGHT:
        stars = (rng.random(up.shape) > 0.9985) & (up > 0.05)
        colour = colour + stars[..., None] * rng.uniform(0.1, 0.6)
    return (np.clip(colour, 0, 1) * 255).astype(np.uint8)


def _add_clouds(
    colour: np.ndarray, directions: np.ndarray, air: Atmosphere, rng: np.random.Generator
) -> np.ndarray:
    """Clouds on a plane overhead, thinning out towards the horizon."""
    field = noise(rng, 256, 5, 5)
    up = np.clip(directions[..., 1], 0.06, 1)
    u = (directions[..., 0] / up * 60).astype(int) % 256
    v = (directions[..., 2] / up * 60).astype(int) % 256
    density = np.clip((field[u, v] - (0.85 - 0.6 * air.cloud)) * 4, 0, 1) * min(1, air.cloud * 2)
    density = density * np.clip(directions[..., 1] * 6, 0, 1)
    horizon = np.asarray(air.horizon_rgb)
    white = np.clip(horizon * 0.6 + 0.45 * np.max(horizon), 0, 1)
    return colour * (1 - 0.8 * density[..., None]) + white * 0.8 * density[..., None]
