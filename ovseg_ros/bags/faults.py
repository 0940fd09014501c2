"""What can be wrong with a bag, in a sentence that says what to do about it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ovseg_ros.errors import OvsegError

_MCAP_MAGIC = b"\x89MCAP0\r\n"
_SUFFIXES = (".mcap", ".db3")


class BagError(OvsegError):
    """A bag cannot be read or has not got what was wanted of it."""


@contextmanager
def explained(path: Path) -> Iterator[None]:
    """Turn whatever goes wrong while the bag at `path` is read into a `BagError`."""
    try:
        yield
    except OvsegError:
        raise
    # Of a damaged file rosbags lets through what it met on its way: errors of struct, zstd, lz4,
    # SQLite, YAML, text decoding, ord() and its own assertions, which have no base in common.
    except Exception as error:
        raise BagError(f"{path} cannot be read as a bag: {diagnosis(path, error)}") from None


def diagnosis(path: Path, error: Exception) -> str:
    """Return what is wrong with the bag at `path`, on which `error` was met, and what to do."""
    if not path.exists():
        return "there is nothing; give a rosbag2 folder, or a .mcap or .db3 file"
    if path.is_dir() and not (path / "metadata.yaml").is_file():
        return _without_metadata(path)
    if not path.is_dir() and path.suffix not in _SUFFIXES:
        return "it is of an unknown type; a rosbag2 folder, or a .mcap or .db3 file was wanted"
    for file in _storage_files(path):
        if file.stat().st_size == 0:
            return f"{file.name} is empty; nothing was recorded, or the disk was full"
        if file.suffix == ".mcap" and _is_cut_short(file):
            return (
                f"{file.name} is cut short, its recording did not end properly; "
                f"`mcap recover {file.name} -o recovered.mcap` saves what is there"
            )
        if file.suffix == ".db3":
            return (
                f"{_words(error)}; {file.name} is cut short or damaged; "
                f"`sqlite3 {file.name} .recover | sqlite3 recovered.db3` saves what is there"
            )
    return f"{_words(error)}; a rosbag2 folder, or a .mcap or .db3 file was wanted"


def _without_metadata(path: Path) -> str:
    files = sorted(file.name for file in path.iterdir() if file.suffix in _SUFFIXES)
    if not files:
        return "the folder holds no metadata.yaml and no .mcap or .db3 file"
    return (
        f"the folder has no metadata.yaml, so its recording did not end properly; "
        f"`ros2 bag reindex {path.name}` writes one, or give {files[0]} itself"
    )


def _storage_files(path: Path) -> list[Path]:
    if not path.is_dir():
        return [path]
    return sorted(file for file in path.iterdir() if file.suffix in _SUFFIXES)


def _is_cut_short(file: Path) -> bool:
    with file.open("rb") as stream:
        if stream.read(len(_MCAP_MAGIC)) != _MCAP_MAGIC:
            return False
        stream.seek(-len(_MCAP_MAGIC), 2)
        return stream.read() != _MCAP_MAGIC


def _words(error: Exception) -> str:
    text = " ".join(str(error).split()).rstrip(".")
    return text[:200] or type(error).__name__
