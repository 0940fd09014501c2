"""Calibrated int8 models in the cache: where they lie, and what is known of each.

`<cache>/int8/<first 16 digits of the graph's SHA-256>/` holds `calibration.json`, which says what
the model was made from and names its two files. Files are named by their content, so the sidecar,
written last, is what makes a new calibration the one in force.
"""

from __future__ import annotations

import hashlib
import json
import shutil
import tempfile
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ovseg_ros.engine.choice import BackendName
from ovseg_ros.errors import BackendError
from ovseg_ros.output import make_folder, replacing, write_json
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage, sha256_of

SIDECAR_NAME = "calibration.json"


@dataclass(frozen=True)
class QuantisedModel:
    """An int8 model: its graph (.xml, weights in the .bin beside it) and the SHA-256 of both."""

    graph_path: Path
    sha256: str


def find_quantised(cache: Path, package: ModelPackage) -> QuantisedModel:
    """Return the int8 model of `package`; raises `BackendError` where it is missing or altered."""
    sidecar = _folder(cache, package) / SIDECAR_NAME
    remedy = f"run  ovseg calibrate --package {package.reference} --bag PATH"
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
        graph, wanted = sidecar.parent / str(facts["graph"]), str(facts["sha256"])
    except FileNotFoundError:
        raise BackendError(
            f"package '{package.card.name}' has no int8 model in {sidecar.parent}; {remedy}  "
            "or with --images FOLDER, on frames of your camera"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(f"{sidecar} cannot be read: {error!r}; {remedy}") from None
    if not graph.is_file() or _sha256_of_pair(graph) != wanted:
        raise BackendError(f"{graph} is missing or was altered; {remedy}")
    return QuantisedModel(graph, wanted)


def store_quantised(
    cache: Path,
    package: ModelPackage,
    save: Callable[[Path], None],
    facts: Mapping[str, Any],
) -> QuantisedModel:
    """Put a new int8 model of `package` into the cache and return it; older ones are removed.

    `save` writes the graph to the path it is given, and its weights beside it as .bin; `facts` go
    into the sidecar. Raises `OutputError`; until the end an older model stays in force.
    """
    folder = _folder(cache, package)
    make_folder(folder)
    with tempfile.TemporaryDirectory(prefix=".part_", dir=folder) as part:
        made = Path(part) / "model.xml"
        save(made)
        sha256 = _sha256_of_pair(made)
        graph = folder / f"{sha256[:16]}.xml"
        for source in (made.with_suffix(".bin"), made):
            with replacing(graph.with_suffix(source.suffix)) as temporary:
                shutil.move(source, temporary)
    about = {
        "package": package.card.name,
        "graph_sha256": package.card.files[SEGMENTER_NAME],
        "backend": BackendName.OPENVINO.value,
        "graph": graph.name,
        "sha256": sha256,
    }
    write_json(folder / SIDECAR_NAME, {**about, **facts})
    for path in folder.iterdir():
        if path.suffix in (".xml", ".bin") and path.stem != graph.stem:
            path.unlink(missing_ok=True)
    return QuantisedModel(graph, sha256)


def _folder(cache: Path, package: ModelPackage) -> Path:
    return cache / "int8" / package.card.files[SEGMENTER_NAME][:16]


def _sha256_of_pair(graph: Path) -> str:
    """Return one SHA-256 over those of the graph and of its weights."""
    weights = graph.with_suffix(".bin")
    if not weights.is_file():
        return ""
    return hashlib.sha256((sha256_of(graph) + sha256_of(weights)).encode()).hexdigest()
