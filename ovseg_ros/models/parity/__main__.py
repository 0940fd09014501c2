"""`python -m ovseg_ros.models.parity FOLDER`: our networks against recorded reference outputs."""

from __future__ import annotations

import argparse
import shlex
import sys
from collections.abc import Iterator, Sequence
from itertools import groupby
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ovseg_ros.bench.results import BenchResult, Claim, table, write_result
from ovseg_ros.errors import OvsegError
from ovseg_ros.models.parity.cases import CHECKPOINTS, find_cases
from ovseg_ros.models.parity.catseg import CatSegParity
from ovseg_ros.models.parity.maskclip import check_maskclip
from ovseg_ros.models.parity.reference import LIMIT, Row


def main(argv: Sequence[str] | None = None) -> int:
    """Check a folder; returns 1 where a stage is beyond the limit, 2 where nothing can be run."""
    parser = argparse.ArgumentParser(prog="python -m ovseg_ros.models.parity", description=__doc__)
    parser.add_argument("folder", type=Path, help="laid out as its README says: catseg_base/, ...")
    parser.add_argument("--out", type=Path, metavar="DIR", help="write parity.md and .json here")
    arguments = parser.parse_args(argv)
    rows: list[Row] = []
    try:
        for case, group in groupby(check_folder(arguments.folder), key=lambda row: row.case):
            rows += (kept := list(group))
            Console().print(_table(case, kept))
        if arguments.out is not None:
            command = "python -m ovseg_ros.models.parity " + shlex.join(argv or sys.argv[1:])
            write_result(_page(rows), arguments.out, command, "deterministic weights")
    except OvsegError as error:
        print(f"ovseg parity: {error}")
        return 2
    failed = [row for row in rows if not row.passed]
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
        shown = _shown(row)
        table.add_row(row.stage, shown if row.passed else f"[bold red]{shown}[/]", row.note)
    return table


def _shown(row: Row) -> str:
    return "not comparable" if row.distance is None else f"{row.distance:.2e}"


def _page(rows: Sequence[Row]) -> BenchResult:
    parts = []
    for case, group in groupby(rows, key=lambda row: row.case):
        lines = [(row.stage, _shown(row), row.note) for row in group]
        parts.append(f"## {case}\n\n" + table(("stage", "relative L2", "note"), lines))
    worst = max(row.distance for row in rows if row.distance is not None)
    return BenchResult(
        name="parity",
        title="Relative L2 distance to the published programs",
        data={"rows": [vars(row) for row in rows]},
        body="\n\n".join(parts),
        charts={},
        claims=(
            Claim("every stage of every case", f"<= {LIMIT:g}", f"{worst:.2g}", worst <= LIMIT),
        ),
    )


if __name__ == "__main__":
    raise SystemExit(main())
