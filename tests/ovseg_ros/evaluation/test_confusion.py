"""The confusion matrix against a count with plain loops over pixels."""

import numpy as np
import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table

NAMES = ("road", "car", "tree")


def brute_force_iou(truths, predictions, index):
    """Count intersection and union of one label pixel by pixel, skipping 255."""
    hit = union = present = 0
    for truth, predicted in zip(truths, predictions, strict=True):
        for t, p in zip(truth.ravel().tolist(), predicted.ravel().tolist(), strict=True):
            if t == 255:
                continue
            hit += t == index and p == index
            union += t == index or p == index
            present += t == index
    return hit / union if present else None


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("with_ignored", [False, True])
def test_iou_equals_a_pixel_by_pixel_count(seed, with_ignored):
    random = np.random.default_rng(seed)
    values = [0, 1, 2, 3] + [255] * with_ignored
    truths = [random.choice(values, (13, 7)).astype(np.uint8) for _ in range(3)]
    predictions = [random.integers(0, 4, (13, 7)).astype(np.uint8) for _ in range(3)]
    matrix = ConfusionMatrix(NAMES)
    for truth, predicted in zip(truths, predictions, strict=True):
        matrix.add(truth, predicted)
    wanted = [brute_force_iou(truths, predictions, i) for i in (1, 2, 3)]
    assert [score.iou for score in matrix.scores()] == wanted
    assert matrix.mean_iou() == pytest.approx(sum(wanted) / 3)
    assert matrix.pixels == sum(int((truth != 255).sum()) for truth in truths)


@pytest.mark.parametrize(
    ("truth", "predicted", "wanted", "absent"),
    [
        pytest.param([1, 2, 3], [1, 2, 3], 1.0, (), id="perfect"),
        pytest.param([1, 1, 2, 2], [1, 1, 1, 2], (2 / 3 + 1 / 2) / 2, ("tree",), id="absent-class"),
        pytest.param([1, 1], [1, 3], 1 / 2, ("car", "tree"), id="absent-but-predicted"),
        pytest.param([1, 1, 0], [1, 0, 1], 1 / 3, ("car", "tree"), id="no-label-is-not-a-class"),
        pytest.param([255, 1], [3, 1], 1.0, ("car", "tree"), id="ignored-pixel-costs-nothing"),
        pytest.param([255, 255], [1, 2], None, NAMES, id="nothing-evaluated"),
    ],
)
def test_mean_iou_leaves_out_absent_names_and_says_so(truth, predicted, wanted, absent):
    matrix = ConfusionMatrix(NAMES)
    matrix.add(np.array([truth], np.uint8), np.array([predicted], np.uint8))
    assert matrix.mean_iou() == (None if wanted is None else pytest.approx(wanted))
    assert matrix.absent() == absent


def test_counts_are_exact_beyond_32_bits():
    matrix = ConfusionMatrix(("road",))
    matrix.counts[1, 1] = 2**40
    matrix.add(np.array([[1]], np.uint8), np.array([[0]], np.uint8))
    assert matrix.scores()[0].truth_px == 2**40 + 1


@pytest.mark.parametrize(
    ("truth", "predicted", "message"),
    [
        pytest.param(np.zeros((2, 2)), np.zeros((2, 3)), "size of its image", id="shapes"),
        pytest.param(np.full((2, 2), 4), np.zeros((2, 2)), "above 3", id="unknown-truth"),
        pytest.param(np.ones((2, 2)), np.full((2, 2), 9), "above 3", id="unknown-prediction"),
    ],
)
def test_arrays_that_cannot_be_counted_are_refused(truth, predicted, message):
    with pytest.raises(OvsegError, match=message):
        ConfusionMatrix(NAMES).add(truth.astype(np.uint8), predicted.astype(np.uint8))


def test_sum_of_matrices_is_the_matrix_of_all_images():
    random = np.random.default_rng(1)
    images = [random.integers(0, 4, (2, 8, 8)).astype(np.uint8) for _ in range(2)]
    parts, whole = [ConfusionMatrix(NAMES) for _ in images], ConfusionMatrix(NAMES)
    for part, (truth, predicted) in zip(parts, images, strict=True):
        part.add(truth, predicted)
        whole.add(truth, predicted)
    assert ((parts[0] + parts[1]).counts == whole.counts).all()
    with pytest.raises(OvsegError, match="different names"):
        parts[0] + ConfusionMatrix(("road",))


def test_index_table_maps_ids_and_everything_else():
    table = index_table({7: 1, 9: 2}, otherwise=255)
    assert table[[7, 9, 0, 8]].tolist() == [1, 2, 255, 255]
