"""A results folder that appears whole or not at all."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ovseg_ros.output import OutputError, make_folder

REPORT_NAME = "report.json"


@contextmanager
def staged_folder(out: Path) -> Iterator[Path]:
    """Yield a temporary folder beside `out`, which takes the place of `out` if the block succeeds.

    On any error it is removed and `out` stays as it was. An existing `out` is only replaced if it
    is empty or holds an earlier report. Raises `OutputError`.
    """
    out = out.absolute()
    _refuse_foreign(out)
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


def _refuse_foreign(out: Path) -> None:
    if not out.exists():
        return
    if not out.is_dir():
        raise OutputError(f"{out} is a file; choose another folder for --out")
    if any(out.iterdir()) and not (out / REPORT_NAME).is_file():
        raise OutputError(
            f"{out} holds something else than earlier results and would be replaced; "
            "choose another folder for --out"
        )


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
