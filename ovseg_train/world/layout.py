"""Where objects stand: rows along the path, dealt from decks that fit the ground they stand on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_train.world import decks
from ovseg_train.world.decks import Deck
from ovseg_train.world.ground import SceneKind, Zone, zone_at
from ovseg_train.world.objects.catalogue import BUILDERS
from ovseg_train.world.parts import Model, Part, yaw
from ovseg_train.world.path import DrivePath

_ALONG = {"building", "wall", "fence", "bench", "bush"}
_VEHICLES = {"car", "truck", "bus", "shipping container"}
_FACING = {"traffic light", "traffic sign", "mailbox", "fire hydrant", "chair", "trash can", "tent"}


@dataclass(frozen=True, eq=False)
class Placement:
    """A model standing somewhere."""

    noun: str
    model: Model
    pos_m: np.ndarray
    yaw_rad: float

    def parts(self) -> list[Part]:
        """Its parts in world coordinates."""
        return [part.moved(self.pos_m, self.yaw_rad) for part in self.model.parts]

    def lamp_m(self) -> np.ndarray:
        """World position of its street lamp.

        Raises:
            ValueError: the model has no lamp.
        """
        if self.model.lamp_m is None:
            raise ValueError(f"a {self.noun} without a lamp was asked for its lamp")
        return self.pos_m + yaw(self.yaw_rad) @ np.asarray(self.model.lamp_m)

    def discs(self) -> tuple[np.ndarray, float]:
        """Centres [K, 2] and common radius of discs that cover its footprint."""
        long, short = self.model.half_length_m, self.model.half_width_m
        turn = yaw(self.yaw_rad)[:2, :2]
        if short > long:
            long, short, turn = short, long, yaw(self.yaw_rad + np.pi / 2)[:2, :2]
        reach = max(long - short, 0.0)
        along = np.linspace(-reach, reach, 1 + int(np.ceil(reach / max(short, 0.3))))
        if reach == 0.0:
            along = np.zeros(1)
        centres = self.pos_m[:2] + np.stack([along, 0 * along], axis=1) @ turn.T
        return centres, short * 1.1


class _Ground:
    """Remembers what is taken: by the camera's lane and by the objects placed so far."""

    def __init__(self, path: DrivePath) -> None:
        self._lane = path.driven()
        self._taken: list[tuple[np.ndarray, float]] = []

    def take(self, placement: Placement) -> bool:
        """Reserve the footprint; False where it would block the lane or touch another object."""
        centres, radius = placement.discs()
        if _gap(centres, self._lane) < radius + 0.55:
            return False
        for other, other_radius in self._taken:
            if _gap(centres, other) < radius + other_radius + 0.05:
                return False
        self._taken.append((centres, radius))
        return True


def _gap(a: np.ndarray, b: np.ndarray) -> float:
    """Smallest distance between two point sets."""
    return float(np.sqrt(((a[:, None] - b[None]) ** 2).sum(-1).min()))


def place_objects(
    kind: SceneKind, zones: tuple[Zone, ...], path: DrivePath, rng: np.random.Generator
) -> list[Placement]:
    """Fill both sides of the path with rows of objects, small ones nearest.

    Returns:
        Placements that keep clear of the camera's lane and of each other.
    """
    site = _Site(kind, zones, path, rng)
    boundary = decks.BOUNDARY_DECKS[kind]
    for side in (-1, 1):
        site.fill_boundary(side, Deck(boundary, rng))
        site.fill_backdrop(side, Deck(decks.BACKDROP, rng))
    site.fill_row(low_m=2.6, high_m=6.5, step_m=2.6)
    site.fill_row(low_m=1.25, high_m=2.9, step_m=1.9)
    return site.placed


class _Site:
    """A place being furnished, row by row."""

    def __init__(
        self,
        kind: SceneKind,
        zones: tuple[Zone, ...],
        path: DrivePath,
        rng: np.random.Generator,
    ) -> None:
        self.placed: list[Placement] = []
        self._kind, self._zones, self._path, self._rng = kind, zones, path, rng
        self._ground = _Ground(path)
        self._decks = {
            "road": Deck(decks.ROAD_DECK, rng),
            "pavement": Deck(decks.YARD_DECK if kind is SceneKind.YARD else decks.STREET_DECK, rng),
            "grass": Deck(decks.GRASS_DECK, rng),
        }
        self._odds_and_ends = Deck(decks.YARD_DECK, rng)

    def fill_boundary(self, side: int, deck: Deck) -> None:
        """The row that closes the view sideways."""
        rng = self._rng
        offset = rng.uniform(6.5, 9.0)
        s = -2.0
        while s < self._path.length_m + 16:
            self._put(deck.deal(), s, side * (offset + rng.uniform(0, 1.5)))
            s += rng.uniform(2.5, 5.0)

    def fill_backdrop(self, side: int, deck: Deck) -> None:
        """Tall things behind the boundary and across the end of the path."""
        rng, end = self._rng, self._path.length_m
        for s in np.arange(-2.0, end + 24, 6.5):
            self._put(deck.deal(), float(s + rng.normal(0, 1)), side * rng.uniform(13, 20))
        for t in np.arange(1.0, 16.0, 5.0):
            self._put(deck.deal(), end + rng.uniform(17, 24), side * float(t))

    def fill_row(self, low_m: float, high_m: float, step_m: float) -> None:
        """Objects that fit the ground, between two distances from the path on both sides."""
        rng = self._rng
        for side in (-1, 1):
            for s in np.arange(0.5, self._path.length_m + 14, step_m) + rng.uniform(0, step_m):
                t = side * rng.uniform(low_m, high_m)
                deck = self._deck_at(t)
                self._put(deck.deal(), float(s + rng.normal(0, 0.3)), t)

    def _deck_at(self, t_m: float) -> Deck:
        if self._kind is SceneKind.MIXED and self._rng.random() < 0.4:
            return self._odds_and_ends
        return self._decks[zone_at(self._zones, t_m).noun]

    def _put(self, noun: str, s_m: float, t_m: float) -> None:
        """Place an object unless something is in its way."""
        placement = _stand(noun, s_m, t_m, self._zones, self._path, self._rng)
        if self._ground.take(placement):
            self.placed.append(placement)


def _stand(
    noun: str,
    s_m: float,
    t_m: float,
    zones: tuple[Zone, ...],
    path: DrivePath,
    rng: np.random.Generator,
) -> Placement:
    """Build a noun and turn it the way such things stand."""
    heading = path.heading_at(s_m)
    side = 1.0 if t_m > 0 else -1.0
    if noun in _ALONG:
        angle = heading + (0.0 if side > 0 else np.pi) + rng.normal(0, 0.05)
    elif noun in _VEHICLES:
        angle = heading + np.pi * rng.integers(2) + rng.normal(0, 0.06)
    elif noun in _FACING:
        angle = heading + np.pi - side * rng.uniform(-0.2, 0.9)
    else:
        angle = rng.uniform(0, 2 * np.pi)
    xy = path.point_at(s_m, t_m)
    height = zone_at(zones, t_m).height_m
    return Placement(noun, BUILDERS[noun](rng), np.array([*xy, height]), float(angle))
