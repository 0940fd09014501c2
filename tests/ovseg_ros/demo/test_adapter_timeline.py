"""From reports and masks to the timeline of adapters and looks."""

import pytest
from generated_drive import write_drive

from ovseg_ros.demo.adapter_timeline import looks_over_time, mixes_over_time
from ovseg_ros.evaluation.drive import open_drive

S = 10**9


def status(at_s, weights, gate=""):
    return {
        "time_ns": round(at_s * S),
        "adapter_names": list(weights),
        "adapter_weights": list(weights.values()),
        "adapter_gate": gate,
        "adapter_entropy_bits": 0.0,
    }


def test_every_mix_has_the_time_at_which_it_came_into_force():
    statuses = [
        status(90, {}, "waiting"),
        status(95, {"fog": 1.0}),
        status(100.5, {"fog": 1.0}),
        status(101.0, {"fog": 0.5, "night": 0.5}),
        status(101.5, {"fog": 0.5, "night": 0.5}),
        status(102.0, {}, "no near adapter"),
        status(111.0, {"night": 1.0}),
    ]
    found = mixes_over_time(statuses, 100 * S, 110 * S)
    assert [step["at_s"] for step in found] == [0.0, 1.0, 2.0]
    assert [step["weights"] for step in found] == [{"fog": 1.0}, {"fog": 0.5, "night": 0.5}, {}]
    assert found[-1]["gate"] == "no near adapter"


def test_looks_follow_each_other_without_a_gap(tmp_path):
    drive = open_drive(write_drive(tmp_path / "bag", frames=4))
    shown = [(0, 10.0), (1, 10.1), (None, 10.15), (2, 10.2), (3, 10.3), (0, 10.4)]
    masks = [{"frame": frame, "stamp_ns": round(at_s * S)} for frame, at_s in shown]
    looks = looks_over_time(masks, drive, 10 * S)
    assert [look["name"] for look in looks] == ["day", "night", "day"]
    edges = [(look["from_s"], look["to_s"]) for look in looks]
    assert edges[0] == pytest.approx((0.0, 0.2))
    assert edges[1] == pytest.approx((0.2, 0.4))
    assert looks_over_time([], drive, 0) == []
