"""Procedural textures as numpy images; every function returns uint8 [n, n, 3], tileable."""

from __future__ import annotations

import numpy as np

Rgb = tuple[float, float, float]
"""Colour, 0..1 per channel."""


def noise(rng: np.random.Generator, size_px: int, cells: int = 4, octaves: int = 4) -> np.ndarray:
    """Tileable value noise, float64 [size_px, size_px], about 0..1 with mean 0.5."""
    total = np.zeros((size_px, size_px))
    weight_sum = 0.0
    for octave in range(octaves):
        count = min(cells * 2**octave, size_px)
        grid = rng.random((count, count))
        total += _upsample(grid, size_px) * 0.6**octave
        weight_sum += 0.6**octave
    centred = total / weight_sum - 0.5
    return np.clip(0.5 + centred * 1.6, 0, 1)


def _upsample(grid: np.ndarray, size_px: int) -> np.ndarray:
    """Periodic bilinear enlargement of a square grid."""
    count = len(grid)
    at = np.arange(size_px) * count / size_px
    low = at.astype(int)
    frac = at - low
    high = (low + 1) % count
    rows = grid[low] * (1 - frac)[:, None] + grid[high] * frac[:, None]
    return rows[:, low] * (1 - frac) + rows[:, high] * frac


def _image(base: Rgb, shade: np.ndarray) -> np.ndarray:
    """Multiply a colour by a brightness map (1 = unchanged)."""
    return (np.clip(np.asarray(base) * shade[..., None], 0, 1) * 255).astype(np.uint8)


def speckled(
    rng: np.random.Generator, base: Rgb, contrast: float = 0.4, grain: float = 0.15, n: int = 64
) -> np.ndarray:
    """Clouded and grainy: asphalt, concrete, rock, plaster, rusty metal."""
    shade = 1 + contrast * (noise(rng, n, 3) - 0.5) * 2 + grain * rng.normal(size=(n, n))
    return _image(base, shade)


def foliage(rng: np.random.Generator, base: Rgb, n: int = 64) -> np.ndarray:
    """Leaves: bright flecks over dark gaps."""
    fine = noise(rng, n, 16, 2)
    shade = 0.35 + 1.1 * fine + 0.35 * (rng.random((n, n)) > 0.85)
    image = _image(base, shade)
    warm = noise(rng, n, 4, 2)[..., None] * np.array([28, 18, -6])
    return np.clip(image + warm, 0, 255).astype(np.uint8)


def turf(rng: np.random.Generator, base: Rgb, n: int = 256) -> np.ndarray:
    """Grass seen from above: blades, tufts and paler patches."""
    blades = rng.random((n, n))
    blades = (blades + np.roll(blades, 1, 0) + np.roll(blades, 2, 0)) / 3
    shade = 0.55 + 0.7 * blades + 0.5 * (noise(rng, n, 5, 4) - 0.5)
    image = _image(base, shade).astype(float)
    dry = np.clip(noise(rng, n, 3, 3) - 0.5, 0, 1)[..., None]
    return np.clip(image + dry * np.array([90, 60, 0]), 0, 255).astype(np.uint8)


def bricks(
    rng: np.random.Generator,
    base: Rgb,
    joint: Rgb,
    rows: int = 8,
    columns: int = 4,
    bond: float = 0.5,
    n: int = 128,
) -> np.ndarray:
    """Courses of blocks with joints: brick walls, block walls and, from above, paving slabs."""
    y, x = np.mgrid[0:n, 0:n] / n
    row = np.floor(y * rows)
    along = x * columns + bond * (row % 2)
    column = np.floor(along) % columns
    edge_y = np.abs((y * rows) % 1 - 0.5) * 2
    edge_x = np.abs(along % 1 - 0.5) * 2
    gap = 2.2 / n
    is_joint = (edge_y > 1 - gap * rows) | (edge_x > 1 - gap * columns)
    tone = rng.normal(1, 0.11, (rows, columns))[row.astype(int), column.astype(int)]
    shade = tone + 0.25 * (noise(rng, n, 6) - 0.5)
    return np.where(is_joint[..., None], _image(joint, np.ones((n, n))), _image(base, shade))


