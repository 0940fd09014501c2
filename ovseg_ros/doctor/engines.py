"""The engines in the cache: whole or not, of which library, checked or not."""

from __future__ import annotations

import json
import shlex
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.gpu import Gpus
from ovseg_ros.doctor.tensorrt import TENSORRT
from ovseg_ros.packages import DEFAULT_PACKAGE, SEGMENTER_NAME, ModelPackage

_SIDECAR, _PLAN = "engine.json", "engine.plan"
_CAMERA = "640x480"


@dataclass(frozen=True)
class Sidecar:
    """What the file beside an engine says; empty or 0 where it does not say it."""

    folder: Path
    library: str
    library_version: str
    target: str
    precision: str
    camera: str
    graph_sha256: str
    plan_sha256: str
    plan_bytes: int
    rebuild: str

    @property
    def words(self) -> str:
        """The engine in a few words."""
        parts = (self.precision, f"for {self.camera}", f"{self.library} {self.library_version}")
        size = f"{self.plan_bytes / 1e6:.0f} MB"
        return f"{self.folder.name}: {', '.join((*parts, size))}"


@dataclass(frozen=True)
class Engines:
    """The findings on engines and verdicts, and the engines that may be opened."""

    findings: tuple[Finding, ...]
    checked: tuple[Sidecar, ...]


@dataclass(frozen=True)
class _Machine:
    """What an engine is held against; `verdicts` say by SHA-256 of a plan whether it passed."""

    gpus: Gpus
    libraries: Mapping[str, str]
    packages: tuple[ModelPackage, ...]
    verdicts: Mapping[Any, bool]

    def package_of(self, graph_sha256: str) -> ModelPackage | None:
        """Return the package with this graph; None where it is not among those found."""
        return next(
            (p for p in self.packages if p.card.files[SEGMENTER_NAME] == graph_sha256), None
        )


def examine_engines(
    cache: Path,
    gpus: Gpus,
    libraries: Mapping[str, str],
    packages: tuple[ModelPackage, ...],
) -> Engines:
    """Look at every engine in `cache`; `libraries` are the usable ones and their versions."""
    verdicts = {v.get("model_sha256"): v.get("passed") is True for _, v in _verdicts(cache) if v}
    machine = _Machine(gpus, libraries, packages, verdicts)
    findings, checked = [], []
    # Folders with a dot are builds under way.
    for folder in sorted(path for path in cache.glob("engines/[!.]*") if path.is_dir()):
        sidecar = read_sidecar(folder)
        finding = _examined(folder, sidecar, machine)
        findings.append(finding)
        if finding.state is State.OK and sidecar:
            checked.append(sidecar)
    if not findings and gpus.devices and libraries:
        found = "none was built; they are built once, before the node starts"
        remedy = f"ovseg build --package {DEFAULT_PACKAGE} --camera {_CAMERA}"
        findings.append(Finding(Topic.ENGINE, State.WARNING, found, remedy))
    return Engines((*findings, *_checks(cache, packages)), tuple(checked))


def read_sidecar(folder: Path) -> Sidecar | None:
    """Return what engine.json in `folder` says; None where there is none that can be read."""
    fields = _fields(_json(folder / _SIDECAR))
    if not fields:
        return None
    camera = fields.get("camera") or fields.get("camera_px", "")
    size = fields.get("plan_bytes")
    return Sidecar(
        folder=folder,
        library=str(fields.get("library", "")),
        library_version=str(fields.get("library_version", "")),
        target=str(fields.get("target", "")),
        precision=str(fields.get("precision", "")),
        camera="x".join(map(str, camera)) if isinstance(camera, list) else str(camera),
        graph_sha256=str(fields.get("graph_sha256", "")),
        plan_sha256=str(fields.get("plan_sha256", "")),
        plan_bytes=size if isinstance(size, int) else 0,
        rebuild=str(fields.get("rebuild", "")),
    )


def _json(path: Path) -> dict[str, Any]:
    """Return the mapping in a JSON file; empty where there is none that can be read."""
    try:
        value = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return value if isinstance(value, dict) else {}


