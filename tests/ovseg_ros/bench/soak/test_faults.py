"""The plan of a soak: drawn from a seed, every kind in turn, the node killed less often later."""

from collections import Counter

import pytest

from ovseg_ros.bench.soak.faults import OUTAGES, Fault, dump_plan, load_plan, plan_faults


def test_the_same_seed_is_the_same_plan():
    assert plan_faults(600, 7) == plan_faults(600, 7)
    assert plan_faults(600, 7) != plan_faults(600, 8)


@pytest.mark.parametrize("seconds", [60, 180, 3600])
def test_every_kind_has_its_turn_and_time_to_come_back(seconds):
    plan = plan_faults(seconds, 0)
    assert {planned.fault for planned in plan} == set(Fault)
    times = [planned.at_s for planned in plan]
    assert times == sorted(times)
    assert times[0] > 0
    assert times[-1] < seconds
    outages = [planned.at_s for planned in plan if planned.fault in OUTAGES]
    pauses = [later - sooner for sooner, later in zip(outages, outages[1:], strict=False)]
    assert min(pauses) > 3
    assert seconds - outages[-1] > 1.9


def test_the_node_is_left_alone_for_longer_after_a_while():
    killed = [p.at_s for p in plan_faults(3600, 0) if p.fault is Fault.KILL_NODE]
    others = Counter(p.fault for p in plan_faults(3600, 0))
    lives = [b - a for a, b in zip(killed, [*killed[1:], 3600], strict=True)]
    assert len(killed) >= 5
    assert max(lives) > 900
    assert others[Fault.KILL_CAMERA] > 2 * len(killed)


def test_a_process_reads_its_own_part_of_the_plan():
    plan = plan_faults(120, 3)
    mine = load_plan(dump_plan(plan), [Fault.STALL, Fault.FLOOD])
    assert mine == tuple(p for p in plan if p.fault in (Fault.STALL, Fault.FLOOD))
