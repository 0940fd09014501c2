"""Reliability and ECE by hand; where bytes fall."""

import numpy as np
import pytest

from ovseg_ros.evaluation.metrics.tally import Tally


def reliability(truth, predicted, confidence):
    tally = Tally(("road", "car"))
    tally.add(*(np.array([values], np.uint8) for values in (truth, predicted, confidence)))
    return tally.summary()


@pytest.mark.parametrize(
    ("byte", "place"), [(0, 0), (16, 0), (17, 1), (33, 1), (34, 2), (254, 14), (255, 14)]
)
def test_bins_have_equal_width_and_the_last_one_has_its_end(byte, place):
    bins = reliability([1], [1], [byte]).reliability
    assert len(bins) == 15
    assert [part.pixels for part in bins] == [int(i == place) for i in range(15)]
    assert bins[place].low <= byte / 255 <= bins[place].high
    assert bins[place].confidence == pytest.approx(byte / 255)


def test_ece_is_the_mean_gap_weighted_by_pixels():
    # Three pixels at 0.8 of which one is right; one at 0.2, right; two that do not count.
    summary = reliability([1, 1, 1, 2, 255, 1], [1, 2, 2, 2, 1, 0], [204, 204, 204, 51, 255, 0])
    assert summary.ece == pytest.approx((3 * (0.8 - 1 / 3) + 1 * (1 - 0.2)) / 4)
    assert [part.accuracy for part in summary.reliability if part.pixels] == [1.0, 1 / 3]
    assert summary.reliability[0].confidence is None
