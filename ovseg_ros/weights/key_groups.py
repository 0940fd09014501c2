"""Long lists of parameter names, made readable without losing any."""

from __future__ import annotations

import re
from collections.abc import Iterable

_MOST_GROUPS = 40
_NUMBER = re.compile(r"0|[1-9][0-9]*")
_HOLE = "\0"


def key_groups(keys: Iterable[str]) -> list[str]:
    """Merge names that differ in one number: `a.0.w` to `a.11.w` become `a.{0-11}.w`.

    Several numbers are merged where all their combinations occur, so that nothing is lost and
    nothing is added. The groups come in the order of their first name.
    """
    rows = [tuple(key.split(".")) for key in dict.fromkeys(keys)]
    width = max(map(len, rows), default=0)
    for position in reversed(range(width)):
        rows = _merged(rows, position)
    return [".".join(row) for row in rows]


def grouped(keys: Iterable[str]) -> str:
    """Return `key_groups` as one line, cut with a count where there are very many groups."""
    groups = key_groups(keys)
    shown = ", ".join(groups[:_MOST_GROUPS])
    hidden = len(groups) - _MOST_GROUPS
    return f"{shown} and {hidden} more" if hidden > 0 else shown


def _merged(rows: list[tuple[str, ...]], position: int) -> list[tuple[str, ...]]:
    """Merge the rows that differ only in the number at `position`."""
    numbers: dict[tuple[str, ...], list[int]] = {}
    for row in rows:
        mergeable = len(row) > position and _NUMBER.fullmatch(row[position]) is not None
        template = (*row[:position], _HOLE, *row[position + 1 :]) if mergeable else row
        numbers.setdefault(template, []).extend([int(row[position])] if mergeable else [])
    return [
        (*row[:position], _ranges(found), *row[position + 1 :]) if found else row
        for row, found in numbers.items()
    ]


def _ranges(numbers: list[int]) -> str:
    """[3] as "3", [0, 1, 2, 5] as "{0-2,5}"."""
    runs: list[list[int]] = []
    for number in sorted(numbers):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    text = ",".join(str(r[0]) if len(r) == 1 else f"{r[0]}-{r[-1]}" for r in runs)
    return text if len(numbers) == 1 else f"{{{text}}}"
