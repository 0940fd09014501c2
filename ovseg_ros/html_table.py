"""Tables and numbers of the pages that this project writes."""

from __future__ import annotations

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Cell:
    """A cell that is more than text.

    `number` is what the cell sorts by, and puts it to the right; `share` 0..1 draws a bar behind
    it; `classes` are for the style sheet; `link` leads to an element of the page.
    """

    text: str
    number: float | None = None
    share: float | None = None
    classes: str = ""
    link: str = ""

    def to_html(self) -> str:
        """Return the cell, escaped."""
        classes = " ".join(filter(None, (self.classes, "" if self.number is None else "number")))
        attributes = f' class="{html.escape(classes)}"' if classes else ""
        if self.number is not None:
            attributes += f' data-value="{self.number:.9g}"'
        if self.share is not None:
            attributes += f' style="--share:{100 * min(max(self.share, 0.0), 1.0):.1f}%"'
        text = html.escape(self.text)
        if self.link:
            text = f'<a href="#{html.escape(self.link)}">{text}</a>'
        return f"<td{attributes}>{text}</td>"


def table(
    head: Sequence[str],
    rows: Iterable[Sequence[Any]],
    classes: str = "",
    row_attributes: Iterable[str] = (),
) -> str:
    """Return a table of text and `Cell`s, escaped.

    `row_attributes` are put into the tags of the rows as they are; none, or one per row.
    """
    rows = list(rows)
    first = rows[0] if rows else [""] * len(head)
    heads = "".join(_head(*pair) for pair in zip(head, first, strict=True))
    attributes = iter(row_attributes)
    body = "".join(f"<tr{next(attributes, '')}>{''.join(map(_cell, cells))}</tr>" for cells in rows)
    marked = f' class="{html.escape(classes)}"' if classes else ""
    return f"<table{marked}><thead><tr>{heads}</tr></thead><tbody>{body}</tbody></table>"


def shown(value: float | None, digits: int) -> str:
    """Return a number, or a dash where there is none."""
    return "-" if value is None else f"{value:.{digits}f}"


def _head(text: str, below: Any) -> str:
    numeric = isinstance(below, Cell) and below.number is not None
    return f"<th{' class=number' if numeric else ''}>{html.escape(str(text))}</th>"


def _cell(cell: Any) -> str:
    if isinstance(cell, Cell):
        return cell.to_html()
    return f"<td>{html.escape(str(cell))}</td>"
