"""Quantised models in the cache: where they lie, and what is known of each.

A folder per graph, named by the first 16 digits of its SHA-256, holds `calibration.json`, which
says what the model was made from and names its files. Files are named by their content, so the
sidecar, written last, is what makes a new calibration the one in force.
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

from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.errors import BackendError
from ovseg_ros.output import make_folder, replacing, write_json
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage, sha256_of

SIDECAR_NAME = "calibration.json"


@dataclass(frozen=True)
class QuantisedForm:
    """A kind of quantised model: `choice` runs it, and its files, the graph first, end so.

    `folder` is the one in the cache, and `command` what makes it, less the package and the frames.
    """

    choice: EngineChoice
    folder: str
    endings: tuple[str, ...]
    command: str = "ovseg calibrate"

    def folder_of(self, cache: Path, package: ModelPackage) -> Path:
        """Return where the model of this form of `package` lies."""
        return cache / self.folder / package.card.files[SEGMENTER_NAME][:16]


OPENVINO_INT8 = QuantisedForm(
    EngineChoice(BackendName.OPENVINO, Precision.INT8), "int8", (".xml", ".bin")
)


@dataclass(frozen=True)
class QuantisedModel:
    """A quantised model: its graph, and the SHA-256 of it or, where there are several, its files.

    The weights of OpenVINO's .xml are in the .bin beside it.
    """

    graph_path: Path
    sha256: str


def find_quantised(
    cache: Path, package: ModelPackage, form: QuantisedForm = OPENVINO_INT8
) -> QuantisedModel:
    """Return this `form` of `package`; raises `BackendError` where it is missing or altered."""
    sidecar = form.folder_of(cache, package) / SIDECAR_NAME
    remedy = f"run  {form.command} --package {package.reference} --bag PATH"
    try:
        facts = json.loads(sidecar.read_text(encoding="utf-8"))
        graph, wanted = sidecar.parent / str(facts["graph"]), str(facts["sha256"])
    except FileNotFoundError:
        raise BackendError(
            f"package '{package.card.name}' has no {form.choice.precision.value} model in "
            f"{sidecar.parent}; {remedy}  or with --images FOLDER, on frames of your camera"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(f"{sidecar} cannot be read: {error!r}; {remedy}") from None
    if _sha256_of(graph, form) != wanted:
        raise BackendError(f"{graph} is missing or was altered; {remedy}")
    return QuantisedModel(graph, wanted)


def store_quantised(
    cache: Path,
    package: ModelPackage,
    save: Callable[[Path], None],
    facts: Mapping[str, Any],
    form: QuantisedForm = OPENVINO_INT8,
) -> QuantisedModel:
    """Put a new model of this `form` into the cache and return it; older ones are removed.

    `save` writes the graph to the path it is given, and its other files beside it; `facts` go into
    the sidecar. Raises `OutputError`; until the end an older model stays in force.
    """
    folder = form.folder_of(cache, package)
    make_folder(folder)
    with tempfile.TemporaryDirectory(prefix=".part_", dir=folder) as part:
        made = (Path(part) / "model").with_suffix(form.endings[0])
        save(made)
        sha256 = _sha256_of(made, form)
        graph = folder / f"{sha256[:16]}{made.suffix}"
        for ending in reversed(form.endings):
            with replacing(graph.with_suffix(ending)) as temporary:
                shutil.move(made.with_suffix(ending), temporary)
    about = {
        "package": package.card.name,
        "graph_sha256": package.card.files[SEGMENTER_NAME],
        "backend": form.choice.backend.value,
        "precision": form.choice.precision.value,
        "graph": graph.name,
        "sha256": sha256,
    }
    write_json(folder / SIDECAR_NAME, {**about, **facts})
    for path in folder.iterdir():
        if path.suffix in form.endings and path.stem != graph.stem:
            path.unlink(missing_ok=True)
    return QuantisedModel(graph, sha256)


def _sha256_of(graph: Path, form: QuantisedForm) -> str:
    """Return the SHA-256 of one file, or one over those of several; empty where one is missing."""
    files = [graph.with_suffix(ending) for ending in form.endings]
    if not all(path.is_file() for path in files):
        return ""
    hashes = [sha256_of(path) for path in files]
    return hashes[0] if len(hashes) == 1 else hashlib.sha256("".join(hashes).encode()).hexdigest()
