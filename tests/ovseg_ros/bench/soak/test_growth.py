"""Whether a process grows, from samples with noise."""

import numpy as np
import pytest

from ovseg_ros.bench.soak.evidence import NodeLife
from ovseg_ros.bench.soak.growth import WARM_UP_S, growth_of, slope
from ovseg_ros.process_status import ProcessStatus

S = 1_000_000_000


def life(seconds, mb_per_hour=0.0):
    """Return a life in which memory grows fast at first, then as told, and jumps now and then."""
    noise = np.random.default_rng(0).normal(0, 1, seconds)
    samples = [
        ProcessStatus(
            rss_mb=200
            + min(s, WARM_UP_S)
            + mb_per_hour * s / 3600
            + noise[s]
            + 50 * (s % 7 == 0)
            + s / 20,
            shared_mb=s / 20,
            peak_rss_mb=400.0,
            threads=30,
            files=40 + s // 600,
        )
        for s in range(seconds)
    ]
    return NodeLife(5 * S, [(5 + s) * S for s in range(seconds)], samples)


@pytest.mark.parametrize("mb_per_hour", [0.0, 36.0])
def test_a_leak_is_told_from_noise(mb_per_hour):
    growth = growth_of(life(1800, mb_per_hour))
    assert growth.slope_mb_h == pytest.approx(mb_per_hour, abs=3)
    assert growth.threads == (30, 30)
    assert growth.files == (40, 42)
    assert growth.peak_rss_mb == 400
    assert growth.shared_mb[1] > growth.shared_mb[0]


def test_short_lives_have_no_slope_and_very_short_ones_nothing():
    assert growth_of(life(1000)).slope_mb_h is None
    assert growth_of(life(int(WARM_UP_S) + 2)) is None


def test_the_slope_is_that_of_the_line():
    xs = np.arange(5000.0)
    assert slope(xs, 3 * xs + 1) == pytest.approx(3)
