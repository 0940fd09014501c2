"""Ground truth in files beside a bag: a name pattern, or a table of stamps."""

from __future__ import annotations

import csv
import string
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TypeAlias

from ovseg_ros.errors import OvsegError

# What a file of ground truth may be found by: stem, stamp_ns, index, camera.
Facts: TypeAlias = Mapping[str, str | int]
TruthFinder: TypeAlias = Callable[[Facts], Path | None]


def is_pattern(text: str) -> bool:
    """Say whether a --truth is a pattern of file names."""
    return "{" in text


def is_table(text: str) -> bool:
    """Say whether a --truth is a table of stamps."""
    return text.lower().endswith(".csv")


def pattern_finder(pattern: str, known: frozenset[str]) -> TruthFinder:
    """Return what finds files by a pattern such as 'labels/{stamp_ns}.png'; `known` are its fields.

    Raises `OvsegError` for a pattern of other fields or of none.
    """
    try:
        fields = {name for _, name, _, _ in string.Formatter().parse(pattern) if name is not None}
    except ValueError as error:
        raise OvsegError(f"--truth {pattern} is no name pattern: {error}") from None
    if not fields or fields - known:
        raise OvsegError(
            f"--truth {pattern} has the fields {', '.join(sorted(fields)) or 'none'}; here "
            f"there are {', '.join('{' + name + '}' for name in sorted(known))}"
        )

    def find(facts: Facts) -> Path | None:
        try:
            path = Path(pattern.format(**facts))
        except (ValueError, TypeError, AttributeError, KeyError, IndexError) as error:
            raise OvsegError(f"--truth {pattern} cannot be filled in: {error}") from None
        return path if path.is_file() else None

    return find


def table_finder(path: Path) -> TruthFinder:
    """Return what finds files by a CSV with the columns stamp_ns and file, and perhaps camera.

    Files are relative to the table. Raises `OvsegError` for a table of another shape.
    """
    found: dict[tuple[str, int], Path] = {}
    try:
        with path.open(encoding="utf-8", newline="") as stream:
            for row in csv.DictReader(stream):
                key = (row.get("camera") or "", int(row["stamp_ns"]))
                found[key] = path.parent / row["file"]
    except (OSError, UnicodeDecodeError, csv.Error, KeyError, ValueError, TypeError) as error:
        raise OvsegError(
            f"{path} cannot be read as a table of stamps ({type(error).__name__}: {error}); a CSV "
            "with the columns stamp_ns and file was wanted"
        ) from None

    def find(facts: Facts) -> Path | None:
        stamp_ns = int(facts["stamp_ns"])
        return found.get((str(facts["topic"]), stamp_ns)) or found.get(("", stamp_ns))

    return find
