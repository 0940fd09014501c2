"""The typed result: colours and overlay."""

from __future__ import annotations

import numpy as np
import pytest

from ovseg_ros.adapters.mix import AdapterMix
from ovseg_ros.segmentation import Segmentation, Timings
from ovseg_ros.vocabulary import LabelBook, LabelSpec


def make(mask: np.ndarray) -> Segmentation:
    vocabulary = LabelBook(254).write([LabelSpec("car"), LabelSpec("road", pinned_id=7)])
    confidence = np.where(mask > 0, 200, 0).astype(np.uint8)
    embedding = np.zeros(4, np.float32)
    return Segmentation(mask, confidence, embedding, vocabulary, AdapterMix(), Timings(1.0, 2.0))


@pytest.mark.parametrize("dtype", [np.uint8, np.uint16])
def test_colors_follow_the_labels_and_no_label_is_black(dtype: type) -> None:
    result = make(np.array([[0, 1], [7, 7]], dtype))
    car, road = result.vocabulary.labels
    assert result.colors().tolist() == [[[0, 0, 0], [*car.color]], [[*road.color], [*road.color]]]


@pytest.mark.parametrize("opacity", [0.0, 0.5, 1.0])
def test_overlay_mixes_by_opacity_and_keeps_unlabelled_pixels(opacity: float) -> None:
    result = make(np.array([[0, 1]], np.uint8))
    image = np.full((1, 2, 3), 100, np.uint8)
    mixed = result.overlay(image, opacity)
    assert mixed[0, 0].tolist() == [100, 100, 100]
    wanted = 100 * (1 - opacity) + np.array(result.vocabulary.labels[0].color) * opacity
    assert np.abs(mixed[0, 1] - wanted).max() <= 1
