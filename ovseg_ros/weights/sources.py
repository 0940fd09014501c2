"""Where a weight file is taken from: the published addresses, a mirror, or a copy on this machine.

A source that ends in '/', or is a folder, is a mirror.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ovseg_ros.errors import WeightsError
from ovseg_ros.weights.download import Progress
from ovseg_ros.weights.recipe import Recipe

_COPY_BYTES = 1 << 20


def is_address(source: str) -> bool:
    """Say whether `source` is an HTTP address; raises `WeightsError` for any other kind of one."""
    scheme, colon, _ = source.partition("://")
    if colon and scheme.lower() not in ("http", "https"):
        raise WeightsError(
            f"'{source}': addresses are http:// or https://; for a local file give its path"
        )
    return bool(colon)


def addresses(recipe: Recipe, source: str | None) -> tuple[str, ...]:
    """Return the addresses to try: those of the recipe, or of the mirror or file `source`."""
    if source is None:
        return recipe.urls
    if source.endswith("/"):
        return tuple(source + place for place in _places(recipe))
    return (source,)


def _places(recipe: Recipe) -> Iterator[str]:
    """Where a mirror may have the file: plainly, or in a folder as in the cache of this program."""
    yield recipe.file
    yield f"{recipe.name}/{recipe.file}"


def local_file(recipe: Recipe, source: str) -> Path:
    """Return the file that `source` is or, if it is a folder, has; raises `WeightsError`."""
    path = Path(source).expanduser()
    if path.is_file():
        return path
    candidates = [path / place for place in _places(recipe)]
    for candidate in candidates:
        if candidate.is_file():
            return candidate
    if path.is_dir():
        raise WeightsError(f"the folder {path} has no '{recipe.file}'; put the file there")
    raise WeightsError(
        f"--from {source} is neither a file nor a folder; give the path of '{recipe.file}', "
        "the folder it is in, or an address"
    )


def copy_file(source: Path, part: Path, progress: Progress) -> None:
    """Copy `source` over `part`; raises `WeightsError` and leaves no part of it behind."""
    total, done = source.stat().st_size, 0
    try:
        with source.open("rb") as origin, part.open("wb") as target:
            while chunk := origin.read(_COPY_BYTES):
                target.write(chunk)
                done += len(chunk)
                progress(done, total)
    except OSError as error:
        part.unlink(missing_ok=True)
        raise WeightsError(f"cannot copy {source} to {part.parent}: {error.strerror}") from None
