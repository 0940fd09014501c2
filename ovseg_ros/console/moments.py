"""Moments that an operator saves, as a labelled folder that training and evaluation read.

images/<stamp>.png    the frame
labels/<stamp>.png    class ids of this folder, 255 where the node gave no label
classes.json          the classes, by name; they keep their ids from save to save
items.json            split, domain and sequence of each image
queries/<stamp>.json  the query and the labels in force, adapters, model, and the time of saving
"""

from __future__ import annotations

import io
import json
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image

from ovseg_ros.console.moment import Moment
from ovseg_ros.errors import OvsegError
from ovseg_ros.image_files import encode_png
from ovseg_ros.output import make_folder, write_file, write_json
from ovseg_ros.segmentation import MaskArray, UInt8Array

IGNORE_ID = 255
DOMAIN = "saved"
SPLIT = "train"


class MomentFolder:
    """Saves moments into one folder; safe to use from any thread."""

    def __init__(self, folder: Path, sequence: str) -> None:
        """Use `folder`, made when needed; `sequence` names this run of the console in items.json.

        Raises `OvsegError` where it cannot be made, or holds classes that cannot be read.
        """
        self.folder = folder
        self._sequence = sequence
        self._lock = threading.Lock()
        for name in ("images", "labels", "queries"):
            make_folder(folder / name)
        self._classes()
        self._read("items.json")

    def save(self, moment: Moment, names: Mapping[int, str], about: Mapping[str, Any]) -> str:
        """Write `moment` and return its name in the folder.

        `names` gives the labels of the mask's ids; `about` goes into queries/ as it is. Raises
        `OvsegError` for a moment without a mask, a frame that cannot be decoded, more classes than
        an 8-bit label holds, and where nothing can be written.
        """
        if moment.mask is None:
            raise OvsegError("this frame has no mask; resume the node, then save again")
        image = moment.picture.decode()
        stem = f"{moment.stamp_ns // 10**9}_{moment.stamp_ns % 10**9:09d}"
        with self._lock:
            classes = self._classes_with(names[i] for i in _ids_in(moment.mask) if i in names)
            labels = _relabelled(moment.mask, names, classes)
            items = self._read("items.json")
            items[stem] = {"split": SPLIT, "domain": DOMAIN, "sequence": self._sequence}
            # The image comes last: whoever reads the folder meanwhile asks for all the others.
            self._write_classes(classes)
            write_file(self.folder / "labels" / f"{stem}.png", encode_png(labels))
            write_json(self.folder / "queries" / f"{stem}.json", dict(about))
            write_json(self.folder / "items.json", items)
            write_file(self.folder / "images" / f"{stem}.png", _png(image))
        return stem

    def _classes_with(self, names: Any) -> dict[str, int]:
        classes = self._classes()
        for name in names:
            classes.setdefault(name, max(classes.values(), default=-1) + 1)
        if max(classes.values(), default=0) >= IGNORE_ID:
            raise OvsegError(
                f"{self.folder} has {len(classes)} classes and 8-bit labels hold {IGNORE_ID}; "
                "start the console with another folder for --save"
            )
        return classes

    def _classes(self) -> dict[str, int]:
        data = self._read("classes.json")
        try:
            if data.get("ignore_id", IGNORE_ID) != IGNORE_ID:
                raise ValueError("another ignore_id")
            return {str(entry["name"]): int(entry["id"]) for entry in data.get("classes", [])}
        except (KeyError, TypeError, ValueError):
            raise OvsegError(
                f"{self.folder / 'classes.json'} is not of a console; give --save another folder"
            ) from None

    def _write_classes(self, classes: Mapping[str, int]) -> None:
        entries = [{"id": number, "name": name} for name, number in classes.items()]
        write_json(self.folder / "classes.json", {"ignore_id": IGNORE_ID, "classes": entries})

    def _read(self, name: str) -> dict[str, Any]:
        path = self.folder / name
        if not path.exists():
            return {}
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
        except (OSError, ValueError) as error:
            raise OvsegError(
                f"{path} cannot be read: {error}; mend it, or give --save another folder"
            ) from None
        if not isinstance(data, dict):
            raise OvsegError(f"{path} holds no JSON object; give --save another folder")
        return data


def _ids_in(mask: MaskArray) -> list[int]:
    return [int(value) for value in np.unique(mask)]


def _relabelled(mask: MaskArray, names: Mapping[int, str], classes: dict[str, int]) -> UInt8Array:
    table = np.full(int(mask.max(initial=0)) + 1, IGNORE_ID, np.uint8)
    for number in _ids_in(mask):
        if number in names:
            table[number] = classes[names[number]]
    return table[mask]


def _png(image: UInt8Array) -> bytes:
    stream = io.BytesIO()
    Image.fromarray(image).save(stream, format="PNG", compress_level=1)
    return stream.getvalue()
