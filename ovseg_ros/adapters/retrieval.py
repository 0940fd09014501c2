"""Which adapters are near the scene, and with what share each goes into the mix.

As SemLA published it (euclidean distance d, similarity 1 / d, the top k, softmax over the
temperature), and with what it lacks: a softmax that does not overflow, a cosine that picks the
nearest, a gate for scenes that nothing is near to, and the base model as a competitor.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass
from enum import Enum

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.index import LibraryIndex
from ovseg_ros.errors import AdapterError
from ovseg_ros.packages import Card

_CHUNK_ROWS = 2048
# A scene exactly on a centroid; its similarity is still a finite number.
_NEAREST = 1e-9
_AT_HOME = "the scene is one that the base model was trained on: base model"
Numbers = npt.NDArray[np.float64]


class Distance(Enum):
    """How far a scene is from a centroid, for embeddings of E numbers.

    `rms`: the root mean square of the differences, in the units of the embedding, which for `tiny`
    is one standard deviation of its training scenes. `euclidean`: as published, sqrt(E) times that.
    `cosine`: 1 - cosine, 0 to 2.
    """

    RMS = "rms"
    EUCLIDEAN = "euclidean"
    COSINE = "cosine"


@dataclass(frozen=True)
class RetrievalSettings:
    """How adapters are weighed; `published` is how SemLA does it.

    Weights are a softmax of the similarity over `temperature`, for the `top_k` nearest. The
    published 0.05 belongs to euclidean distances of 768 numbers around 10 and hardly tells near
    from far; in the units of `rms` 0.2 is sharper: with `tiny` on CamVid, a dusk frame gives dusk
    0.98 against day and Indian roads. 0.1 would give the own one of eight adapters 0.01 to 0.05
    more on frames to learn from, but a scene on the border of two changes its mix ten times a
    minute. Shares below `least_weight` are left out, as each adapter costs its rank.

    An adapter takes part where the scene is within `gate` times the spread of its domain. 1.4 was
    chosen on frames to learn from: those of the own domain are at 0.7 to 1.3 spreads (5th to 95th
    percentile; 1.5 for domains of many places), day of CamVid is at 1.56 or more from adapters of
    its dusk. Infinity is no gate. Raises `AdapterError` for numbers that make no sense.
    """

    distance: Distance = Distance.RMS
    temperature: float = 0.2
    top_k: int = 5
    gate: float = 1.4
    least_weight: float = 0.01

    @classmethod
    def published(cls) -> RetrievalSettings:
        """Return those of the published program, which has no gate."""
        return cls(Distance.EUCLIDEAN, 0.05, top_k=5, gate=math.inf, least_weight=0.0)

    def __post_init__(self) -> None:
        """Refuse numbers that make no sense."""
        for what, value in (("temperature", self.temperature), ("gate", self.gate)):
            if not value > 0 or (what == "temperature" and math.isinf(value)):
                raise AdapterError(f"the {what} is {value}; a number above 0 was wanted")
        if self.top_k < 1:
            raise AdapterError(f"top_k is {self.top_k}; a whole number from 1 up was wanted")
        if not 0 <= self.least_weight <= 0.1:
            raise AdapterError(
                f"least_weight is {self.least_weight}; a share from 0 to 0.1 was wanted"
            )


@dataclass(frozen=True)
class BaseDomain:
    """The scenes that the base model was trained on: with them it competes with the adapters."""

    centroid: Array
    spread: float

    @classmethod
    def of(cls, card: Card) -> BaseDomain | None:
        """Return that of `card` (`scene_center`, `scene_spread`), None where it does not say it.

        Raises `AdapterError` where it is none.
        """
        center, spread = card.raw.get("scene_center"), card.raw.get("scene_spread")
        if center is None or spread is None:
            return None
        try:
            centroid, spread = np.array(center, np.float32), float(spread)
        except (TypeError, ValueError):
            centroid, spread = np.empty(0, np.float32), math.nan
        wanted = (card.raw.get("scene_embedding_dim"),)
        if centroid.shape != wanted or not np.isfinite(centroid).all() or not 0 < spread < math.inf:
            raise AdapterError(
                f"the card of package '{card.name}' has a scene_center and scene_spread that are "
                f"not {wanted[0]} finite numbers and one above 0; restore the package"
            )
        return cls(centroid, spread)

    def distance(self, embedding: Array, distance: Distance) -> float:
        """Return the distance of a scene with `embedding` [E] from these scenes."""
        return float(distances(self.centroid[None], embedding, distance)[0])


@dataclass(frozen=True)
class Retrieval:
    """The adapters for a scene, nearest first, with their weights and distances.

    What the weights lack to 1 is the share of the base model. `gate` says why the mix is what it
    is; it is empty where adapters are in it. `nearest` is the distance of the nearest adapter of
    all, NaN where there is none. `low` and `high` are how small and large each weight, and as the
    last one the share of the base model, would be for scenes nearly the same (see `slack`): a mix
    within them is as good.
    """

    names: tuple[str, ...] = ()
    weights: tuple[float, ...] = ()
    distances: tuple[float, ...] = ()
    gate: str = ""
    nearest: float = math.nan
    low: tuple[float, ...] = (1.0,)
    high: tuple[float, ...] = (1.0,)


def retrieve(
    index: LibraryIndex,
    embedding: Array,
    settings: RetrievalSettings,
    base: BaseDomain | None = None,
    in_use: Collection[str] = (),
    slack: float = 0.0,
) -> Retrieval:
    """Return the adapters of `index` for a scene with `embedding`, float32 [E].

    So that a scene on a border need not switch with every frame, adapters that are not `in_use`
    have a gate that is `slack` narrower (0.1: by a tenth), those in use stay among the nearest
    until they are that much further away, and the result tells how the weights would change if any
    two distances differed by that share. It is always the same for the same arguments.
    """
    if len(index) == 0:
        return Retrieval(gate="no adapters: base model")
    found = distances(index.centroids, embedding, settings.distance)
    found[np.isnan(index.spreads)] = np.inf
    # Narrower outside, not wider inside: no scene beyond the gate keeps an adapter.
    gates, advantage = settings.gate * index.spreads / (1.0 + slack), np.ones(len(index))
    used = [index.row_of[name] for name in in_use if name in index]
    gates[used] *= 1.0 + slack
    advantage[used] /= 1.0 + slack
    limits = _in_units(gates, index.centroids, settings.distance)
    near = np.flatnonzero(found <= limits)
    nearest = int(np.argmin(found))
    if not len(near) or not np.isfinite(found[near]).any():
        return Retrieval(gate=_nothing_near(index, found, limits), nearest=float(found[nearest]))
    rows = near[_smallest(found[near] * advantage[near], settings.top_k)]
    rows = rows[np.argsort(found[rows], kind="stable")]
    # A base that does not compete is infinitely far, and its share nothing.
    own = math.inf if base is None else base.distance(embedding, settings.distance)
    shares = _weights(np.append(found[rows], own), settings)
    rows = rows[_worth_their_rank(shares, settings.least_weight)]
    if not len(rows):
        return Retrieval(gate=_AT_HOME, nearest=float(found[nearest]))
    competing = np.append(found[rows], own)
    low, high = _ranges(competing, settings, slack)
    return Retrieval(
        names=tuple(index.names[row] for row in rows),
        weights=tuple(_weights(competing, settings)[:-1].tolist()),
        distances=tuple(found[rows].tolist()),
        nearest=float(found[nearest]),
        low=tuple(low),
        high=tuple(high),
    )


def distances(centroids: Array, embedding: Array, distance: Distance) -> Numbers:
    """Return the distance of `embedding` [E] to each of `centroids` [M, E], float64 [M]."""
    found = np.empty(len(centroids))
    for start in range(0, len(centroids), _CHUNK_ROWS):
        rows = centroids[start : start + _CHUNK_ROWS]
        part = found[start : start + len(rows)]
        if distance is Distance.COSINE:
            norms = np.sqrt(np.einsum("ij,ij->i", rows, rows)) * np.linalg.norm(embedding)
            part[:] = 1.0 - (rows @ embedding) / np.maximum(norms, _NEAREST)
        else:
            difference = rows - embedding
            squared = np.einsum("ij,ij->i", difference, difference)
            part[:] = np.sqrt(squared / (len(embedding) if distance is Distance.RMS else 1))
    return found


def softmax(scores: Numbers) -> Numbers:
    """Return exp(scores) over its sum; no score is too large."""
    shares = np.exp(scores - scores.max())
    return np.asarray(shares / shares.sum())


def entropy_bits(weights: Collection[float]) -> float:
    """Return how undecided a mix is, in bits: 0 for one adapter alone, 1 for two equal ones, ...

    What `weights` lack to 1 is the share of the base model and counts as one more.
    """
    shares = [*weights, max(0.0, 1.0 - sum(weights))]
    return max(0.0, -sum(share * math.log2(share) for share in shares if share > 1e-9))


def _weights(found: Numbers, settings: RetrievalSettings) -> Numbers:
    """Return the shares of competitors at distances `found`; they sum to 1."""
    if settings.distance is Distance.COSINE:
        similarity = 1.0 - found
    else:
        similarity = 1.0 / np.maximum(found, _NEAREST)
        similarity[np.isinf(found)] = -np.inf
    return softmax(similarity / settings.temperature)


def _worth_their_rank(shares: Numbers, least: float) -> npt.NDArray[np.bool_]:
    """Return which adapters have at least that share; the last of `shares` is the base model's."""
    adapters, base = shares[:-1], shares[-1]
    worth: npt.NDArray[np.bool_] = adapters >= least
    # Very many adapters may have small shares each; only the base can leave them all without.
    return worth if worth.any() or base >= 0.5 else adapters > 0


