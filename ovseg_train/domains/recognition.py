"""How often the nearest adapter is that of the domain: per frame, and per second of frames."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from itertools import groupby

import numpy as np

from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval import Retrieval, entropy_bits, retrieve
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_train.domains.scoring import DomainScore

BASE = "base model"
FRAMES_PER_SECOND = 15


def named(found: Retrieval) -> str:
    """Return the adapter with the largest share, or that it is the base model."""
    if not found.names or 1.0 - sum(found.weights) > max(found.weights):
        return BASE
    return found.names[int(np.argmax(found.weights))]


def per_frame(score: DomainScore) -> Counter[str]:
    """Return how many frames each adapter was chosen for."""
    return Counter(named(found) for found in score.found)


def per_second(score: DomainScore, library: AdapterLibrary, settings: RetrievalSettings) -> Counter:
    """Return for how many seconds each adapter was chosen: by the mean of up to 15 embeddings.

    A second is up to 15 successive frames of one sequence. Where a set has few frames of a scene it
    is as many as there are, from different places, which is harder than 15 frames of a video.
    """
    seconds: list[np.ndarray] = []
    pairs = zip(score.sequences, score.embeddings, strict=True)
    for _, group in groupby(pairs, key=lambda pair: pair[0]):
        rows = np.stack([embedding for _, embedding in group])
        cuts = range(FRAMES_PER_SECOND, len(rows), FRAMES_PER_SECOND)
        seconds += [part.mean(0, dtype=np.float32) for part in np.split(rows, list(cuts))]
    found = (retrieve(library.index, scene, settings, shape_of=library.shape) for scene in seconds)
    return Counter(named(each) for each in found)


def right_share(counted: Mapping[str, int], own: str) -> float:
    """Return which share was given `own`, 0..1."""
    return counted.get(own, 0) / max(1, sum(counted.values()))


def mean_entropy_bits(score: DomainScore) -> float:
    """Return how undecided the mixes of the frames were on average, in bits."""
    return float(np.mean([entropy_bits(found.weights) for found in score.found]))


def confusion(
    counted: Mapping[str, Mapping[str, int]], adapters: Sequence[str]
) -> list[list[float]]:
    """Return shares in 0..1: a row for each domain, a column for each adapter and the base."""
    columns = (*adapters, BASE)
    return [
        [row.get(column, 0) / max(1, sum(row.values())) for column in columns]
        for row in counted.values()
    ]
