"""From faults and masks to times of recovery and silences without a reason."""

import pytest

from ovseg_ros.bench.soak.evidence import MadeFault
from ovseg_ros.bench.soak.faults import Fault
from ovseg_ros.bench.soak.recovery import longest_silences, recoveries

S = 1_000_000_000


def masks(*seconds, delay_s=0.05):
    """Return (stamp, reception) of masks whose frames were stamped at these seconds."""
    return [(int(s * S), int((s + delay_s) * S)) for s in seconds]


def made(began_s, ended_s=None, fault=Fault.KILL_NODE):
    return MadeFault(fault, began_s * S, (began_s if ended_s is None else ended_s) * S)


@pytest.mark.parametrize(
    ("faults", "heard", "seconds"),
    [
        pytest.param([made(10)], masks(9, 9.97, 12, 13), [2.05], id="not-the-one-under-way"),
        pytest.param([made(10, 14)], masks(9, 14.5), [0.55], id="from-the-end-of-the-cause"),
        pytest.param([made(10), made(20)], masks(9, 21), [None, 1.05], id="not-before-the-next"),
        pytest.param([made(10)], masks(9), [None], id="never"),
        pytest.param([], masks(9), [], id="no-fault"),
    ],
)
def test_recovery_is_the_first_mask_of_a_younger_frame(faults, heard, seconds):
    found = recoveries(faults, heard, 30 * S)
    assert [each.seconds and round(each.seconds, 6) for each in found] == seconds


def test_a_silence_counts_unless_a_fault_explains_it():
    heard = masks(1, 2, 5, 6, 16, 17, 19.5)
    found = recoveries([made(6), made(8)], heard, 30 * S)
    silences = longest_silences(heard, found, 2)
    assert [each.seconds for each in silences] == pytest.approx([3.0, 2.5])
    assert silences[0].began_ns == int(2.05 * S)
    assert longest_silences(masks(1), [], 5) == []
