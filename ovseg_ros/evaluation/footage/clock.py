"""The clock of a camera: where its stamps jump, the drive is cut in two."""

from __future__ import annotations

from collections.abc import Sequence

_GAP_STEPS, _SHORTEST_GAP_NS = 5, 500_000_000
_MOST_NOTES = 4


def cuts_of(stamps_ns: Sequence[int]) -> tuple[int, ...]:
    """Return the places before which the clock goes back, or forward by far more than it does.

    Far more is five times the median step, and at least half a second.
    """
    steps = [b - a for a, b in zip(stamps_ns, stamps_ns[1:], strict=False)]
    forward = sorted(step for step in steps if step > 0)
    usual = forward[len(forward) // 2] if forward else 0
    largest = max(_SHORTEST_GAP_NS, _GAP_STEPS * usual)
    return tuple(i for i, step in enumerate(steps, start=1) if step < 0 or step > largest)


def clock_notes(camera: str, stamps_ns: Sequence[int], cuts: Sequence[int]) -> tuple[str, ...]:
    """Return a sentence for each of the first cuts, and one for the others."""
    notes = []
    for place in cuts[:_MOST_NOTES]:
        seconds = (stamps_ns[place] - stamps_ns[place - 1]) / 1e9
        what = f"go back by {-seconds:.3f} s" if seconds < 0 else f"jump ahead by {seconds:.3f} s"
        notes.append(
            f"{camera}: the stamps {what} before frame {place}; frames are used as they "
            "come, flicker is not counted across"
        )
    if len(cuts) > _MOST_NOTES:
        notes.append(f"{camera}: the stamps jump {len(cuts) - _MOST_NOTES} more times")
    return tuple(notes)
