"""Model packages: a folder with a card, graphs and a text tower, verified before anything runs.

The card (`card.yaml`) keeps preprocessing, capacities, licence, data and metrics beside the model,
with the SHA-256 of every file, so that none of it can drift apart unnoticed.
"""

from __future__ import annotations

import hashlib
import os
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.adapters.sites import LoraSite, packed_widths, sites_from_card
from ovseg_ros.engine.limits import CheckLimits
from ovseg_ros.errors import PackageError

CARD_NAME = "card.yaml"
CARD_FORMAT = 1
SEGMENTER_NAME = "segmenter.onnx"
DEFAULT_PACKAGE = "tiny"
_REQUIRED = {
    "format": int,
    "name": str,
    "network": str,
    "embedding_dim": int,
    "embedding_space": str,
    "internal_size_px": list,
    "label_capacity": int,
    "default_threshold": float,
    "confidence_kind": str,
    "templates": list,
    "lora_sites": list,
    "license": str,
    "files": dict,
}


@dataclass(frozen=True)
class Card:
    """What the card says; `raw` holds all of it, data, metrics and limits included.

    `base_sha256` is of the weights, the same in every precision; empty on older cards.
    `internal_size_px` is (H, W) of the network's own input; `embedding_dim` is D; `checks` are the
    limits that other engines must keep to, for which a card need not say anything. `lora_sites` are
    those of the segmenter; `text_lora_sites` those of the text tower, none where it takes no
    factors.
    """

    name: str
    network: str
    base_sha256: str
    embedding_dim: int
    embedding_space: str
    internal_size_px: tuple[int, int]
    label_capacity: int
    default_threshold: float
    confidence_kind: str
    templates: tuple[str, ...]
    lora_sites: tuple[LoraSite, ...]
    text_lora_sites: tuple[LoraSite, ...]
    license: str
    checks: CheckLimits
    files: Mapping[str, str]
    raw: Mapping[str, Any]

    @property
    def lora_widths(self) -> tuple[int, int]:
        """(sum of C_in, sum of C_out) over the LoRA sites: the widths of the packed factors."""
        return packed_widths(self.lora_sites)

    @property
    def text_lora_widths(self) -> tuple[int, int] | None:
        """The same of the text tower; None where it takes no factors."""
        return packed_widths(self.text_lora_sites) if self.text_lora_sites else None


@dataclass(frozen=True)
class ModelPackage:
    """A verified package: `folder` and its card."""

    folder: Path
    card: Card

    @property
    def segmenter_path(self) -> Path:
        """The graph that every backend builds from."""
        return self.folder / SEGMENTER_NAME

    @property
    def reference(self) -> str:
        """What to write after --package: the name of an installed package, else its folder."""
        installed = self.folder.parent in package_roots()
        return self.folder.name if installed else str(self.folder)

    @classmethod
    def load(cls, name_or_folder: str | Path) -> ModelPackage:
        """Open the package called `name_or_folder` and verify the hash of every file it lists.

        Raises `PackageError` where it is missing, its card is malformed or a file was altered.
        """
        folder = find_package(name_or_folder)
        card = read_card(folder)
        for file_name, wanted in card.files.items():
            _verify_file(folder, file_name, wanted)
        return cls(folder, card)


def find_package(name_or_folder: str | Path) -> Path:
    """Return the folder of a package given by path, or by name from the installed packages."""
    path = Path(name_or_folder).expanduser()
    if (path / CARD_NAME).is_file():
        return path.resolve()
    if len(path.parts) == 1:
        for root in package_roots():
            if (root / path / CARD_NAME).is_file():
                return root / path
    known = ", ".join(installed_packages()) or "none"
    raise PackageError(
        f"no model package at '{name_or_folder}': a folder with {CARD_NAME} was wanted, "
        f"or the name of an installed package ({known})"
    )


def package_roots() -> tuple[Path, ...]:
    """Return the folders that hold installed packages, nearest first."""
    share = Path("share") / "ovseg_ros" / "engines"
    prefixes = [Path(p) for p in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep) if p]
    candidates = [Path(__file__).resolve().parent.parent / "engines"]
    candidates += [prefix / share for prefix in (*prefixes, Path(sys.prefix))]
    return tuple(root for root in candidates if root.is_dir())


