"""A tally's numbers by hand, its sums over parts, and its way through JSON."""

import json

import numpy as np
import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.metrics.tally import Previous, Tally

NAMES = ("road", "car", "tree")
SIZE = (24, 32)


def random_frames(count, seed=0):
    random = np.random.default_rng(seed)
    for _ in range(count):
        truth = random.choice([0, 1, 2, 255], SIZE).astype(np.uint8)
        predicted = random.integers(0, 4, SIZE).astype(np.uint8)
        yield truth, predicted, random.integers(0, 256, SIZE).astype(np.uint8)


def tally_of(frames, names=NAMES):
    """Count frames that follow each other."""
    tally, previous = Tally(names), None
    for truth, predicted, confidence in frames:
        tally.add(truth, predicted, confidence, previous)
        previous = Previous(predicted, truth)
    return tally


def pixels(*values):
    return np.array([values], np.uint8)


def test_accuracy_precision_and_means_by_hand():
    tally = Tally(NAMES)
    tally.add(pixels(1, 1, 1, 2, 0, 255), pixels(1, 1, 2, 2, 3, 3), None)
    summary = tally.summary()
    road, car, tree = summary.labels
    assert (road.iou, road.accuracy, road.precision) == (2 / 3, 2 / 3, 1.0)
    assert (car.iou, car.accuracy, car.precision) == (1 / 2, 1.0, 1 / 2)
    assert (tree.iou, tree.accuracy, tree.precision) == (None, None, 0.0)
    assert summary.absent == ("tree",)
    assert summary.mean_iou == pytest.approx(7 / 12)
    assert summary.mean_accuracy == pytest.approx(5 / 6)
    assert summary.pixel_accuracy == 3 / 5
    assert (summary.evaluated_px, summary.unlabelled_px, summary.frames) == (5, 0, 1)
    assert summary.confusion[1] == (0, 2, 1, 0)
    assert summary.ece is None


def test_pixel_without_a_label_is_right_where_the_ground_truth_has_none():
    tally = Tally(NAMES)
    tally.add(pixels(0, 0, 1), pixels(0, 1, 0), pixels(0, 255, 0))
    summary = tally.summary()
    assert summary.pixel_accuracy == 1 / 3
    assert summary.unlabelled_px == 2
    # Only the one labelled pixel says how sure it is, and it is wrong.
    assert summary.ece == 1.0


@pytest.mark.parametrize(
    ("truth", "before", "flicker", "label_change"),
    [
        pytest.param(pixels(1, 1, 1, 1), Previous(pixels(1, 1, 2, 2)), None, 1 / 2, id="no-truth"),
        pytest.param(
            pixels(1, 1, 1, 1),
            Previous(pixels(1, 1, 2, 2), pixels(1, 1, 1, 2)),
            1 / 3,
            1 / 2,
            id="a-pixel-whose-truth-moved-may-change",
        ),
        pytest.param(
            pixels(255, 1, 255, 1),
            Previous(pixels(2, 1, 2, 0), pixels(255, 1, 1, 255)),
            0.0,
            3 / 4,
            id="what-is-not-evaluated-does-not-flicker",
        ),
        pytest.param(
            None, Previous(pixels(1, 1, 1, 0), pixels(1, 1, 1, 1)), None, 1 / 4, id="none"
        ),
        pytest.param(pixels(1, 1, 1, 1), Previous(pixels(1), pixels(1)), None, None, id="size"),
        pytest.param(pixels(1, 1, 1, 1), None, None, None, id="start"),
    ],
)
def test_flicker(truth, before, flicker, label_change):
    scores = Tally(NAMES).add(truth, pixels(1, 1, 1, 1), None, before)
    assert (scores.flicker, scores.label_change) == (flicker, label_change)


def test_frame_scores_are_the_summary_of_that_frame_alone():
    *others, last = random_frames(3)
    tally = tally_of(others)
    scores, summary = tally.add(*last), tally_of([last]).summary()
    assert scores.mean_iou == summary.mean_iou
    assert scores.boundary_iou == summary.mean_boundary_iou
    assert scores.ece == summary.ece
    assert scores.ious == tuple(label.iou for label in summary.labels)
    assert scores.ious[2] is None


def test_sums_over_parts_are_the_whole_in_any_order():
    frames = list(random_frames(6))
    whole, previous = Tally(NAMES), None
    parts = [Tally(NAMES) for _ in range(3)]
    for i, (truth, predicted, confidence) in enumerate(frames):
        for tally in (whole, parts[i % 3]):
            tally.add(truth, predicted, confidence, previous)
        previous = Previous(predicted, truth)
    assert (parts[2] + (parts[0] + parts[1])).summary() == whole.summary()
    with pytest.raises(OvsegError, match="different names"):
        whole + Tally(("road",))


def test_json_keeps_every_count():
    tally = tally_of(random_frames(2))
    again = Tally.from_json(json.loads(json.dumps(tally.as_json())))
    assert again.as_json() == tally.as_json()
    assert again.summary() == tally.summary()
    big = tally.as_json()
    big["confusion"][1][1] = 2**62 + 1
    assert Tally.from_json(big).summary().confusion[1][1] == 2**62 + 1


@pytest.mark.parametrize(
    "edit",
    [
        pytest.param({"format": 2}, id="format"),
        pytest.param({"frames": -1}, id="negative"),
        pytest.param({"names": ["road"]}, id="names"),
        pytest.param({"confusion": [[1.5] * 4] * 4}, id="fractions"),
        pytest.param({"confusion": [[2**70] * 4] * 4}, id="too-big"),
        pytest.param({"changes": {"other_px": 1}}, id="fields"),
        pytest.param({"boundary": None}, id="missing"),
        pytest.param({"confidence": {"pixels": [0] * 9, "hits": [0] * 9}}, id="shape"),
    ],
)
def test_altered_json_is_refused(edit):
    with pytest.raises(OvsegError, match="start the evaluation again"):
        Tally.from_json(Tally(NAMES).as_json() | edit)


@pytest.mark.parametrize(
    ("truth", "predicted", "confidence", "message"),
    [
        pytest.param(pixels(1), pixels(1, 1), None, "size of its image", id="mask"),
        pytest.param(pixels(1), pixels(1), pixels(1, 1), "size of the image", id="confidence"),
        pytest.param(pixels(9), pixels(1), None, "above 3", id="truth"),
    ],
)
def test_refused_frame_leaves_no_trace(truth, predicted, confidence, message):
    tally = Tally(NAMES)
    with pytest.raises(OvsegError, match=message):
        tally.add(truth, predicted, confidence)
    assert tally.as_json() == Tally(NAMES).as_json()


def test_nothing_counted_has_no_numbers():
    summary = Tally(NAMES).summary()
    numbers = (summary.mean_iou, summary.pixel_accuracy, summary.ece, summary.flicker)
    assert numbers == (None,) * 4
    assert json.loads(json.dumps(summary.as_json()))["absent_from_ground_truth"] == list(NAMES)
