"""Numbers about a trained tower: retrieval of held-out names, margins between concepts."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_train.names import Concept
from ovseg_train.text.space import Vectors, directions


@dataclass(frozen=True)
class Retrieval:
    """How well predicted vectors find their own name.

    Attributes:
        names: number of names measured.
        cosine: mean cosine in the published space.
        centred_cosine: mean cosine of the directions from the centre.
        top1: share whose own name is the nearest of all.
        top5: share whose own name is among the nearest five.
        median_rank: median rank of the own name, 1 is best.
    """

    names: int
    cosine: float
    centred_cosine: float
    top1: float
    top5: float
    median_rank: float


def measure_retrieval(
    found: Vectors, rows: np.ndarray, gallery: Vectors, centre: Vectors
) -> Retrieval:
    """Compares unit vectors `found` [N, D] with rows `rows` [N] of the `gallery` [M, D].

    Names are ranked by centred cosine, since the common part of the space tells nothing apart.
    """
    wanted = gallery[rows]
    found_c, gallery_c = directions(found, centre), directions(gallery, centre)
    similarity = found_c @ gallery_c.T
    own = similarity[np.arange(len(rows)), rows]
    rank = 1 + (similarity > own[:, None] + 1e-6).sum(1)
    return Retrieval(
        names=len(rows),
        cosine=float((found * wanted).sum(1).mean()),
        centred_cosine=float(own.mean()),
        top1=float((rank == 1).mean()),
        top5=float((rank <= 5).mean()),
        median_rank=float(np.median(rank)),
    )


@dataclass(frozen=True)
class NamedCosine:
    """Centred cosine of a name with its own concept and with the nearest other concept."""

    name: str
    concept: str
    own: float
    other: str
    other_cosine: float

    @property
    def margin(self) -> float:
        """Positive when the own concept is nearest."""
        return self.own - self.other_cosine


def measure_names(
    names: list[tuple[str, str]], vectors: Vectors, concepts: dict[str, Vectors], centre: Vectors
) -> list[NamedCosine]:
    """For (name, concept) pairs with unit `vectors` [N, D]: own and nearest other concept.

    `concepts` maps each concept to the unit vector of its canonical name.
    """
    keys = list(concepts)
    similarity = directions(vectors, centre) @ directions(np.stack([*concepts.values()]), centre).T
    measured = []
    for (name, concept), row in zip(names, similarity, strict=True):
        own = keys.index(concept)
        others = row.copy()
        others[own] = -np.inf
        other = int(others.argmax())
        measured.append(NamedCosine(name, concept, float(row[own]), keys[other], float(row[other])))
    return measured


def close_pairs(
    concepts: dict[str, Vectors], centre: Vectors, above: float
) -> list[tuple[str, str, float]]:
    """Pairs of different concepts whose centred cosine is greater than `above`, largest first."""
    keys = list(concepts)
    seen = directions(np.stack([*concepts.values()]), centre)
    similarity = seen @ seen.T
    pairs = [
        (keys[i], keys[j], float(similarity[i, j]))
        for i in range(len(keys))
        for j in range(i + 1, len(keys))
        if similarity[i, j] > above
    ]
    return sorted(pairs, key=lambda pair: -pair[2])


def names_of(concepts: tuple[Concept, ...], unseen: bool) -> list[tuple[str, str]]:
    """(name, concept) pairs of the held-out names, or of the training synonyms."""
    return [
        (name, concept.name)
        for concept in concepts
        for name in (concept.unseen if unseen else concept.training_names[1:])
    ]