def _fields(value: Mapping[str, Any]) -> dict[str, Any]:
    """Return the fields of a sidecar and of the groups inside it; its own come first."""
    fields: dict[str, Any] = {}
    for content in value.values():
        fields |= _fields(content) if isinstance(content, dict) else {}
    return fields | {k: v for k, v in value.items() if not isinstance(v, dict)}


def _examined(folder: Path, sidecar: Sidecar | None, machine: _Machine) -> Finding:
    """Return the finding on one engine: the first thing that keeps it from being opened."""
    topic, remove = Topic.ENGINE, f"rm -r {shlex.quote(str(folder))}"
    if sidecar is None:
        found = f"{folder.name} has no {_SIDECAR} that can be read; it is not used"
        return Finding(topic, State.WARNING, found, remove)
    package = machine.package_of(sidecar.graph_sha256)
    if package is None:
        found = f"{sidecar.words}; no package found here has its graph, give it with --package"
        return Finding(topic, State.ABSENT, found, remove)
    if sidecar.library not in machine.libraries:
        found = f"{sidecar.words}; this library cannot be used here"
        return Finding(topic, State.ABSENT, found)
    foreign = _foreign(sidecar, machine)
    if foreign:
        remedy = sidecar.rebuild or _command("build", sidecar, package)
        return Finding(topic, State.WARNING, f"{sidecar.words}; {foreign}", remedy)
    passed = machine.verdicts.get(sidecar.plan_sha256)
    if passed:
        return Finding(topic, State.OK, f"{sidecar.words}; passed its check")
    if not machine.gpus.devices:
        return Finding(topic, State.ABSENT, f"{sidecar.words}; to be checked where a GPU is")
    if passed is None:
        remedy = _command("check", sidecar, package)
        return Finding(topic, State.WARNING, f"{sidecar.words}; never checked", remedy)
    remedy = _command("build", replace(sidecar, precision="fp32"), package)
    return Finding(topic, State.WARNING, f"{sidecar.words}; failed its check", remedy)


def _foreign(sidecar: Sidecar, machine: _Machine) -> str:
    """Return why an engine has to be built again; empty where it need not be."""
    plan = sidecar.folder / _PLAN
    size = plan.stat().st_size if plan.is_file() else 0
    if size != sidecar.plan_bytes:
        return f"{_PLAN} has {size:,} bytes, {sidecar.plan_bytes:,} were written"
    installed = machine.libraries[sidecar.library]
    if installed != sidecar.library_version:
        return f"{installed} is installed"
    gpus = machine.gpus.devices
    # Engines of TensorRT-RTX run on many GPUs; the library itself decides about those.
    if sidecar.library == TENSORRT and gpus and all(g.name not in sidecar.target for g in gpus):
        return f"built for {sidecar.target}, {gpus[0].name} is here"
    return ""


def _command(verb: str, sidecar: Sidecar, package: ModelPackage) -> str:
    words = ["ovseg", verb, "--package", package.reference]
    words += ["--backend", "tensorrt"] if verb == "check" else []
    words += ["--precision", sidecar.precision, "--camera", sidecar.camera]
    return shlex.join(words)


def _verdicts(cache: Path) -> Iterator[tuple[Path, dict[str, Any]]]:
    for path in sorted(cache.glob("verdicts/*.json")):
        yield path, _json(path)


def _checks(cache: Path, packages: tuple[ModelPackage, ...]) -> Iterator[Finding]:
    """Yield the findings on all verdicts, those on engines of processors among them."""
    names = {p.card.files[SEGMENTER_NAME]: p.card.name for p in packages}
    passed: set[str] = set()
    failed: set[str] = set()
    for path, verdict in _verdicts(cache):
        if not verdict:
            found = f"the verdict {path.name} cannot be read"
            yield Finding(Topic.CHECK, State.WARNING, found, f"rm {shlex.quote(str(path))}")
        elif verdict.get("graph_sha256") in names:
            words = (verdict.get("backend"), verdict.get("precision"), "on")
            name = names[verdict["graph_sha256"]]
            outcome = passed if verdict.get("passed") is True else failed
            outcome.add(" ".join(map(str, (*words, name))))
    for outcome, text in ((passed, "passed"), (failed, "failed, so refused")):
        if outcome:
            yield Finding(Topic.CHECK, State.OK, f"{text}: {', '.join(sorted(outcome))}")
