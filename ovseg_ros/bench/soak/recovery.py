"""How long the masks stayed away: after each fault, and when there was no reason to."""

from __future__ import annotations

import bisect
import itertools
from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.bench.soak.evidence import MadeFault


@dataclass(frozen=True)
class Recovery:
    """A fault and when it was over: `until_ns`, when the first mask was received.

    None where no mask came before the next fault, or the end of the soak.
    """

    made: MadeFault
    until_ns: int | None

    @property
    def seconds(self) -> float | None:
        """The time from the end of the cause to the first mask; None where there was none."""
        return None if self.until_ns is None else (self.until_ns - self.made.ended_ns) / 1e9


def recoveries(
    faults: Sequence[MadeFault], masks: Sequence[tuple[int, int]], end_ns: int
) -> list[Recovery]:
    """Return for each fault when the first mask of a frame came that is younger than its cause.

    `masks` are (stamp, reception) in ns since the epoch, in order of reception; `end_ns` is the end
    of the soak.
    """
    ordered = sorted(faults, key=lambda made: made.began_ns)
    # One more end than faults where there are none.
    ends = [*(made.began_ns for made in ordered[1:]), end_ns]
    return [
        Recovery(made, _first_mask_ns(made, masks, end))
        for made, end in zip(ordered, ends, strict=False)
    ]


def _first_mask_ns(made: MadeFault, masks: Sequence[tuple[int, int]], before_ns: int) -> int | None:
    start = bisect.bisect_left(masks, made.ended_ns, key=lambda mask: mask[1])
    for stamp_ns, received_ns in masks[start:]:
        if received_ns > before_ns:
            break
        if stamp_ns >= made.ended_ns:
            return received_ns
    return None


@dataclass(frozen=True)
class Silence:
    """Two masks after one another: when the first was received, and for how long none came."""

    began_ns: int
    seconds: float


def longest_silences(
    masks: Sequence[tuple[int, int]], found: Sequence[Recovery], count: int
) -> list[Silence]:
    """Return the `count` longest times between two masks that no fault explains, longest first.

    A fault explains the silences that touch the time from its beginning to the first mask after it.
    """
    received = [received_ns for _, received_ns in masks]
    gaps = sorted(
        zip(received, received[1:], strict=False), key=lambda gap: gap[1] - gap[0], reverse=True
    )
    silences = (
        Silence(before_ns, (after_ns - before_ns) / 1e9)
        for before_ns, after_ns in gaps
        if not any(_touches(each, before_ns, after_ns) for each in found)
    )
    return list(itertools.islice(silences, count))


def _touches(each: Recovery, before_ns: int, after_ns: int) -> bool:
    until_ns = each.until_ns
    return each.made.began_ns <= after_ns and (until_ns is None or before_ns <= until_ns)
