"""Everything that a soak has seen: what was done to the processes, and what became of the masks."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from ovseg_ros.bench.soak.faults import Fault
from ovseg_ros.process_status import ProcessStatus


@dataclass(frozen=True)
class MadeFault:
    """A fault that was made. Times are ns since the epoch; from `ended_ns` on the cause is gone."""

    fault: Fault
    began_ns: int
    ended_ns: int


@dataclass
class NodeLife:
    """One process of the node: when it was started, and a sample about once a second."""

    born_ns: int
    sampled_ns: list[int] = field(default_factory=list)
    samples: list[ProcessStatus] = field(default_factory=list)


@dataclass
class Evidence:
    """Fills up while the soak runs. `masks` are (stamp, reception) in ns since the epoch.

    `incidents` are in words what must not happen at all: processes that died by themselves, a node
    that no longer answers, wrong answers.
    """

    started_ns: int = 0
    ended_ns: int = 0
    faults: list[MadeFault] = field(default_factory=list)
    masks: list[tuple[int, int]] = field(default_factory=list)
    broken: Counter[str] = field(default_factory=Counter)
    counts: Counter[str] = field(default_factory=Counter)
    answers_ms: list[float] = field(default_factory=list)
    incidents: list[str] = field(default_factory=list)
    lives: list[NodeLife] = field(default_factory=list)
    leftovers: int = 0
