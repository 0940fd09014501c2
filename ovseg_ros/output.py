"""Writing results so that a reader never meets half a file, whatever happens meanwhile."""

from __future__ import annotations

import json
import os
import tempfile
from collections.abc import Iterator
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