def installed_packages() -> tuple[str, ...]:
    """Return the sorted names of the packages that `find_package` knows by name."""
    return tuple(sorted({card.parent.name for card in _installed_cards()}))


def _installed_cards() -> Iterator[Path]:
    for root in package_roots():
        yield from root.glob(f"*/{CARD_NAME}")


def read_card(folder: Path) -> Card:
    """Read and check `card.yaml` in `folder`; raises `PackageError` naming the field at fault."""
    path = folder / CARD_NAME
    try:
        raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise PackageError(f"{path} cannot be read as YAML: {error}; restore the file") from None
    _check_fields(path, raw)
    height_px, width_px = (int(v) for v in raw["internal_size_px"])
    return Card(
        name=raw["name"],
        network=raw["network"],
        base_sha256=str(raw.get("base_sha256", "")),
        embedding_dim=raw["embedding_dim"],
        embedding_space=raw["embedding_space"],
        internal_size_px=(height_px, width_px),
        label_capacity=raw["label_capacity"],
        default_threshold=raw["default_threshold"],
        confidence_kind=raw["confidence_kind"],
        templates=tuple(raw["templates"]),
        lora_sites=sites_from_card(path, "lora_sites", raw["lora_sites"]),
        text_lora_sites=sites_from_card(path, "text_lora_sites", raw.get("text_lora_sites", ())),
        license=raw["license"],
        checks=CheckLimits.from_card(path, raw.get("checks")),
        files=raw["files"],
        raw=raw,
    )


def _check_fields(path: Path, raw: Any) -> None:
    if not isinstance(raw, dict):
        raise PackageError(f"{path} holds no mapping of fields; restore the file")
    for field, kind in _REQUIRED.items():
        if not isinstance(raw.get(field), kind):
            raise PackageError(
                f"{path}: field '{field}' is {raw.get(field)!r}; a value of type "
                f"{kind.__name__} was wanted; restore the file"
            )
    if raw["format"] != CARD_FORMAT:
        raise PackageError(
            f"{path}: format {raw['format']} was found, this program reads {CARD_FORMAT}; "
            "export the package again with this version"
        )
    if SEGMENTER_NAME not in raw["files"]:
        raise PackageError(f"{path}: 'files' does not list {SEGMENTER_NAME}; restore the file")


def _verify_file(folder: Path, file_name: str, wanted: str) -> None:
    path = folder / file_name
    if Path(file_name).is_absolute() or ".." in Path(file_name).parts:
        raise PackageError(f"{folder / CARD_NAME} lists '{file_name}', which is outside the folder")
    if not path.is_file():
        raise PackageError(f"{path} is listed in {CARD_NAME} but is missing; restore the package")
    found = sha256_of(path)
    if found != wanted:
        raise PackageError(
            f"{path} was altered: SHA-256 {found[:12]}... was found, {CARD_NAME} says "
            f"{wanted[:12]}...; restore the package, or seal it again if the change is yours"
        )


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file in hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as stream:
        while chunk := stream.read(1 << 20):
            digest.update(chunk)
    return digest.hexdigest()


def seal(folder: Path, fields: Mapping[str, Any]) -> None:
    """Write `card.yaml` into `folder` from `fields` plus the hashes of all other files there.

    The card is written under a temporary name and renamed, so a reader never sees half of it.
    """
    files = {
        str(path.relative_to(folder)): sha256_of(path)
        for path in sorted(folder.rglob("*"))
        if path.is_file() and path.name != CARD_NAME
    }
    text = yaml.safe_dump({**fields, "format": CARD_FORMAT, "files": files}, sort_keys=False)
    with tempfile.NamedTemporaryFile("w", dir=folder, delete=False, encoding="utf-8") as stream:
        stream.write(text)
    Path(stream.name).chmod(0o644)
    os.replace(stream.name, folder / CARD_NAME)
