"""What `ovseg inspect` shows of a built engine: its sidecar, its layers, whether its hash holds."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from ovseg_ros.engine.tensorrt.layers import LayerTable


def engine_folder(path: str) -> Path | None:
    """Return the folder of the engine that `path` (a folder or a file in it) is of, if it is."""
    from ovseg_ros.engine.tensorrt.sidecar import SIDECAR_NAME
    from ovseg_ros.engine.tensorrt.store import PLAN_NAME

    given = Path(path).expanduser()
    folder = given.parent if given.is_file() else given
    known = any((folder / name).is_file() for name in (SIDECAR_NAME, PLAN_NAME))
    return folder.resolve() if known else None


def show_engine(folder: Path, most_layers: int) -> bool:
    """Print all about the engine in `folder`; False where its plan is not the one that was built.

    `most_layers` rows of its layer table, 0 for all. Raises `BackendError` for a damaged sidecar
    or layer table.
    """
    from rich.console import Console

    from ovseg_ros.engine.tensorrt.layers import read_layers
    from ovseg_ros.engine.tensorrt.sidecar import SIDECAR_NAME
    from ovseg_ros.engine.tensorrt.store import open_engine, read_plan
    from ovseg_ros.errors import BackendError

    engine = open_engine(folder)
    print(f"engine at {folder}\n  {engine.key}\n")
    print((folder / SIDECAR_NAME).read_text(encoding="utf-8"))
    _print_layers(read_layers(folder), most_layers, Console())
    try:
        read_plan(engine)
    except BackendError as error:
        print(f"ovseg inspect: {error}", file=sys.stderr)
        return False
    about = engine.sidecar
    print(f"{about.plan_bytes / 1e6:.1f} MB, SHA-256 {about.plan_sha256[:16]}... as in the sidecar")
    return True


def _print_layers(table: LayerTable, most: int, console: Console) -> None:
    from rich.table import Table

    layers = table.layers
    shown = layers[: most or len(layers)]
    rows = Table("name", "type", "precision", "shape")
    for layer in shown:
        rows.add_row(layer.name, layer.kind, layer.precision, layer.shape)
    console.print(rows, markup=False)
    if len(shown) < len(layers):
        print(f"... and {len(layers) - len(shown)} more; --layers 0 shows all")
    print(f"{len(layers)} layers of {table.source}")
    print(f"by type: {_counted(layer.kind for layer in layers)}")
    print(f"by precision: {_counted(layer.precision for layer in layers)}")


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word or 'unknown'}" for word, count in Counter(words).most_common())