def _ranges(
    found: Numbers, settings: RetrievalSettings, slack: float
) -> tuple[list[float], list[float]]:
    """Return the smallest and largest share of each, if its distance were off by `slack`."""
    low: list[float] = []
    high: list[float] = []
    for place in range(len(found)):
        for shares, factor in ((low, 1.0 + slack), (high, 1.0 / (1.0 + slack))):
            moved = found.copy()
            moved[place] *= factor
            shares.append(float(_weights(moved, settings)[place]))
    return low, high


def _smallest(found: Numbers, count: int) -> npt.NDArray[np.int64]:
    """Return the places of the `count` smallest, ascending; of equal ones the first by name."""
    if len(found) > count:
        limit = np.partition(found, count - 1)[count - 1]
        places = np.flatnonzero(found <= limit)
    else:
        places = np.arange(len(found))
    ascending: npt.NDArray[np.int64] = np.argsort(found[places], kind="stable")
    chosen: npt.NDArray[np.int64] = places[ascending][:count]
    return chosen


def _in_units(rms: Numbers, centroids: Array, distance: Distance) -> Numbers:
    """Return distances `rms` from each of `centroids` in the units of `distance`."""
    if distance is Distance.RMS:
        return rms
    euclidean: Numbers = rms * math.sqrt(centroids.shape[1])
    if distance is Distance.EUCLIDEAN:
        return euclidean
    # A frame that far from its centroid, straight across, is at this angle to it.
    norms = np.maximum(np.sqrt(np.einsum("ij,ij->i", centroids, centroids)), _NEAREST)
    limits: Numbers = 1.0 - 1.0 / np.hypot(1.0, euclidean / norms)
    return limits


def _nothing_near(index: LibraryIndex, found: Numbers, limits: Numbers) -> str:
    row = int(np.argmin(found))
    if not np.isfinite(found[row]):
        return "no adapter knows scenes of this package: base model"
    return (
        f"no near adapter: the nearest, '{index.names[row]}', is at {found[row]:.3g} and takes "
        f"part up to {limits[row]:.3g}: base model"
    )
