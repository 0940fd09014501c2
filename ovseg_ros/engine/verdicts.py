"""Verdicts of `ovseg check`: which engine may run which graph, and the refusal of all others.

One JSON file per graph, backend, precision and backend version in `<cache>/verdicts/`.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields, replace
from pathlib import Path
from typing import Any

from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision
from ovseg_ros.engine.limits import CheckLimits
from ovseg_ros.errors import BackendError
from ovseg_ros.machine import processor_name
from ovseg_ros.output import make_folder, write_json
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage


@dataclass(frozen=True)
class EngineIdentity:
    """What a verdict is about.

    `model_sha256` is of what is loaded: the graph, its int8 form or an engine built of it.
    `processor` is in it because the instructions at hand decide how a backend rounds; of a GPU it
    names the driver too. `device` is where the engine runs, and `camera` its one size of frames,
    empty for any.
    """

    graph_sha256: str
    backend: str
    precision: str
    backend_version: str
    model_sha256: str
    processor: str
    device: str
    camera: str = ""

    @property
    def file_name(self) -> str:
        """The name of the verdict's file; a new calibration replaces the verdict on the old one."""
        engine = (self.backend, self.precision, self.backend_version, self.device, self.camera)
        parts = (self.graph_sha256[:16], *(part for part in engine if part))
        return re.sub(r"[^\w.-]", "-", "-".join(parts)) + ".json"


@dataclass(frozen=True)
class EngineSource:
    """What a backend would load: fields of `EngineIdentity` that the backend alone knows."""

    version: str
    model_sha256: str
    processor: str
    camera: str = ""


@dataclass(frozen=True)
class CheckRow:
    """One quantity: what was `found` and the limit `wanted`; `at_least` says which side is good."""

    name: str
    found: float
    wanted: float
    at_least: bool

    @property
    def met(self) -> bool:
        """Whether the limit holds; it does not for a value that is not a number."""
        return self.found >= self.wanted if self.at_least else self.found <= self.wanted

    @property
    def wanted_text(self) -> str:
        """The limit in words."""
        return f"{'at least' if self.at_least else 'at most'} {self.wanted:g}"


@dataclass(frozen=True)
class Verdict:
    """The outcome of one check; `facts` say where, when and with what it was reached."""

    identity: EngineIdentity
    limits: CheckLimits
    rows: tuple[CheckRow, ...]
    facts: Mapping[str, Any]

    @property
    def failed(self) -> tuple[CheckRow, ...]:
        """The rows that do not hold."""
        return tuple(row for row in self.rows if not row.met)


def identity_of(
    package: ModelPackage,
    choice: EngineChoice,
    cache: Path,
    camera_px: tuple[int, int] | None = None,
) -> EngineIdentity:
    """Return what `choice` would load for `package`, without loading it.

    Raises `MissingExtraError` without the backend, `BackendError` without a calibrated model, an
    engine or a GPU.
    """
    source = _source(package, choice, cache, camera_px)
    return EngineIdentity(
        package.card.files[SEGMENTER_NAME],
        choice.backend.value,
        choice.precision.value,
        source.version,
        source.model_sha256,
        source.processor,
        choice.device,
        source.camera,
    )


def _source(
    package: ModelPackage, choice: EngineChoice, cache: Path, camera_px: tuple[int, int] | None
) -> EngineSource:
    graph = package.card.files[SEGMENTER_NAME]
    match choice.backend:
        case BackendName.ONNXRUNTIME:
            from ovseg_ros.engine.onnxruntime import import_onnxruntime

            return EngineSource(str(import_onnxruntime().__version__), graph, processor_name())
        case BackendName.OPENVINO:
            from ovseg_ros.engine.openvino import openvino_version
            from ovseg_ros.engine.quantised import find_quantised

            int8 = choice.precision is Precision.INT8
            model = find_quantised(cache, package).sha256 if int8 else graph
            return EngineSource(openvino_version(), model, processor_name())
        case BackendName.TENSORRT:
            from ovseg_ros.engine.tensorrt.backend import engine_source

            return engine_source(package, choice, cache, camera_px)
        case BackendName.TORCH:
            from ovseg_ros.engine.torch import torch_source

            return torch_source(package, choice)


def check_command(
    package: ModelPackage, choice: EngineChoice, camera_px: tuple[int, int] | None = None
) -> str:
    """Return the command that checks `choice` on `package`."""
    words = ["ovseg", "check", "--package", package.reference]
    words += ["--backend", choice.backend.value, "--precision", choice.precision.value]
    if choice != replace(choice, device=""):
        words += ["--device", choice.device]
    if camera_px is not None:
        words += ["--camera", f"{camera_px[0]}x{camera_px[1]}"]
    return shlex.join(words)


def require_pass(
    package: ModelPackage,
    choice: EngineChoice,
    cache: Path,
    camera_px: tuple[int, int] | None = None,
) -> None:
    """Raise `BackendError` unless `choice` passed its check on `package` in the form it has now."""
    identity = identity_of(package, choice, cache, camera_px)
    path = verdict_path(cache, identity)
    subject = f"{choice} on package '{package.card.name}'"
    command = check_command(package, choice, camera_px)
    if not path.is_file():
        raise BackendError(
            f"{subject} was never checked against {REFERENCE} with {choice.backend.value} "
            f"{identity.backend_version}; run  {command}"
        )
    verdict = read_verdict(path, command)
    if (verdict.identity, verdict.limits) != (identity, package.card.checks):
        raise BackendError(
            f"{subject} was checked before its model, its limits, the processor or the driver "
            f"changed; run  {command}"
        )
    if verdict.failed or not verdict.rows:
        raise BackendError(
            f"{subject} failed its check: {_first_failure(verdict)}; "
            f"use {REFERENCE} or another precision, or run  {command}"
        )


def _first_failure(verdict: Verdict) -> str:
    if not verdict.failed:
        return "nothing was compared"
    row, *others = verdict.failed
    text = f"{row.name}: {row.found:.4f} was found, {row.wanted_text} was wanted"
    return f"{text} (and {len(others)} more)" if others else text


def verdict_path(cache: Path, identity: EngineIdentity) -> Path:
    """Return where the verdict on `identity` lies."""
    return cache / "verdicts" / identity.file_name


def write_verdict(cache: Path, verdict: Verdict) -> Path:
    """Write `verdict` into `cache`, in place of an older one, and return its path.

    Raises `OutputError`.
    """
    path = verdict_path(cache, verdict.identity)
    make_folder(path.parent)
    value = {
        "passed": not verdict.failed,
        **asdict(verdict.identity),
        "limits": verdict.limits.as_json(),
        "rows": [{**asdict(row), "met": row.met} for row in verdict.rows],
        **verdict.facts,
    }
    write_json(path, value)
    return path


def read_verdict(path: Path, command: str) -> Verdict:
    """Read a verdict; raises `BackendError` naming `command` where the file is damaged."""
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
        identity = EngineIdentity(**{f.name: str(data[f.name]) for f in fields(EngineIdentity)})
        rows = tuple(
            CheckRow(str(r["name"]), float(r["found"]), float(r["wanted"]), bool(r["at_least"]))
            for r in data["rows"]
        )
        return Verdict(identity, CheckLimits(**data["limits"]), rows, {})
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise BackendError(
            f"the verdict {path} cannot be read: {error!r}; run  {command}"
        ) from None
