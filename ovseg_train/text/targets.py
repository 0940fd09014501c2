"""Where in the text space each training name shall land."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from ovseg_train.text.lexicon import Entry
from ovseg_train.text.space import Vectors, unit

ANCHOR_SHARE = 0.75
SYNSET_SHARE = 0.3
ADJECTIVE_SHARE = 0.35
LARGEST_COSINE = 0.45
_SPREAD_STEPS = 300
_SPREAD_RATE = 0.05


@dataclass(frozen=True)
class Targets:
    """Directions from the centre for names and concepts.

    Attributes:
        entries: f32 [N, D], unit, one row per training name.
        anchors: f32 [K, D], unit, one row per concept.
    """

    entries: Vectors
    anchors: Vectors


def make_targets(entries: list[Entry], teacher: Vectors, clip: Vectors) -> Targets:
    """Targets from teacher directions [N, D] (one per entry) and CLIP directions [M, D].

    A name with a CLIP vector takes it; another takes the teacher's, drawn to its WordNet
    synonyms. The names of a concept are drawn to its anchor, and the anchors apart.
    """
    own = teacher.copy()
    rows = np.array([entry.clip for entry in entries])
    own[rows >= 0] = clip[rows[rows >= 0]]
    own = _draw_to_synonyms(entries, own)
    concept_of = np.array([entry.concept for entry in entries])
    anchors = spread(_anchors(own, concept_of, rows >= 0))
    inside = concept_of >= 0
    own[inside] = unit(
        ANCHOR_SHARE * anchors[concept_of[inside]] + (1 - ANCHOR_SHARE) * own[inside]
    )
    for index in range(len(anchors)):  # a concept's first entry is its canonical name
        own[np.flatnonzero(concept_of == index)[0]] = anchors[index]
    return Targets(own, anchors)


def with_adjective(own: Vectors, plain: Vectors, described: Vectors) -> Vectors:
    """Target of "red NAME": the name's target plus a share of what the adjective changes.

    All f32 [N, D]: targets of the names, teacher directions without and with the adjective.
    """
    return unit(own + ADJECTIVE_SHARE * (described - plain))


def spread(anchors: Vectors, largest: float = LARGEST_COSINE) -> Vectors:
    """Anchors [K, D] moved as little as needed so that no two have a cosine above `largest`.

    Gradient descent on the squared excess of each pair; alike concepts (bush, tree) stay
    neighbours but can be told apart.
    """
    moved = anchors.astype(np.float64)
    for _ in range(_SPREAD_STEPS):
        excess = np.maximum(moved @ moved.T - largest, 0.0)
        np.fill_diagonal(excess, 0.0)
        if excess.max() < 1e-3:
            break
        moved -= _SPREAD_RATE * 2 * excess @ moved
        moved /= np.linalg.norm(moved, axis=1, keepdims=True)
    return moved.astype(np.float32)


def _anchors(own: Vectors, concept_of: np.ndarray, has_clip: np.ndarray) -> Vectors:
    rows = []
    for index in range(concept_of.max() + 1):
        members = concept_of == index
        known = members & has_clip
        first = own[np.flatnonzero(members)[0]]  # the canonical name counts twice
        rows.append(unit(own[known if known.any() else members].mean(0)) + first)
    return unit(np.stack(rows))


def _draw_to_synonyms(entries: list[Entry], own: Vectors) -> Vectors:
    row_of = {entry.name: row for row, entry in enumerate(entries)}
    drawn = own.copy()
    for row, entry in enumerate(entries):
        others = [row_of[name] for name in entry.synonyms if name in row_of]
        if others and entry.clip < 0:
            drawn[row] = unit((1 - SYNSET_SHARE) * own[row] + SYNSET_SHARE * own[others].mean(0))
    return drawn
