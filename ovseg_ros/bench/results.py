"""Where benchmark results go: a JSON file for programs and a page for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.machine import describe_machine
from ovseg_ros.output import make_folder, write_file, write_json


@dataclass(frozen=True)
class Claim:
    """A number that was asked for, what was found, and whether that meets it."""

    what: str
    wanted: str
    found: str
    met: bool


@dataclass(frozen=True)
class BenchResult:
    """One benchmark: `data` for the JSON, `body` for the page, charts by file name, claims."""

    name: str
    title: str
    data: dict[str, Any]
    body: str
    charts: dict[str, str]
    claims: tuple[Claim, ...] = ()


def write_result(result: BenchResult, folder: Path, command: str, package: str) -> Path:
    """Write `<name>.json`, `<name>.md` and the charts into `folder`; return the page.

    Raises `OutputError`.
    """
    machine = describe_machine()
    make_folder(folder)
    for name, svg in result.charts.items():
        write_file(folder / name, (svg + "\n").encode())
    about = {"command": command, "package": package, "machine": machine}
    claims = [vars(claim) for claim in result.claims]
    write_json(folder / f"{result.name}.json", {**about, "claims": claims, **result.data})
    page = folder / f"{result.name}.md"
    write_file(page, _page(result, about).encode())
    return page


def table(head: Sequence[str], rows: Iterable[Sequence[Any]]) -> str:
    """Return a Markdown table."""
    lines = [head, ["---"] * len(head), *rows]
    return "\n".join("| " + " | ".join(str(cell) for cell in line) + " |" for line in lines)


def _page(result: BenchResult, about: dict[str, Any]) -> str:
    machine = ", ".join(f"{name} {value}" for name, value in about["machine"].items())
    parts = [
        f"# {result.title}",
        f"`{about['command']}`",
        f"Package `{about['package']}`. Machine: {machine}.",
    ]
    if result.claims:
        rows = [(c.what, c.wanted, c.found, "yes" if c.met else "**no**") for c in result.claims]
        parts.append(table(("what", "wanted", "found", "met"), rows))
    parts.append(result.body)
    parts += [f"![chart]({name})" for name in result.charts]
    return "\n\n".join(parts) + "\n"
