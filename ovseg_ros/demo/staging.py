"""A results folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ovseg_ros.output import OutputError, make_folder, refuse_foreign

REPORT_NAME = "report.json"


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`, which takes the place of `out` if the block succeeds.

    On any error it is removed and `out` stays as it was. An existing `out` is only replaced if it
    is empty or holds an earlier report. Raises `OutputError`.
    """
    out = out.absolute()
    refuse_foreign(out, (REPORT_NAME,))
    make_folder(out.parent)
    try:
        stage = Path(tempfile.mkdtemp(prefix=f".{out.name}.", suffix=".part", dir=out.parent))
    except OSError as error:
        raise _explained(out, error) from None
    try:
        yield stage
        _swap(stage, out)
    except OSError as error:
        raise _explained(out, error) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def _swap(stage: Path, out: Path) -> None:
    stage.chmod(0o755)
    old = stage.with_suffix(".old")
    if out.exists():
        os.replace(out, old)
    os.replace(stage, out)
    shutil.rmtree(old, ignore_errors=True)


def _explained(out: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write the results {out}: {error.strerror or error}; "
        "make room or choose another place with --out"
    )
