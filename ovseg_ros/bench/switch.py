"""What a change of adapters costs the frames around it, in the node at camera rate."""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from ovseg_ros.bench.material import SIZE_PX
from ovseg_ros.bench.node import LABELS, RATE_HZ
from ovseg_ros.bench.results import BenchResult, Claim, table
from ovseg_ros.demo.events import Event
from ovseg_ros.demo.run import nouns_by_frequency
from ovseg_ros.demo.script import Door, Step
from ovseg_ros.demo.session import SessionPlan, SessionResult, run_session
from ovseg_ros.errors import AdapterError
from ovseg_ros.evaluation.drive import open_drive
from ovseg_ros.percentiles import percentiles

_MOST_RATIO = 1.1
# Frames of a switch: the one under way when it is asked for, the first under it, and the next.
_FRAMES_OF_SWITCH = 3
_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S = 0.6, 1.0


def bench_switch(
    drive_path: Path,
    package: str,
    adapters: Sequence[str],
    switches: int,
    work: Path,
    on_event: Callable[[str, Event], None],
    seed: int = 0,
) -> BenchResult:
    """Pin other `adapters` `switches` times at random moments while frames stream at 15 Hz.

    Raises `AdapterError` where there are fewer than two adapters to change between.
    """
    labels = nouns_by_frequency(open_drive(drive_path))[:LABELS]
    steps = switch_script("; ".join(labels), adapters, switches, random.Random(seed))
    seconds = steps[-1].at_s + 2.0
    plan = SessionPlan(
        drive_path,
        seconds,
        steps,
        package,
        rate_hz=RATE_HZ,
        raw_size_px=SIZE_PX,
        node_parameters={"adapter.mode": "none"},
    )
    result = run_session(plan, work, on_event)
    numbers = _numbers(result)
    return BenchResult(
        name="switch",
        title=f"Frames around {switches} changes of adapters, 640x480 at {RATE_HZ:g} Hz",
        data={"adapters": list(adapters), "seconds": seconds, **numbers},
        body=_body(numbers, adapters),
        charts={},
        claims=_claims(numbers, switches),
    )


def switch_script(
    query: str, adapters: Sequence[str], switches: int, source: random.Random
) -> tuple[Step, ...]:
    """Return a first query and `switches` choices, none of them the same as the one before.

    A choice is an adapter alone, two of them in random shares, or none.
    """
    if len(adapters) < 2:
        raise AdapterError(
            f"{len(adapters)} adapters change something in this package; at least two were wanted: "
            "`ovseg adapters list`"
        )
    steps, at_s, before = [Step(0.0, Door.SERVICE, query)], 2.0, "none"
    for _ in range(switches):
        at_s += source.uniform(_SHORTEST_PAUSE_S, _LONGEST_PAUSE_S)
        first, second = source.sample(list(adapters), 2)
        share = round(source.uniform(0.2, 0.8), 2)
        choices = ["none", first, f"{first}={share:g},{second}={1 - share:.2f}"]
        before = source.choice([choice for choice in choices if choice != before])
        steps.append(Step(at_s, Door.ADAPTER, before))
    return tuple(steps)


def frames_at_switches(
    masks: Sequence[Mapping[str, Any]], choices: Sequence[Mapping[str, Any]]
) -> set[int]:
    """Return the numbers of the masks that a choice could have delayed.

    For each choice: those published from the moment it was sent, `_FRAMES_OF_SWITCH` of them.
    """
    published = [mask["published_ns"] for mask in masks]
    numbers: set[int] = set()
    for choice in choices:
        first = sum(at_ns < choice["sent_ns"] for at_ns in published)
        numbers.update(range(first, min(first + _FRAMES_OF_SWITCH, len(masks))))
    return numbers


def _numbers(result: SessionResult) -> dict[str, Any]:
    masks, choices = result.recording["masks"], result.adapter_choices
    near = frames_at_switches(masks, choices)
    ages = [(mask["published_ns"] - mask["stamp_ns"]) / 1e6 for mask in masks]
    status = result.final_status
    answers = [(choice["answered_ns"] - choice["sent_ns"]) / 1e6 for choice in choices]
    return {
        "sent": result.sent,
        "masks": len(masks),
        "replaced": status.get("replaced"),
        "superseded": status.get("superseded"),
        "accepted": sum(bool(choice["accepted"]) for choice in choices),
        "adapter_switches": status.get("adapter_switches"),
        **percentiles("answer", answers),
        "frames_at_switch": len(near),
        **percentiles("switch", [age for i, age in enumerate(ages) if i in near]),
        "frames_steady": len(masks) - len(near),
        **percentiles("steady", [age for i, age in enumerate(ages) if i not in near]),
    }


def _claims(n: dict[str, Any], switches: int) -> tuple[Claim, ...]:
    ratio = n["switch_p99_ms"] / n["steady_p99_ms"]
    return (
        Claim(
            "age of a mask at a switch against steady state, p99",
            f"at most {_MOST_RATIO:g} times",
            f"{ratio:.2f} times ({n['switch_p99_ms']:.1f} and {n['steady_p99_ms']:.1f} ms)",
            ratio <= _MOST_RATIO,
        ),
        Claim("frames lost", "0", str(n["sent"] - n["masks"]), n["sent"] == n["masks"]),
        Claim(
            "every choice comes into force",
            f"{switches} switches",
            f"{n['accepted']} accepted, {n['adapter_switches']} switches",
            n["accepted"] == switches == n["adapter_switches"],
        ),
    )


def _body(n: dict[str, Any], adapters: Sequence[str]) -> str:
    rows = [
        (
            words,
            n[f"frames_{frames}"] if frames else n["accepted"],
            *(f"{n[f'{key}_{p}_ms']:.1f}" for p in ("p50", "p95", "p99", "max")),
        )
        for words, key, frames in (
            ("age when published, at a switch, ms", "switch", "at_switch"),
            ("age when published, otherwise, ms", "steady", "steady"),
            ("answer to `~/set_adapter`, ms", "answer", ""),
        )
    ]
    return (
        f"Every {_SHORTEST_PAUSE_S:g} to {_LONGEST_PAUSE_S:g} s `~/set_adapter` pins something else"
        f": one of {', '.join(adapters)}, two of them in random shares, or none, so that the rank "
        "of the factors changes too. Frames at a switch are the one under way when it is asked for "
        "and the two after it.\n\n" + table(("", "number", "p50", "p95", "p99", "max"), rows)
    )
