"""Fetch a published weight file: from its address, a mirror or a local copy, proven by its hash."""

from __future__ import annotations

import json
import os
import shutil
from dataclasses import dataclass
from enum import Enum
from pathlib import Path
from typing import Any

from ovseg_ros.errors import WeightsError
from ovseg_ros.output import make_folder, write_json
from ovseg_ros.packages import sha256_of
from ovseg_ros.user_folders import user_cache_folder
from ovseg_ros.weights.download import DownloadError, Progress, download
from ovseg_ros.weights.recipe import Recipe, require_hash
from ovseg_ros.weights.sources import addresses, copy_file, is_address, local_file


class Proof(Enum):
    """Why the fetched file is taken for the right one."""

    RECIPE = "the hash that the recipe gives"
    USER = "the hash given by the user"
    RECORDED = "the hash recorded at the first download"
    FIRST_USE = (
        "nothing: no hash is published, so this one was recorded to compare later files with"
    )


@dataclass(frozen=True)
class Fetched:
    """A file in place: its SHA-256, what proves it, and where it came from."""

    path: Path
    sha256: str
    proof: Proof
    source: str


def weights_folder(recipe: Recipe) -> Path:
    """Return where the file of `recipe` belongs by default: in the user's cache (XDG)."""
    return user_cache_folder() / "weights" / recipe.name


def fetched_file(recipe: Recipe, folder: Path | None = None) -> Path:
    """Return the fetched file of `recipe`; raises `WeightsError` naming the command to get it."""
    path = (folder or weights_folder(recipe)) / recipe.file
    if path.is_file():
        return path
    raise WeightsError(
        f"{path} is missing: run  ovseg fetch {recipe.name}  or, without network,  "
        f"ovseg fetch {recipe.name} --from FILE"
    )


def present(recipe: Recipe, folder: Path, sha256: str | None = None) -> Fetched | None:
    """Return the file of `recipe` if it is in `folder` already, else None.

    Raises `WeightsError` where the file there is another one than the recipe, `sha256` or the
    record of an earlier download says.
    """
    path = folder / recipe.file
    if not path.is_file():
        return None
    wanted, proof = _wanted_hash(recipe, folder, sha256)
    found = sha256_of(path)
    if wanted is not None and found != wanted:
        raise WeightsError(
            f"{path} is there, but with SHA-256 {found} instead of {wanted}; "
            "move it away and run the same command again"
        )
    return _recorded(recipe, Fetched(path, found, proof, "already there"))


def fetch(
    recipe: Recipe,
    folder: Path,
    progress: Progress,
    source: str | None = None,
    sha256: str | None = None,
) -> Fetched:
    """Bring the file of `recipe` into `folder`, unless it is there already.

    `source` is a file, a folder or an HTTP address to use instead of the recipe's addresses; an
    address that ends in '/' is a folder. Under its own name the file appears only whole and with
    the right hash; until then it is a `.part` that a later call goes on with.

    Raises `WeightsError`: no source gives the file, wrong size or hash, no room; `OutputError`
    where the folder cannot be made.
    """
    there = present(recipe, folder, sha256)
    if there is not None:
        return there
    wanted, proof = _wanted_hash(recipe, folder, sha256)
    make_folder(folder)
    part = folder / f"{recipe.file}.part"
    _require_room(recipe, part)
    origin = _bring(recipe, part, progress, source, resumable=wanted is not None)
    found = _proven(recipe, part, wanted, origin)
    os.replace(part, folder / recipe.file)
    return _recorded(recipe, Fetched(folder / recipe.file, found, proof, origin))


def _wanted_hash(recipe: Recipe, folder: Path, sha256: str | None) -> tuple[str | None, Proof]:
    if sha256 is not None:
        require_hash(sha256, "--sha256")
        if recipe.sha256 not in (None, sha256):
            raise WeightsError(
                f"--sha256 {sha256} contradicts the recipe '{recipe.name}', which gives "
                f"{recipe.sha256}; leave --sha256 out, or write a recipe for the other file"
            )
    if recipe.sha256 is not None:
        return recipe.sha256, Proof.RECIPE
    if sha256 is not None:
        return sha256, Proof.USER
    recorded = _record(recipe, folder).get("sha256")
    return (recorded, Proof.RECORDED) if recorded else (None, Proof.FIRST_USE)


