"""A small labelled folder: the drawn drive as images/, labels/, classes.json and items.json."""

from __future__ import annotations

import json
from pathlib import Path

from generated_drive import NAMES, draw_ids, paint
from PIL import Image


def write_folder(path: Path, frames: int = 6) -> Path:
    """Write `frames` frames, the first half by day, the others by dusk and of another sequence.

    Class ids are those of `NAMES` less one, so that one of them is 0.
    """
    for name in ("images", "labels"):
        (path / name).mkdir(parents=True)
    items = {}
    for index in range(frames):
        ids = draw_ids(index)
        stem = f"{index:03d}"
        Image.fromarray(paint(ids, index)).save(path / "images" / f"{stem}.jpg", quality=95)
        ids[ids != 255] -= 1
        Image.fromarray(ids).save(path / "labels" / f"{stem}.png")
        late = index >= frames // 2
        domain, sequence = ("dusk", "b") if late else ("day", "a")
        items[stem] = {"split": "val", "domain": domain, "sequence": sequence}
    classes = [{"id": key - 1, "name": name} for key, name in NAMES.items()]
    (path / "classes.json").write_text(json.dumps({"ignore_id": 255, "classes": classes}))
    (path / "items.json").write_text(json.dumps(items))
    return path
