"""Labelled folders: images/, labels/, classes.json and, where known, items.json.

`classes.json` is {"ignore_id": 255, "classes": [{"id": 0, "name": "sky"}, ...]}; `items.json` maps
an image stem to {"split", "sequence", "domain"}. Labels are 8-bit PNGs of class ids.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.errors import FrameError, OvsegError
from ovseg_ros.image_files import SUFFIXES, decode_ids, read_rgb
from ovseg_ros.segmentation import UInt8Array

UNKNOWN_DOMAIN = "all"


@dataclass(frozen=True)
class LabelledFile:
    """One image file with its ground truth and the domain it was taken in, for example 'dusk'.

    `sequence` is the drive it is of, empty where that is not known.
    """

    image: Path
    label: Path
    domain: str
    sequence: str = ""

    @property
    def name(self) -> str:
        """What an error calls it."""
        return str(self.image)

    def read_image(self) -> UInt8Array:
        """Return the image as uint8 [H, W, 3] RGB; raises `FrameError`."""
        return read_rgb(self.image)

    def read_ids(self) -> UInt8Array:
        """Return the ground truth as uint8 [H, W] class ids; raises `FrameError`."""
        try:
            return decode_ids(self.label.read_bytes())
        except (OSError, FrameError) as error:
            raise FrameError(f"{self.label} cannot be read as labels: {error}") from None


@dataclass(frozen=True)
class LabelledFolder:
    """A selection of labelled images; `names` maps a class id to its name."""

    source: str
    names: dict[int, str]
    ignore_id: int
    items: tuple[LabelledFile, ...]


def load_labelled_folder(
    folder: Path, split: str = "", domain: str = "", sequence: str = ""
) -> LabelledFolder:
    """Open a labelled folder, keeping the images of `split`, `domain` and `sequence` (empty: all).

    Raises `OvsegError` naming what is missing or, for an empty selection, what there is.
    """
    classes = _read_json(folder / "classes.json")
    facts = _read_json(folder / "items.json") if (folder / "items.json").is_file() else {}
    images = sorted(p for p in (folder / "images").glob("*") if p.suffix.lower() in SUFFIXES)
    wanted = {"split": split, "domain": domain, "sequence": sequence}
    chosen = [path for path in images if _matches(facts.get(path.stem, {}), wanted)]
    if not chosen:
        drive = f", of sequence '{sequence}'" if sequence else ""
        raise OvsegError(
            f"no image of split '{split or 'any'}' and domain '{domain or 'any'}'{drive} in "
            f"{folder}; there are {len(images)} images, splits {_values(facts, 'split')}, "
            f"domains {_values(facts, 'domain')}, sequences {_values(facts, 'sequence')}"
        )
    try:
        names = {int(entry["id"]): str(entry["name"]) for entry in classes["classes"]}
        ignore_id = int(classes.get("ignore_id", 255))
    except (KeyError, TypeError, ValueError):
        raise OvsegError(
            f'{folder / "classes.json"} must hold {{"classes": [{{"id": 0, "name": "sky"}}, ...]}}'
        ) from None
    items = tuple(_labelled(folder, path, facts.get(path.stem, {})) for path in chosen)
    return LabelledFolder(folder.name, names, ignore_id, items)


def _labelled(folder: Path, image: Path, facts: dict[str, Any]) -> LabelledFile:
    label = folder / "labels" / f"{image.stem}.png"
    if not label.is_file():
        raise OvsegError(f"{image} has no ground truth at {label}; add it or remove the image")
    domain, sequence = facts.get("domain", UNKNOWN_DOMAIN), facts.get("sequence", "")
    return LabelledFile(image, label, str(domain), str(sequence))


def _matches(facts: dict[str, Any], wanted: dict[str, str]) -> bool:
    return all(not value or facts.get(field) == value for field, value in wanted.items())


def _values(facts: dict[str, Any], field: str) -> str:
    found = sorted({str(entry[field]) for entry in facts.values() if field in entry})
    return ", ".join(found) or "unknown"


def _read_json(path: Path) -> dict[str, Any]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise OvsegError(
            f"{path} cannot be read as JSON: {error}; see `ovseg eval --help`"
        ) from None
    if not isinstance(data, dict):
        raise OvsegError(f"{path} holds no JSON object; see `ovseg eval --help`")
    return data
