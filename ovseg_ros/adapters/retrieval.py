"""Which adapters are near the scene, and with what share each goes into the mix.

As SemLA published it (euclidean distance d, similarity 1 / d, the top k, softmax over the
temperature), and with what it lacks: a softmax that does not overflow, a cosine that picks the
nearest, a gate for scenes that nothing is near to, and the base model as a competitor.
"""

from __future__ import annotations

import math
from collections.abc import Collection
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.distance import NEAREST, Distance, Numbers, distances
from ovseg_ros.adapters.gate import Gate, ShapeOf
from ovseg_ros.adapters.index import LibraryIndex
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.errors import AdapterError
from ovseg_ros.packages import Card

_AT_HOME = "the scene is one that the base model was trained on: base model"


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
    shape_of: ShapeOf = lambda name: None,
) -> Retrieval:
    """Return the adapters of `index` for a scene with `embedding`, float32 [E].

    Adapters `in_use` have an advantage of the share `slack` (see `Gate`), and the result tells how
    the weights would change if any two distances differed by it. It is always the same for the same
    arguments.

    `shape_of` gives the shape of a domain by the name of its adapter; what it raises is raised.
    """
    if len(index) == 0:
        return Retrieval(gate="no adapters: base model")
    found = distances(index.centroids, embedding, settings.distance)
    found[np.isnan(index.spreads)] = np.inf
    nearest = float(found.min())
    gate = Gate.of(index, settings, in_use, slack)
    rows, reason = gate.inside(found, embedding, shape_of)
    if reason:
        return Retrieval(gate=reason, nearest=nearest)
    rows = rows[np.argsort(found[rows], kind="stable")]
    # A base that does not compete is infinitely far, and its share nothing.
    own = math.inf if base is None else base.distance(embedding, settings.distance)
    shares = _weights(np.append(found[rows], own), settings)
    rows = rows[_worth_their_rank(shares, settings.least_weight)]
    if not len(rows):
        return Retrieval(gate=_AT_HOME, nearest=nearest)
    competing = np.append(found[rows], own)
    low, high = _ranges(competing, settings, slack)
    return Retrieval(
        names=tuple(index.names[row] for row in rows),
        weights=tuple(_weights(competing, settings)[:-1].tolist()),
        distances=tuple(found[rows].tolist()),
        nearest=nearest,
        low=tuple(low),
        high=tuple(high),
    )


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
        similarity = 1.0 / np.maximum(found, NEAREST)
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
