"""Boundary IoU against the published procedure written out: erode each mask step by step."""

import numpy as np
import pytest

from ovseg_ros.evaluation.metrics.boundary import (
    BoundaryCounts,
    boundary_band,
    boundary_distance_px,
)
from ovseg_ros.evaluation.metrics.tally import Tally

NAMES = ("road", "car", "tree")


def published_boundary(mask, distance_px):
    """The mask without its erosion: `distance_px` times by a square of 3x3, nothing outside."""
    eroded = mask.copy()
    for _ in range(distance_px):
        padded = np.pad(eroded, 1)
        height, width = mask.shape
        eroded = np.logical_and.reduce(
            [padded[y : y + height, x : x + width] for y in range(3) for x in range(3)]
        )
    return mask & ~eroded


def regions(seed, height, width):
    """A label image of blocks, as regions have contours and noise has none."""
    random = np.random.default_rng(seed)
    coarse = random.choice([0, 1, 2, 3, 255], (height // 7 + 1, width // 9 + 1))
    return np.kron(coarse, np.ones((7, 9), int))[:height, :width].astype(np.uint8)


@pytest.mark.parametrize("distance_px", [1, 2, 3, 4, 7, 12, 40])
def test_band_is_the_mask_without_its_erosion(distance_px):
    ids = regions(distance_px, 45, 63)
    band = boundary_band(ids, distance_px)
    for label in (1, 2, 3):
        wanted = published_boundary(ids == label, distance_px)
        assert (band & (ids == label) == wanted).all()


def test_label_254_ends_at_the_edge_of_the_image():
    assert boundary_band(np.full((5, 5), 254, np.uint8), 1).sum() == 16


@pytest.mark.parametrize(
    ("size", "wanted"),
    [((360, 480), 12), ((480, 640), 16), ((1080, 1920), 44), ((8, 8), 1), ((1, 1), 1)],
)
def test_distance_is_two_percent_of_the_diagonal(size, wanted):
    assert boundary_distance_px(*size) == wanted


@pytest.mark.parametrize("seed", range(3))
def test_iou_of_bands_sums_over_frames_and_ignores_what_is_not_evaluated(seed):
    counts, both, union = BoundaryCounts(3), np.zeros(3, int), np.zeros(3, int)
    for frame in range(2):
        truth = regions(10 * seed + frame, 60, 80)
        predicted = np.roll(np.where(truth == 255, 1, truth), (2, 3), (0, 1)).astype(np.uint8)
        counts.add(truth, predicted)
        for i in range(3):
            seen = (predicted == i + 1) & (truth != 255)
            edges = published_boundary(truth == i + 1, 2), published_boundary(seen, 2)
            both[i] += (edges[0] & edges[1]).sum()
            union[i] += (edges[0] | edges[1]).sum()
    assert counts.ious() == tuple((both / union).tolist())


def test_label_that_is_nowhere_in_the_ground_truth_is_in_no_mean():
    tally = Tally(NAMES)
    truth = np.ones((20, 20), np.uint8)
    predicted = truth.copy()
    predicted[:10] = 2
    tally.add(truth, predicted, None)
    road, car, tree = tally.summary().labels
    assert road.boundary_iou is not None and 0 < road.boundary_iou < 1
    assert car.boundary_iou is None and tree.boundary_iou is None
    assert tally.summary().mean_boundary_iou == road.boundary_iou
