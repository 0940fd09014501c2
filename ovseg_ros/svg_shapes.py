"""The parts that charts are drawn with, as SVG text."""

from __future__ import annotations

import html
import math
from collections.abc import Iterable

COLORS = ("#0b6e99", "#d9730d", "#448361", "#9065b0", "#c14c8a")


def svg_element(parts: Iterable[str], width_px: int, height_px: int) -> str:
    """Return one <svg> element with `parts` on white."""
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width_px} {height_px}" '
        f'width="{width_px}" height="{height_px}" font-family="sans-serif" font-size="11">'
        f'<rect width="100%" height="100%" fill="#fff"/>{"".join(parts)}</svg>'
    )


def round_ticks(top: float) -> list[float]:
    """Return 0 and round steps up to the first one at or above `top`."""
    rough = top / 5
    power = 10.0 ** math.floor(math.log10(rough)) if rough > 0 else 1.0
    step = next(m * power for m in (1, 2, 2.5, 5, 10) if m * power >= rough * 0.999)
    return [round(i * step, 10) for i in range(math.ceil(top / step - 1e-9) + 1)]


def draw_line(
    x0: float, y0: float, x1: float, y1: float, color: str, width: int = 1, dashed: bool = False
) -> str:
    """Return a line from (x0, y0) to (x1, y1), px."""
    dash = ' stroke-dasharray="4 3"' if dashed else ""
    return (
        f'<line x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}" '
        f'stroke="{color}" stroke-width="{width}"{dash}/>'
    )


def draw_text(x: float, y: float, text: str, anchor: str, color: str = "#333") -> str:
    """Return `text`, escaped, whose `anchor` (start, middle or end) is at (x, y), px."""
    return (
        f'<text x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{color}">'
        f"{html.escape(text)}</text>"
    )
