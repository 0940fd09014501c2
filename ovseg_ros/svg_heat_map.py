"""A matrix of shares as an SVG picture, for reports beside the line charts."""

from __future__ import annotations

import html
from collections.abc import Sequence
from dataclasses import dataclass

from ovseg_ros.svg_shapes import draw_text, svg_element

_CELL_W, _CELL_H = 64, 30
_LEFT, _TOP, _RIGHT, _BOTTOM = 150, 96, 40, 12
_DARK = (11, 110, 153)


@dataclass(frozen=True)
class HeatMap:
    """Shares 0..1 by row and column; `corner` says what rows and columns are."""

    corner: str
    rows: Sequence[str]
    columns: Sequence[str]
    shares: Sequence[Sequence[float]]

    def to_svg(self) -> str:
        """Return the picture as one <svg> element."""
        width = _LEFT + _CELL_W * len(self.columns) + _RIGHT
        height = _TOP + _CELL_H * len(self.rows) + _BOTTOM
        parts = [draw_text(8, 16, self.corner, "start"), *self._heads(), *self._cells()]
        return svg_element(parts, width, height)

    def _heads(self) -> list[str]:
        rows = [
            draw_text(_LEFT - 8, _TOP + _CELL_H * i + _CELL_H // 2 + 4, name, "end")
            for i, name in enumerate(self.rows)
        ]
        columns = []
        for j, name in enumerate(self.columns):
            x, y = _LEFT + _CELL_W * j + _CELL_W // 2, _TOP - 8
            columns.append(
                f'<text x="{x}" y="{y}" fill="#333" transform="rotate(-35 {x} {y})">'
                f"{html.escape(name)}</text>"
            )
        return rows + columns

    def _cells(self) -> list[str]:
        parts = []
        for i, row in enumerate(self.shares):
            for j, share in enumerate(row):
                x, y = _LEFT + _CELL_W * j, _TOP + _CELL_H * i
                color = ",".join(str(round(255 + (dark - 255) * share)) for dark in _DARK)
                parts.append(
                    f'<rect x="{x}" y="{y}" width="{_CELL_W}" height="{_CELL_H}" '
                    f'fill="rgb({color})" stroke="#ddd"/>'
                )
                if share > 0:
                    ink = "#fff" if share > 0.55 else "#333"
                    at_x, at_y = x + _CELL_W // 2, y + _CELL_H // 2 + 4
                    parts.append(draw_text(at_x, at_y, f"{share:.2f}", "middle", ink))
        return parts
