"""The claims of a soak: each is missed for its own reason."""

from collections import Counter

import pytest

from ovseg_ros.bench.soak.evidence import Evidence, MadeFault, NodeLife
from ovseg_ros.bench.soak.faults import Fault
from ovseg_ros.bench.soak.report import soak_result
from ovseg_ros.process_status import ProcessStatus

S = 1_000_000_000


def evidence(seconds=1300, **changes):
    """Return the evidence of a quiet soak in which the node was killed once, after 100 s."""
    stamps = [(n * S // 10, n * S // 10 + S // 50) for n in range(10 * seconds)]
    samples = [ProcessStatus(280.0, 60.0, 300.0, 30, 60) for _ in range(seconds)]
    fields = {
        "ended_ns": seconds * S,
        "faults": [MadeFault(Fault.KILL_NODE, 100 * S, 100 * S)],
        "masks": [pair for pair in stamps if not 100 * S <= pair[0] < 103 * S],
        "answers_ms": [3.0],
        "lives": [NodeLife(0, [n * S for n in range(seconds)], samples)],
        **changes,
    }
    return Evidence(**fields)


def test_a_quiet_soak_meets_every_claim():
    result = soak_result(evidence(), 15, seed=4)
    assert [claim.what for claim in result.claims if not claim.met] == []
    assert result.data["faults"]["kill -9 of the node"]["max_s"] == pytest.approx(3.02)
    assert result.data["longest_silence_s"] == pytest.approx(0.1)
    assert result.data["node_lives"][0]["slope_mb_h"] == 0
    assert "kill -9 of the node" in result.body
    assert result.charts["soak.svg"].startswith("<svg")


LEAK = [ProcessStatus(280 + n / 30, 9.0, 300.0, 30 + n // 100, 60 + n // 50) for n in range(1300)]


@pytest.mark.parametrize(
    ("changes", "missed"),
    [
        ({"incidents": ["the node died"]}, ["processes that died, hung or answered wrongly"]),
        ({"broken": Counter({"a rule": 2})}, ["broken rules of masks"]),
        ({"answers_ms": [20_000.0]}, ["slowest answer of the node, s"]),
        ({"faults": []}, ["longest silence without a reason, s"]),
        (
            {"faults": [MadeFault(Fault.STALL, 1290 * S, 1299 * S + S - 1)]},
            ["faults that no mask came back from", "longest silence without a reason, s"],
        ),
        (
            {"lives": [NodeLife(0, [n * S for n in range(1300)], LEAK)]},
            [
                "slope of the node's own memory, MB per hour",
                "open files of the node, more at its end",
                "threads of the node, more at its end",
            ],
        ),
    ],
)
def test_a_claim_that_is_missed_is_named(changes, missed):
    result = soak_result(evidence(**changes), 15, seed=4)
    assert [claim.what for claim in result.claims if not claim.met] == missed
