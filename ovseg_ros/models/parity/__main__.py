"""`python -m ovseg_ros.models.parity FOLDER`: our networks against recorded reference outputs."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.parity.cases import CHECKPOINTS, find_cases
from ovseg_ros.models.parity.catseg import CatSegParity
from ovseg_ros.models.parity.maskclip import check_maskclip
from ovseg_ros.models.parity.reference import LIMIT, Row


def main(argv: Sequence[str] | None = None) -> int:
    """Check a folder; returns 1 where a stage is beyond the limit, 2 where nothing can be run."""
    parser = argparse.ArgumentParser(prog="python -m ovseg_ros.models.parity", description=__doc__)
    parser.add_argument("folder", type=Path, help="laid out as its README says: catseg_base/, ...")
    folder = parser.parse_args(argv).folder
    console = Console()
    failed: list[Row] = []
    try:
        for case, rows in groupby(check_folder(folder), key=lambda row: row.case):
            kept = list(rows)
            console.print(_table(case, kept))
            failed += [row for row in kept if not row.passed]
    except OvsegError as error:
        print(f"ovseg parity: {error}")
        return 2
    for row in failed:
        print(f"ovseg parity: {row.case}, {row.stage}: {row.distance:.2g} is above {LIMIT:g}")
    print("all stages within the limit" if not failed else f"{len(failed)} stages failed")
    return 1 if failed else 0


def check_folder(folder: Path) -> Iterator[Row]:
    """Yield a row for every stage of every case in `folder`; raises `OvsegError`."""
    cases = find_cases(folder)
    parity = CatSegParity()
    for name, network in CHECKPOINTS.items():
        yield from parity.check_keys(folder / name, network)
    for case in sorted(cases, key=lambda c: (c.network.image.layers, c.pooling)):
        yield from parity.check(case)
    yield from check_maskclip(folder)


def _table(case: str, rows: Sequence[Row]) -> Table:
    table = Table("stage", "relative L2", "note", title=case, title_justify="left")
    for row in rows:
        shown = "not comparable" if row.distance is None else f"{row.distance:.2e}"
        table.add_row(row.stage, shown if row.passed else f"[bold red]{shown}[/]", row.note)
    return table


if __name__ == "__main__":
    raise SystemExit(main())
