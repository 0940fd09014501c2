"""One check: open both engines, compare them, and put the verdict where engines are opened."""

from __future__ import annotations

import sys
from collections.abc import Callable
from datetime import datetime
from pathlib import Path

from rich.console import Console
from rich.table import Table

from ovseg_ros.check.comparison import Pair, compare
from ovseg_ros.check.material import Material
from ovseg_ros.engine.base import load_backend
from ovseg_ros.engine.choice import REFERENCE, EngineChoice
from ovseg_ros.engine.verdicts import Verdict, identity_of, write_verdict
from ovseg_ros.errors import BackendError
from ovseg_ros.machine import describe_machine
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace


def check_engine(
    package: ModelPackage,
    choice: EngineChoice,
    material: Material,
    cache: Path,
    command: str,
    now: datetime,
    on_frame: Callable[[], None] = lambda: None,
    camera_px: tuple[int, int] | None = None,
) -> Verdict:
    """Compare `choice` with the reference on `material` and write the verdict into `cache`.

    `command` and `now` are recorded; `camera_px` (W, H) tells engines apart that were built for one
    size of frames each, which frames are then scaled to. Raises `BackendError` for the reference
    itself or an engine that cannot be loaded, and whatever `compare` raises; then no verdict is
    written.
    """
    if choice == REFERENCE:
        raise BackendError(
            f"{REFERENCE} is what other engines are compared with; name one of those, "
            "for example --backend openvino"
        )
    identity = identity_of(package, choice, cache, camera_px)
    text_bank = TextBank.load(package)

    def opened(which: EngineChoice) -> Segmenter:
        backend = load_backend(package, which, 0, cache, camera_px)
        return Segmenter(package, backend, text_bank, IdSpace.MONO8)

    with opened(REFERENCE) as reference, opened(choice) as candidate:
        rows = compare(Pair(reference, candidate), material, on_frame)
    facts = {
        "package": package.card.name,
        "reference": str(REFERENCE),
        "material": material.source,
        "frames": len(material),
        "labels": [spec.name for spec in material.specs],
        "command": command,
        "checked_at": now.isoformat(timespec="seconds"),
        "machine": describe_machine(),
    }
    verdict = Verdict(identity, package.card.checks, rows, facts)
    write_verdict(cache, verdict)
    return verdict


def print_verdict(verdict: Verdict, console: Console) -> None:
    """Print each row with what was found and what was wanted."""
    table = Table("quantity", "found", "wanted", "met")
    for row in verdict.rows:
        table.add_row(row.name, f"{row.found:.4f}", row.wanted_text, "yes" if row.met else "NO")
    console.print(table)


def print_failures(verdict: Verdict, subject: str) -> None:
    """Print a line on stderr for each limit that does not hold."""
    for row in verdict.failed:
        found = f"{row.name}: {row.found:.4f} found, {row.wanted_text} wanted"
        print(f"{subject}: {found}", file=sys.stderr)
