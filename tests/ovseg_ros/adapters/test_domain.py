"""Centroid and spread of a domain, and frames without a scene."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_ros.adapters.domain import DomainStatistics, embedding_fault, frame_fault
from ovseg_ros.errors import AdapterError


def test_spread_is_how_far_a_new_frame_is() -> None:
    """Estimated from few frames or many, it is the distance that other frames turn out to have."""
    rng = np.random.default_rng(0)
    new = rng.standard_normal((500, 64))
    for count in (4, 16, 256):
        ratios = []
        for _ in range(40):
            found = DomainStatistics.of(rng.standard_normal((count, 64)))
            actual = np.sqrt(np.mean((new - found.centroid) ** 2))
            ratios.append(found.spread / actual)
        assert found.count == count
        assert np.mean(ratios) == pytest.approx(1, abs=0.05), count


@pytest.mark.parametrize(
    ("embeddings", "words"),
    [
        (np.ones((1, 4)), "at least two frames"),
        (np.ones(4), "at least two frames"),
        (np.ones((3, 4)), "all 3 frames have the same scene embedding"),
        (np.full((3, 4), np.nan), "NaN or infinity"),
    ],
)
def test_embeddings_that_tell_no_domain_are_refused(embeddings: np.ndarray, words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        DomainStatistics.of(embeddings)


def noisy(level: int) -> np.ndarray:
    noise = np.random.default_rng(0).integers(-4, 5, (48, 64, 3))
    return np.clip(level + noise, 0, 255).astype(np.uint8)


def dark_street() -> np.ndarray:
    image = noisy(4)
    image[20:30, 10:40] = (70, 60, 30)
    return image


@pytest.mark.parametrize(
    ("image", "fault"),
    [
        pytest.param(noisy(3), "black", id="cap"),
        pytest.param(noisy(252), "saturated", id="sun"),
        pytest.param(np.full((48, 64, 3), 128, np.uint8), "of a single colour", id="grey"),
        pytest.param(np.full((1, 1, 3), 128, np.uint8), "of a single colour", id="one-pixel"),
        pytest.param(noisy(90), "", id="wall"),
        pytest.param(dark_street(), "", id="night"),
    ],
)
def test_frames_without_a_scene(image: np.ndarray, fault: str) -> None:
    assert frame_fault(image) == fault


@pytest.mark.parametrize(
    ("embedding", "words"),
    [
        (np.arange(4.0), ""),
        (np.arange(5.0), r"shape \[5\], \[4\] was wanted"),
        (np.array([1, np.nan, 2, 3]), "not finite"),
        (np.array([1, np.inf, 2, 3]), "not finite"),
        (np.full(4, 2.0), "without any variation"),
    ],
)
def test_embeddings_that_cannot_be_compared(embedding: np.ndarray, words: str) -> None:
    import re

    found = embedding_fault(embedding, 4)
    assert bool(found) == bool(words)
    assert re.search(words, found)
