"""The part of the demo's page, and the line on the terminal, that tell of adapters."""

from __future__ import annotations

import html
from collections.abc import Mapping
from typing import Any

from ovseg_ros.html_table import shown, table
from ovseg_ros.svg_timeline import Area, Span, Timeline


def adapter_section(adapters: Mapping[str, Any]) -> str:
    """Return the timeline of weights and what following the scene was worth, as HTML."""
    if not adapters["available"]:
        return f"<p>{html.escape(adapters['library'])}: the base model ran alone.</p>"
    parts = [
        f"<p>{html.escape(adapters['library'])}. The node chose among them by the scene; nobody "
        f"told it what the drive shows. Switches: {adapters['switches']}.</p>",
        weights_timeline(adapters).to_svg(),
    ]
    compared = adapters["comparison"]
    if compared is not None:
        parts += [
            "<p>mIoU with the selection on, and of the base model on the same frames under the "
            f"same queries ({compared['frames']} frames, segmented again after the run).</p>",
            _comparison(compared),
        ]
    return "".join(parts)


def adapter_line(adapters: Mapping[str, Any]) -> str:
    """Return the same in one line for a terminal."""
    if not adapters["available"]:
        return f"{adapters['library']}: the base model ran alone"
    switches = f"switches of adapters: {adapters['switches']}"
    compared = adapters["comparison"]
    if compared is None:
        return switches
    scores = {"all": compared["all"], **compared["looks"]}
    pairs = ", ".join(
        f"{name} {shown(score['on'], 3)} / {shown(score['off'], 3)}"
        for name, score in scores.items()
    )
    return f"{switches}; mIoU with selection on / off: {pairs}"


def weights_timeline(adapters: Mapping[str, Any]) -> Timeline:
    """Return the weights over time under the looks of the drive."""
    steps = adapters["timeline"]
    names = dict.fromkeys(name for step in steps for name in step["weights"])
    return Timeline(
        steps_s=[step["at_s"] for step in steps],
        end_s=adapters["seconds"],
        areas=tuple(
            Area(name, [step["weights"].get(name, 0.0) for step in steps]) for name in names
        ),
        spans=tuple(Span(**look) for look in adapters["looks"]),
        rest="base model",
    )


def _comparison(compared: Mapping[str, Any]) -> str:
    scores = {**compared["looks"], "all": compared["all"]}
    rows = [
        (name, shown(score["on"], 3), shown(score["off"], 3), _gain(score))
        for name, score in scores.items()
    ]
    return table(("look", "selection on", "selection off", "gain, points"), rows)


def _gain(score: Mapping[str, float | None]) -> str:
    if score["on"] is None or score["off"] is None:
        return "-"
    return f"{100 * (score['on'] - score['off']):+.1f}"
