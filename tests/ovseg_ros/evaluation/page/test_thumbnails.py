"""Which frames get pictures, and what the pictures show."""

import io

import numpy as np
import pytest
from PIL import Image

from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores
from ovseg_ros.evaluation.page.thumbnails import choose_rows, draw_thumbnail


def rows(*ious):
    return tuple(
        FrameRow("", i, str(i), i, scores=FrameScores(iou, None, None, None, None, None, 1, 0, ()))
        for i, iou in enumerate(ious)
    )


def chosen(*args):
    return [row.index for row in choose_rows(*args)]


def test_half_are_the_worst_and_half_are_spread():
    ious = [0.9] * 20
    ious[3], ious[11] = 0.1, 0.2
    picked = chosen(rows(*ious), 4)
    assert {3, 11} < set(picked) and len(picked) == 4
    assert picked == sorted(picked)


def test_largest_losses_are_among_them():
    frames, against = rows(*[0.5] * 12), rows(*[0.5] * 7, 0.9, *[0.5] * 4)
    assert 7 in chosen(frames, 4, against)


@pytest.mark.parametrize("count", [0, 1, 2, 5, 100])
def test_never_more_than_wanted_or_there(count):
    assert len(chosen(rows(0.1, 0.2, None, 0.4), count)) == min(count, 4)


def test_frames_without_a_mask_get_none():
    assert not chosen((FrameRow("", 0, "a", 0, fate=FrameFate.STALE),), 3)


def decoded(data):
    return np.asarray(Image.open(io.BytesIO(data))).astype(int)


def test_layers_show_colour_mistakes_and_what_is_not_evaluated():
    image = np.full((64, 64, 3), 100, np.uint8)
    truth, predicted = np.ones((64, 64), np.uint8), np.ones((64, 64), np.uint8)
    predicted[:, :32], truth[:32, 32:] = 2, 255
    drawn = draw_thumbnail(
        rows(0.5)[0], image, predicted, truth, ((0, 0, 250), (0, 250, 0)), predicted
    )
    labels, errors = decoded(drawn.overlay), decoded(drawn.errors)
    green, blue = labels[50, 10], labels[50, 50]
    assert green[1] > 150 > green[2] and blue[2] > 150 > blue[1]
    wrong, right, ignored = errors[50, 10], errors[50, 50], errors[10, 50]
    assert wrong[0] > wrong[1] + 80
    assert abs(right - right[0]).max() < 12 and right[0] > ignored[0] + 20
    assert decoded(drawn.truth)[50, 10][2] > 150
    assert drawn.against == drawn.overlay


def test_pictures_are_at_most_640_px_wide_and_truth_may_be_missing():
    image, ids = np.zeros((50, 1000, 3), np.uint8), np.zeros((50, 1000), np.uint8)
    drawn = draw_thumbnail(rows(None)[0], image, ids, None, ())
    assert decoded(drawn.image).shape == (32, 640, 3)
    assert drawn.truth is None and drawn.errors is None and drawn.against is None
