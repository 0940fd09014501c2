"""Line charts as SVG text, for reports that must show in a browser and on a repository's pages."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.svg_shapes import COLORS, draw_line, draw_text, round_ticks, svg_element

_MARGIN_LEFT, _MARGIN_RIGHT, _MARGIN_TOP, _MARGIN_BOTTOM = 56, 16, 30, 42


@dataclass(frozen=True)
class Series:
    """One line. A y of None leaves a gap."""

    name: str
    xs: Sequence[float]
    ys: Sequence[float | None]


@dataclass(frozen=True)
class Chart:
    """A chart with its axes. `marks` are vertical lines (x, text); `log2_x` suits doubling x."""

    x_label: str
    y_label: str
    series: tuple[Series, ...]
    marks: tuple[tuple[float, str], ...] = ()
    log2_x: bool = False
    width_px: int = 760
    height_px: int = 240

    def to_svg(self) -> str:
        """Return the chart as one <svg> element."""
        parts = [*self._frame(), *self._marks(), *self._lines(), *self._legend()]
        return svg_element(parts, self.width_px, self.height_px)

    @property
    def _x_values(self) -> list[float]:
        return [x for line in self.series for x in line.xs]

    @property
    def _y_top(self) -> float:
        ys = [y for line in self.series for y in line.ys if y is not None]
        return round_ticks(max(ys, default=1.0) or 1.0)[-1]

    def _x(self, value: float) -> float:
        low, high = min(self._x_values, default=0.0), max(self._x_values, default=1.0)
        if self.log2_x:
            value, low, high = math.log2(value), math.log2(low), math.log2(high)
        span = self.width_px - _MARGIN_LEFT - _MARGIN_RIGHT
        return _MARGIN_LEFT + span * (value - low) / ((high - low) or 1.0)

    def _y(self, value: float) -> float:
        span = self.height_px - _MARGIN_TOP - _MARGIN_BOTTOM
        return self.height_px - _MARGIN_BOTTOM - span * value / self._y_top

    def _frame(self) -> list[str]:
        bottom, right = self.height_px - _MARGIN_BOTTOM, self.width_px - _MARGIN_RIGHT
        parts = []
        for tick in round_ticks(self._y_top):
            y = self._y(tick)
            parts.append(draw_line(_MARGIN_LEFT, y, right, y, "#ddd"))
            parts.append(draw_text(_MARGIN_LEFT - 6, y + 4, f"{tick:g}", "end"))
        for tick in self._x_ticks():
            parts.append(draw_line(self._x(tick), bottom, self._x(tick), bottom + 4, "#666"))
            parts.append(draw_text(self._x(tick), bottom + 16, f"{tick:g}", "middle"))
        parts.append(
            draw_text((_MARGIN_LEFT + right) / 2, self.height_px - 8, self.x_label, "middle")
        )
        parts.append(draw_text(6, 14, self.y_label, "start"))
        return parts

    def _x_ticks(self) -> list[float]:
        values = sorted(set(self._x_values))
        if self.log2_x or len(values) < 2:
            return values
        low = values[0]
        return [low + tick for tick in round_ticks(values[-1] - low) if low + tick <= values[-1]]

    def _marks(self) -> list[str]:
        bottom = self.height_px - _MARGIN_BOTTOM
        return [
            draw_line(self._x(x), _MARGIN_TOP, self._x(x), bottom, "#999", dashed=True)
            + draw_text(self._x(x) + 3, _MARGIN_TOP + 10, text, "start", "#777")
            for x, text in self.marks
        ]

    def _lines(self) -> list[str]:
        parts = []
        for line, color in zip(self.series, COLORS, strict=False):
            points = list(zip(line.xs, line.ys, strict=True))
            for (x0, y0), (x1, y1) in zip(points, points[1:], strict=False):
                if y0 is not None and y1 is not None:
                    ends = (self._x(x0), self._y(y0), self._x(x1), self._y(y1))
                    parts.append(draw_line(*ends, color, width=2))
            for x, y in points:
                if y is not None:
                    at = f'cx="{self._x(x):.1f}" cy="{self._y(y):.1f}"'
                    parts.append(f'<circle {at} r="2.5" fill="{color}"/>')
        return parts

    def _legend(self) -> list[str]:
        parts, x = [], float(self.width_px - _MARGIN_RIGHT)
        for line, color in reversed(list(zip(self.series, COLORS, strict=False))):
            x -= 7 * len(line.name) + 24
            parts.append(draw_line(x, 12, x + 14, 12, color, width=3))
            parts.append(draw_text(x + 18, 16, line.name, "start"))
        return parts