def planks(
    rng: np.random.Generator, base: Rgb, count: int = 5, cross: bool = False, n: int = 64
) -> np.ndarray:
    """Boards along x with grain and dark gaps; ``cross`` adds a diagonal brace and a frame."""
    y, x = np.mgrid[0:n, 0:n] / n
    board = np.floor(y * count).astype(int)
    tone = rng.normal(1, 0.1, count)[board]
    grain = _upsample(rng.random((32, 32)), n)[:, :1] * np.ones((1, n))
    shade = tone * (0.8 + 0.3 * grain + 0.1 * noise(rng, n, 4))
    shade = np.where(np.abs((y * count) % 1 - 0.5) > 0.44, shade * 0.3, shade)
    if cross:
        frame = (np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) < 0.12) | (
            np.abs(x - y) < 0.09
        )
        rim = (np.abs(np.minimum(np.minimum(x, 1 - x), np.minimum(y, 1 - y)) - 0.13) < 0.015) | (
            np.abs(np.abs(x - y) - 0.1) < 0.015
        )
        shade = np.where(frame, 1.08 * (0.85 + 0.2 * noise(rng, n, 4)), shade)
        shade = np.where(rim, 0.3, shade)
    return _image(base, shade)


def corrugated(rng: np.random.Generator, base: Rgb, ribs: int = 16, n: int = 128) -> np.ndarray:
    """Vertical trapezoid ribs with streaks of rust: container sides, sheet-metal halls."""
    x = np.arange(n) / n
    wave = np.clip(np.sin(x * ribs * 2 * np.pi) * 2.2, -1, 1)
    shade = 0.85 + 0.2 * wave[None] + 0.2 * (noise(rng, n, 3) - 0.5)
    image = _image(base, shade).astype(float)
    streak = (noise(rng, n, 8, 2).mean(0, keepdims=True) * 0.5 + noise(rng, n, 5) * 0.6) > 0.72
    rust = np.array([105.0, 58.0, 30.0])
    return np.where(streak[..., None], 0.5 * image + 0.5 * rust, image).astype(np.uint8)


def facade(
    rng: np.random.Generator, wall: Rgb, glass: Rgb, floors: int, bays: int, n: int = 256
) -> np.ndarray:
    """A house front: rows of framed windows on a plain, banded or bricked wall."""
    y, x = np.mgrid[0:n, 0:n] / n
    shade = 1 + 0.2 * (noise(rng, n, 4) - 0.5) + 0.02 * rng.normal(size=(n, n))
    image = _image(wall, shade)
    if rng.random() < 0.4:
        image = bricks(rng, wall, (0.75, 0.72, 0.68), floors * 10, bays * 5, 0.5, n)
    cell_y, cell_x = (y * floors) % 1, (x * bays) % 1
    width, height = rng.uniform(0.22, 0.4), rng.uniform(0.25, 0.36)
    inside = (np.abs(cell_x - 0.5) < width) & (np.abs(cell_y - 0.5) < height)
    trim = (np.abs(cell_x - 0.5) < width + 0.05) & (np.abs(cell_y - 0.5) < height + 0.05)
    mullion = (np.abs(cell_x - 0.5) < 0.02) | (np.abs(cell_y - 0.4) < 0.015)
    frame: Rgb = (0.9, 0.9, 0.88) if rng.random() < 0.6 else (0.25, 0.24, 0.23)
    which = (np.floor(y * floors) * bays + np.floor(x * bays)).astype(int)
    pane = rng.uniform(0.5, 1.3, floors * bays)[which] + 0.5 * (0.5 - cell_y)
    image = np.where(trim[..., None], _image(frame, np.ones((n, n))), image)
    image = np.where((inside & ~mullion)[..., None], _image(glass, pane), image)
    if rng.random() < 0.5:
        band = np.abs(cell_y) < 0.05
        image = np.where(band[..., None], _image(frame, np.full((n, n), 0.85)), image)
    return image


def windows_band(rng: np.random.Generator, body: Rgb, panes: int, n: int = 128) -> np.ndarray:
    """The side of a bus: a band of dark panes over a coloured body with a stripe."""
    y, x = np.mgrid[0:n, 0:n] / n
    image = _image(body, 1 + 0.06 * (noise(rng, n, 3) - 0.5))
    stripe: Rgb = tuple(rng.uniform(0.1, 0.95, 3))
    image = np.where((np.abs(y - 0.68) < 0.05)[..., None], _image(stripe, np.ones((n, n))), image)
    pane = (np.abs(y - 0.33) < 0.19) & (np.abs((x * panes) % 1 - 0.5) < 0.44)
    glass = _image((0.12, 0.16, 0.2), 1.5 - y)
    return np.where(pane[..., None], glass, image)


def stripes(colours: tuple[Rgb, ...], bands: int, n: int = 64) -> np.ndarray:
    """Horizontal bands that cycle through the colours, first at the top."""
    index = (np.arange(n) * bands // n) % len(colours)
    column = (np.asarray(colours)[index] * 255).astype(np.uint8)
    return np.repeat(column[:, None], n, axis=1)
