"""Weights out of a TorchScript archive, such as OpenAI publishes CLIP in, without its program.

`torch.jit.load` would load the program with the weights, and `torch.load(weights_only=True)` takes
no such archive. Both formats keep tensors alike, though: `data.pkl` beside a folder `data`. So only
those records are copied, and read with `weights_only=True`; every module class that the pickle
names (`__torch__...`, which exists only inside the archive) becomes an inert `_Module`.
"""

from __future__ import annotations

import shutil
import tempfile
import zipfile
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from ovseg_ros.weights.pickle_globals import pickle_globals

_WEIGHT_RECORDS = ("data.pkl", "version", "byteorder")
_MODULE_PREFIX = "__torch__."
_COPY_BYTES = 1 << 20


class _Module:
    """Stands for any module of the archive: it has attributes and no behaviour."""


def read_torchscript(path: Path) -> dict[str, Any]:
    """Return the tensors of the archive by dotted name, as `state_dict` names them.

    Tensors keep their dtype. Raises what `torch.load` raises, for the caller to explain.
    """
    import torch

    with tempfile.TemporaryFile(prefix="ovseg_weights_") as plain:
        classes = _copy_weights(path, plain)
        inert: list[Any] = [(_Module, name) for name in classes]
        with torch.serialization.safe_globals(inert):
            root = torch.load(plain, map_location="cpu", weights_only=True)
    return dict(_tensors(root, ""))


def _copy_weights(path: Path, plain: IO[bytes]) -> list[str]:
    """Write the records that hold weights to `plain`; return the module classes they name."""
    classes: list[str] = []
    with zipfile.ZipFile(path) as archive, zipfile.ZipFile(plain, "w") as target:
        for record in archive.infolist():
            name = record.filename.partition("/")[2]
            if name not in _WEIGHT_RECORDS and not name.startswith("data/"):
                continue
            if name == "data.pkl":
                names = pickle_globals(archive.read(record))
                classes = [name for name in names if name.startswith(_MODULE_PREFIX)]
            entry = zipfile.ZipInfo(f"archive/{name}")
            with archive.open(record) as stream, target.open(entry, "w", force_zip64=True) as copy:
                shutil.copyfileobj(stream, copy, _COPY_BYTES)
    plain.seek(0)
    return classes


def _tensors(module: Any, prefix: str) -> Iterator[tuple[str, Any]]:
    import torch

    for name, value in vars(module).items():
        if isinstance(value, torch.Tensor):
            yield prefix + name, value
        elif isinstance(value, _Module):
            yield from _tensors(value, f"{prefix}{name}.")
