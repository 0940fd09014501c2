"""Which adapters were in force while a demo ran, and which look the drive had meanwhile."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from ovseg_ros.evaluation.drive import Drive


def mixes_over_time(
    statuses: Sequence[Mapping[str, Any]], start_ns: int, end_ns: int
) -> list[dict[str, Any]]:
    """Return the mix at the start, and each other one at the time it came into force.

    The node reports a switch at once, so the times are right to a few ms. `start_ns` and `end_ns`
    are those of the stream.
    """
    steps: list[dict[str, Any]] = []
    for status in statuses:
        if status["time_ns"] > end_ns:
            break
        step = {
            "at_s": max(0.0, (status["time_ns"] - start_ns) / 1e9),
            "weights": dict(zip(status["adapter_names"], status["adapter_weights"], strict=True)),
            "gate": status["adapter_gate"],
            "entropy_bits": status["adapter_entropy_bits"],
        }
        if steps and steps[-1]["at_s"] == step["at_s"]:
            # Only the last word before the stream begins counts.
            steps.pop()
        if not steps or any(steps[-1][key] != step[key] for key in ("weights", "gate")):
            steps.append(step)
    return steps


def looks_over_time(
    masks: Sequence[Mapping[str, Any]], drive: Drive, start_ns: int
) -> list[dict[str, Any]]:
    """Return the looks of the drive one after the other, with the seconds of their frames."""
    shown = [
        (drive.frames[mask["frame"]].domain, (mask["stamp_ns"] - start_ns) / 1e9)
        for mask in masks
        if mask["frame"] is not None
    ]
    spans: list[dict[str, Any]] = []
    for name, at_s in shown:
        if spans:
            spans[-1]["to_s"] = max(0.0, at_s)
        if not spans or spans[-1]["name"] != name:
            spans.append({"name": name, "from_s": max(0.0, at_s), "to_s": max(0.0, at_s)})
    return spans