def _record_path(recipe: Recipe, folder: Path) -> Path:
    return folder / f"{recipe.file}.json"


def _record(recipe: Recipe, folder: Path) -> dict[str, Any]:
    path = _record_path(recipe, folder)
    try:
        record = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        return {}
    except (OSError, ValueError) as error:
        raise WeightsError(f"the record {path} cannot be read: {error}; remove it") from None
    return record if isinstance(record, dict) else {}


def _recorded(recipe: Recipe, fetched: Fetched) -> Fetched:
    """Write down what was fetched, unless the record says so already."""
    folder = fetched.path.parent
    if _record(recipe, folder).get("sha256") != fetched.sha256:
        record = {
            "recipe": recipe.name,
            "file": recipe.file,
            "sha256": fetched.sha256,
            "size_bytes": fetched.path.stat().st_size,
            "source": fetched.source,
            "proven_by": fetched.proof.value,
            "license": recipe.license,
        }
        write_json(_record_path(recipe, folder), record)
    return fetched


def _require_room(recipe: Recipe, part: Path) -> None:
    have = part.stat().st_size if part.exists() else 0
    free = shutil.disk_usage(part.parent).free
    if recipe.size_bytes is not None and free < recipe.size_bytes - have:
        raise WeightsError(
            f"{part.parent} has {free / 1e6:,.0f} MB free where {recipe.size} are needed; "
            "make room or choose another folder with --to"
        )


def _bring(
    recipe: Recipe, part: Path, progress: Progress, source: str | None, resumable: bool
) -> str:
    """Fill `part` from the first source that has the file, and return that source."""
    local = None if source is None or is_address(source) else local_file(recipe, source)
    if local is not None:
        copy_file(local, part, progress)
        return str(local)
    reasons = []
    for url in addresses(recipe, source):
        try:
            download(url, part, recipe.size_bytes, progress, resumable)
            return url
        except DownloadError as error:
            reasons.append(f"  {url}\n    {error}")
    kept = part.stat().st_size if part.exists() else 0
    if kept:
        reasons.append(f"{kept:,} bytes are kept; the same command goes on from there.")
    else:
        part.unlink(missing_ok=True)
    raise WeightsError(_by_hand(recipe, part.parent, reasons))


def _proven(recipe: Recipe, part: Path, wanted: str | None, origin: str) -> str:
    """Return the hash of `part`; where it or the size is wrong, remove `part` and raise."""
    found, size_bytes = sha256_of(part), part.stat().st_size
    wrong_size = recipe.size_bytes not in (None, size_bytes)
    if wrong_size or wanted not in (None, found):
        part.unlink()
        expected = f"{recipe.size_bytes:,} bytes" if recipe.size_bytes else "bytes"
        raise WeightsError(
            f"{origin} is not '{recipe.file}' of {recipe.name}: found {size_bytes:,} bytes with "
            f"SHA-256 {found}, wanted {expected} with SHA-256 {wanted or 'not known yet'}; "
            "nothing was kept, take it from another source"
        )
    return found


def _by_hand(recipe: Recipe, folder: Path, reasons: list[str]) -> str:
    proof = f", SHA-256 {recipe.sha256}" if recipe.sha256 else ""
    place = "" if folder == weights_folder(recipe) else f" --to {folder}"
    return "\n".join(
        (
            f"'{recipe.file}' could not be downloaded:",
            *reasons,
            "Without network: on a machine that has one, download",
            *(f"  {url}" for url in recipe.urls),
            f"({recipe.size}{proof}), bring the file here, and run",
            f"  ovseg fetch {recipe.name} --from FILE{place}",
            f"which puts it at {folder / recipe.file}",
        )
    )
