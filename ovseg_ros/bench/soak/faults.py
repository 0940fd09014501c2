"""What goes wrong, when, and in whose hands: drawn from a seed, the same for every process.

Each process reads the whole plan and does its part of it at the moments given, so that one that is
killed and started again goes on where it must, and nobody has to tell it anything.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from enum import Enum


class Fault(str, Enum):
    """One kind of trouble."""

    KILL_NODE = "kill -9 of the node"
    KILL_CAMERA = "kill -9 of the camera"
    KILL_OPERATOR = "kill -9 of the operator"
    KILL_LISTENER = "kill -9 of the listener"
    STALL = "camera stalls"
    RESIZE = "camera changes its size"
    REENCODE = "camera changes its encoding"
    GARBAGE = "garbage among the frames"
    FLOOD = "flood of frames"
    CYCLE = "deactivate, activate"
    RELOAD = "deactivate, cleanup, configure, activate"
    QUERY = "query"
    ADAPTER = "choice of adapters"
    FILES = "adapter files come and go"


KILLS = (Fault.KILL_NODE, Fault.KILL_CAMERA, Fault.KILL_OPERATOR, Fault.KILL_LISTENER)
OF_THE_CAMERA = (Fault.STALL, Fault.RESIZE, Fault.REENCODE, Fault.GARBAGE, Fault.FLOOD)
OF_THE_LIFECYCLE = (Fault.CYCLE, Fault.RELOAD)
OF_THE_OPERATOR = (*OF_THE_LIFECYCLE, Fault.QUERY, Fault.ADAPTER)
# One at a time, so that it is known what the masks came back from.
OUTAGES = (*KILLS, *OF_THE_CAMERA, *OF_THE_LIFECYCLE)

SHORTEST_PAUSE_S, LONGEST_PAUSE_S = 4.0, 15.0
_ROUNDS_WITH_KILLED_NODE, _EVERY_LATER_ROUND = 4, 16
# Mean seconds between two of a kind, beside the outages.
_BESIDE_S = {Fault.QUERY: 1.0, Fault.ADAPTER: 5.0, Fault.FILES: 6.0}


@dataclass(frozen=True)
class PlannedFault:
    """One fault, `at_s` seconds after the start; whoever makes it draws the rest from `seed`."""

    at_s: float
    fault: Fault
    seed: int


def plan_faults(seconds: float, seed: int) -> tuple[PlannedFault, ...]:
    """Return the faults of a soak of `seconds`, in order of time; the same for the same seed.

    Outages come one by one, each kind once in a round and the rounds in any order. After the first
    rounds the node is killed in some only: it has to live for long to show that it does not leak.
    """
    source = random.Random(seed)
    planned = [*_outages(seconds, source)]
    for fault, mean_s in _BESIDE_S.items():
        at_s = source.uniform(0.2, 1.0) * mean_s
        while at_s < seconds:
            planned.append(PlannedFault(at_s, fault, source.getrandbits(32)))
            at_s += source.uniform(0.5, 1.5) * mean_s
    return tuple(sorted(planned, key=lambda each: each.at_s))


def pause_s(seconds: float) -> float:
    """Return the time from one outage to the next: each kind has its turn, however short."""
    return min(LONGEST_PAUSE_S, max(SHORTEST_PAUSE_S, seconds / (len(OUTAGES) + 1)))


def _outages(seconds: float, source: random.Random) -> Iterator[PlannedFault]:
    at_s, number = 0.5 * pause_s(seconds), 0
    while True:
        kinds = [kind for kind in OUTAGES if kind is not Fault.KILL_NODE or _kills_node(number)]
        for fault in source.sample(kinds, len(kinds)):
            # What is broken last needs its time to come back.
            if at_s > seconds - 0.5 * pause_s(seconds):
                return
            yield PlannedFault(at_s, fault, source.getrandbits(32))
            at_s += source.uniform(0.9, 1.1) * pause_s(seconds)
        number += 1


def _kills_node(number: int) -> bool:
    return number < _ROUNDS_WITH_KILLED_NODE or number % _EVERY_LATER_ROUND == 0


def dump_plan(plan: Iterable[PlannedFault]) -> str:
    """Return a plan as JSON, for the processes."""
    return json.dumps([asdict(each) for each in plan])


def load_plan(text: str, kinds: Iterable[Fault]) -> tuple[PlannedFault, ...]:
    """Return what in the JSON of `dump_plan` is of one of `kinds`."""
    wanted = set(kinds)
    entries = [{**entry, "fault": Fault(entry["fault"])} for entry in json.loads(text)]
    return tuple(PlannedFault(**entry) for entry in entries if entry["fault"] in wanted)
