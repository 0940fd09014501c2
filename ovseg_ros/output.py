"""Writing results so that a reader never meets half a file, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from ovseg_ros.errors import OvsegError


class OutputError(OvsegError):
    """A result cannot be written; nothing half-written is left behind."""


def make_folder(folder: Path) -> None:
    """Create `folder` and its parents; raises `OutputError` where that cannot be done."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise _explained(folder, error) from None


def refuse_foreign(folder: Path, marks: Sequence[str]) -> None:
    """Raise `OutputError` for a folder that holds something else than earlier results.

    Results are known by one of the files or folders in `marks`.
    """
    if not folder.exists():
        return
    if not folder.is_dir():
        raise OutputError(f"{folder} is a file; choose another folder for --out")
    if any(folder.iterdir()) and not any((folder / mark).exists() for mark in marks):
        raise OutputError(
            f"{folder} holds something else than earlier results and would be replaced; "
            "choose another folder for --out"
        )


@contextmanager
def replacing_entries(folder: Path) -> Iterator[Path]:
    """Yield a temporary folder whose entries take their places in `folder` if the block succeeds.

    Entries of the same names are replaced, others stay. Raises `OutputError` like `replacing`.
    """
    for left_over in folder.glob(".part-*"):
        shutil.rmtree(left_over, ignore_errors=True)
    try:
        stage = Path(tempfile.mkdtemp(prefix=".part-", dir=folder))
    except OSError as error:
        raise _explained(folder, error) from None
    try:
        yield stage
        for entry in sorted(stage.iterdir()):
            if (folder / entry.name).is_dir():
                shutil.rmtree(folder / entry.name)
            os.replace(entry, folder / entry.name)
    except OSError as error:
        raise _explained(folder, error) from None
    finally:
        shutil.rmtree(stage, ignore_errors=True)


def write_file(path: Path, data: bytes | memoryview) -> None:
    """Write `data` to `path`, all of it or nothing; raises `OutputError`."""
    with replacing(path) as temporary:
        temporary.write_bytes(data)


def write_json(path: Path, value: Any) -> None:
    """Write `value` to `path` as UTF-8 JSON, all of it or nothing; raises `OutputError`."""
    text = json.dumps(value, indent=2, ensure_ascii=False) + "\n"
    # Half of a surrogate pair, which a file name may hold, is written as JSON's own escape.
    write_file(path, text.encode(errors="backslashreplace"))


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Yield a temporary path in the folder of `path`, which becomes `path` if the block succeeds.

    On any error the temporary file is removed and an older file at `path` stays as it was; an
    `OSError` (full disk, no permission) is raised as an `OutputError` that names `path`.
    """
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.name}.", suffix=".part", dir=path.parent)
    except OSError as error:
        raise _explained(path, error) from None
    os.close(handle)
    temporary = Path(name)
    try:
        yield temporary
        temporary.chmod(0o644)
        os.replace(temporary, path)
    except OSError as error:
        raise _explained(path, error) from None
    finally:
        temporary.unlink(missing_ok=True)


def _explained(path: Path, error: OSError) -> OutputError:
    return OutputError(
        f"cannot write {path}: {error.strerror or error}; make room or choose another place"
    )
