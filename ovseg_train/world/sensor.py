"""What air, lamps and a cheap sensor do to a clean rendering."""

from __future__ import annotations

import numpy as np

from ovseg_train.world.compile import FAR_M
from ovseg_train.world.looks import Look
from ovseg_train.world.rain import add_streaks, blur_drops, wet_ground
from ovseg_train.world.scene import Scene

_LAMP_RGB = np.array([1.0, 0.82, 0.55], np.float32)
_HEADLIGHT_RGB = np.array([1.0, 0.97, 0.9], np.float32)
_LIT_LAMPS = 5
_HAZE_PER_M = 0.02
_SKY_SHARE_IN_FOG = 0.4
_MOON_RGB = np.array([0.035, 0.042, 0.06], np.float32)


def expose(
    clean: np.ndarray,
    depth_m: np.ndarray,
    glow: np.ndarray,
    scene: Scene,
    camera_m: np.ndarray,
    camera_rot: np.ndarray,
    focal_px: float,
    rng: np.random.Generator,
) -> np.ndarray:
    """Turn a clean rendering into what a camera would have taken.

    Args:
        clean: uint8 [H, W, 3] straight from the renderer.
        depth_m: float32 [H, W], FAR_M for sky.
        glow: float32 [H, W], light sent out by the surface, 0..1.
        scene: gives the air and the lamps.
        camera_m: float64 [3] position of the camera.
        camera_rot: float64 [3, 3] optical frame to world.
        focal_px: focal length.
        rng: sensor noise.

    Returns:
        uint8 [H, W, 3].
    """
    air = scene.air
    colour = np.square(clean.astype(np.float32) / 255)
    surface = colour.copy()
    if air.look is Look.NIGHT:
        points, normals = _geometry(depth_m, camera_rot, focal_px)
        light = _night_light(points, normals, scene.lamps_m - camera_m, air.lamp_gain)
        is_sky = (depth_m >= FAR_M)[..., None]
        colour = np.where(is_sky, colour, colour * light)
    if air.look is Look.RAIN:
        points, normals = _geometry(depth_m, camera_rot, focal_px)
        colour = wet_ground(colour, normals, points, np.square(np.asarray(air.zenith_rgb)))
    lit = max(air.lamp_gain, 0.3) * glow[..., None]
    colour = colour + surface * np.where(glow[..., None] > 0, 1.4 * lit, 0)
    colour = add_fog(colour, depth_m, air.fog_per_m, np.square(np.asarray(air.horizon_rgb)))
    if air.look is Look.RAIN:
        colour = blur_drops(add_streaks(colour, rng), rng)
    colour = _vignette(colour * air.exposure)
    colour = _blur(colour, air.blur_px)
    shot = rng.normal(size=colour.shape).astype(np.float32) * air.noise
    display = np.sqrt(np.clip(colour, 0, None)) + shot
    return (np.clip(display, 0, 1) * 255).astype(np.uint8)


def add_fog(
    colour: np.ndarray, depth_m: np.ndarray, fog_per_m: float, fog_rgb: np.ndarray
) -> np.ndarray:
    """Blend towards the fog's colour with distance (Koschmieder's law).

    Args:
        colour: float32 [H, W, 3] linear light.
        depth_m: float32 [H, W].
        fog_per_m: extinction coefficient; 0 = clear.
        fog_rgb: float [3] linear colour of the air.

    Returns:
        float32 [H, W, 3].
    """
    if fog_per_m <= 0:
        return colour
    clear = np.exp(-fog_per_m * depth_m)[..., None]
    fogged = colour * clear + fog_rgb.astype(np.float32) * (1 - clear)
    # Haze dims what stands on the ground but leaves the sky; fog covers most of the sky too.
    share = _SKY_SHARE_IN_FOG if fog_per_m > _HAZE_PER_M else 1.0
    sky = share * colour + (1 - share) * fogged
    return np.where((depth_m >= FAR_M)[..., None], sky, fogged)


def _geometry(
    depth_m: np.ndarray, camera_rot: np.ndarray, focal_px: float
) -> tuple[np.ndarray, np.ndarray]:
    """World-aligned offsets from the camera and unit normals, both float32 [H, W, 3]."""
    height, width = depth_m.shape
    x = (np.arange(width, dtype=np.float32) - (width - 1) / 2) / focal_px
    y = (np.arange(height, dtype=np.float32) - (height - 1) / 2) / focal_px
    rays = np.stack([*np.meshgrid(x, y), np.ones_like(depth_m)], -1)
    points = (rays * depth_m[..., None]) @ camera_rot.T.astype(np.float32)
    normal = np.cross(np.gradient(points, axis=0), np.gradient(points, axis=1))
    length = np.linalg.norm(normal, axis=-1, keepdims=True)
    normal = normal / np.maximum(length, 1e-9)
    faces_away = (normal * points).sum(-1, keepdims=True) > 0
    return points, np.where(faces_away, -normal, normal)


def _night_light(
    points: np.ndarray, normals: np.ndarray, lamps: np.ndarray, gain: float
) -> np.ndarray:
    """Light at every pixel from the moon, the camera's headlight and street lamps."""
    distance = np.linalg.norm(points, axis=-1)
    facing = _facing(normals, -points / distance[..., None])
    height, width = distance.shape
    across = np.linspace(-1.1, 1.1, width, dtype=np.float32)[None]
    down = np.linspace(-0.9, 0.9, height, dtype=np.float32)[:, None]
    cone = 0.25 + 0.75 * np.exp(-1.3 * (across**2 + (down - 0.1) ** 2))
    beam = gain * 2.0 * cone * facing / (1 + (distance / 4.5) ** 2)
    light = _MOON_RGB + beam[..., None] * _HEADLIGHT_RGB
    nearest = np.argsort(np.linalg.norm(lamps, axis=1))[:_LIT_LAMPS]
    for lamp in lamps[nearest]:
        to_lamp = (lamp - points).astype(np.float32)
        reach = np.linalg.norm(to_lamp, axis=-1)
        lit = gain * 1.1 * _facing(normals, to_lamp / reach[..., None]) / (1 + (reach / 4) ** 2)
        light = light + lit[..., None] * _LAMP_RGB
    return light


def _facing(normals: np.ndarray, towards: np.ndarray) -> np.ndarray:
    """Lambert's cosine, softened so that edges of the depth image do not go black."""
    return 0.4 + 0.6 * np.clip((normals * towards).sum(-1), 0, 1)


def _vignette(colour: np.ndarray) -> np.ndarray:
    height, width = colour.shape[:2]
    across = np.linspace(-1, 1, width, dtype=np.float32)[None]
    down = np.linspace(-1, 1, height, dtype=np.float32)[:, None]
    return colour * (1 - 0.12 * (across**2 + down**2))[..., None]


def _blur(colour: np.ndarray, sigma_px: float) -> np.ndarray:
    """Separable three-tap blur with the given standard deviation (at most 0.8 px)."""
    side = min(sigma_px**2, 0.64) / 2
    for axis in (0, 1):
        ahead, behind = np.roll(colour, 1, axis), np.roll(colour, -1, axis)
        colour = colour * (1 - 2 * side) + side * (ahead + behind)
    return colour
