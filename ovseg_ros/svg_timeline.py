"""Shares over time as stacked areas in SVG text, under a strip that names the spans of time."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.svg_shapes import COLORS, draw_line, draw_text, round_ticks, svg_element

_LEFT, _RIGHT, _TOP, _BOTTOM, _STRIP_PX = 56, 16, 48, 42, 18
_TINTS = ("#e9ecef", "#d5dbe1")


@dataclass(frozen=True)
class Area:
    """One layer: its share, 0 to 1, from each step of the timeline to the next one."""

    name: str
    shares: Sequence[float]


@dataclass(frozen=True)
class Span:
    """A named span of time, seconds."""

    name: str
    from_s: float
    to_s: float


@dataclass(frozen=True)
class Timeline:
    """Shares that stay as they are from one of `steps_s` to the next; the last until `end_s`.

    What the areas lack to 1 stays white, and is called `rest`.
    """

    steps_s: Sequence[float]
    end_s: float
    areas: tuple[Area, ...]
    spans: tuple[Span, ...]
    rest: str
    width_px: int = 760
    height_px: int = 220

    def to_svg(self) -> str:
        """Return the timeline as one <svg> element."""
        parts = [*self._stack(), *self._strip(), *self._axes(), *self._legend()]
        return svg_element(parts, self.width_px, self.height_px)

    def _x(self, at_s: float) -> float:
        span = self.width_px - _LEFT - _RIGHT
        return _LEFT + span * min(max(at_s / (self.end_s or 1.0), 0.0), 1.0)

    def _y(self, share: float) -> float:
        return self.height_px - _BOTTOM - (self.height_px - _TOP - _BOTTOM) * share

    def _stack(self) -> list[str]:
        parts = []
        floor = [0.0] * len(self.steps_s)
        for place, area in enumerate(self.areas):
            top = [low + share for low, share in zip(floor, area.shares, strict=True)]
            outline = [*self._edge(top), *reversed(self._edge(floor))]
            points = " ".join(f"{x:.1f},{y:.1f}" for x, y in outline)
            parts.append(f'<polygon points="{points}" fill="{_color(place)}" fill-opacity="0.8"/>')
            floor = top
        return parts

    def _edge(self, shares: Sequence[float]) -> list[tuple[float, float]]:
        """Return the corners of a line of steps."""
        ends_s = [*self.steps_s[1:], self.end_s]
        return [
            (self._x(at_s), self._y(share))
            for start_s, end_s, share in zip(self.steps_s, ends_s, shares, strict=True)
            for at_s in (start_s, end_s)
        ]

    def _strip(self) -> list[str]:
        parts = []
        bottom, top = self.height_px - _BOTTOM, _TOP - _STRIP_PX - 4
        for place, span in enumerate(self.spans):
            left, right = self._x(span.from_s), self._x(span.to_s)
            parts.append(
                f'<rect x="{left:.1f}" y="{top}" width="{right - left:.1f}" height="{_STRIP_PX}" '
                f'fill="{_TINTS[place % len(_TINTS)]}"/>'
            )
            parts.append(draw_text((left + right) / 2, top + 13, span.name, "middle"))
            parts.append(draw_line(left, top, left, bottom, "#999", dashed=True))
        return parts

    def _axes(self) -> list[str]:
        bottom, right = self.height_px - _BOTTOM, self.width_px - _RIGHT
        parts = [draw_line(_LEFT, bottom, right, bottom, "#666")]
        for share in (0.0, 0.5, 1.0):
            parts.append(draw_text(_LEFT - 6, self._y(share) + 4, f"{share:g}", "end"))
        for tick in round_ticks(self.end_s or 1.0):
            if tick <= self.end_s:
                x = self._x(tick)
                parts.append(draw_line(x, bottom, x, bottom + 4, "#666"))
                parts.append(draw_text(x, bottom + 16, f"{tick:g}", "middle"))
        parts.append(draw_text((_LEFT + right) / 2, self.height_px - 8, "seconds", "middle"))
        return parts

    def _legend(self) -> list[str]:
        parts, x = [draw_text(6, 14, "share of the mix", "start")], float(_LEFT + 80)
        for place, area in enumerate(self.areas):
            parts.append(draw_line(x, 10, x + 14, 10, _color(place), width=8))
            parts.append(draw_text(x + 18, 14, area.name, "start"))
            x += 7 * len(area.name) + 30
        parts.append(draw_text(x, 14, f"white: {self.rest}", "start", "#777"))
        return parts


def _color(place: int) -> str:
    return COLORS[place % len(COLORS)]
