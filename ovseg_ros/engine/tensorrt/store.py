"""Built engines in the cache: written, installed whole, found by their keys, and verified.

`<cache>/engines/<package>-<precision>-<library>-<digest>/` holds `engine.plan`, the sidecar
`engine.json` and the layer table `layers.json`.
"""

from __future__ import annotations

import hashlib
import os
import re
import shlex
from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.engine.tensorrt.key import EngineKey
from ovseg_ros.engine.tensorrt.layers import LAYERS_NAME, LayerTable, write_layers
from ovseg_ros.engine.tensorrt.sidecar import Sidecar, read_sidecar, write_sidecar
from ovseg_ros.engine.tensorrt.staging import ENGINES, locked
from ovseg_ros.errors import BackendError
from ovseg_ros.output import OutputError, make_folder, write_file

PLAN_NAME = "engine.plan"


@dataclass(frozen=True)
class StoredEngine:
    """An engine in a cache: its folder, its key and what its sidecar says."""

    folder: Path
    key: EngineKey
    sidecar: Sidecar

    @property
    def plan_path(self) -> Path:
        """The engine itself."""
        return self.folder / PLAN_NAME

    @property
    def layers_path(self) -> Path:
        """Its layer table."""
        return self.folder / LAYERS_NAME


def store_engine(
    cache: Path, key: EngineKey, plan: bytes | memoryview, layers: LayerTable, sidecar: Sidecar
) -> StoredEngine:
    """Write a new engine into `cache`, its size and hash into the sidecar; raises `OutputError`.

    It is visible to whoever reads that cache at once: an engine to be checked first belongs into a
    cache of its own, from where `install_engine` takes it.
    """
    folder = cache / ENGINES / folder_name(sidecar.package, key)
    make_folder(folder)
    size = memoryview(plan).nbytes
    digest = hashlib.sha256(plan).hexdigest()
    known = replace(sidecar, plan_sha256=digest, plan_bytes=size, layers_of=layers.source)
    write_file(folder / PLAN_NAME, plan)
    write_layers(folder, layers)
    write_sidecar(folder, key, known)
    return StoredEngine(folder, key, known)


def install_engine(cache: Path, engine: StoredEngine) -> StoredEngine:
    """Move `engine`, which lies on the same disk, into `cache` as a whole.

    It takes the place of engines that differ from it in nothing but their buckets. Raises
    `OutputError`.
    """
    engines = cache / ENGINES
    make_folder(engines)
    target = engines / engine.folder.name
    try:
        with locked(engines):
            for number, older in enumerate(_replaced(engines, engine)):
                # Out of the way beside the new one, with whose folder it will be removed.
                os.rename(older, engine.folder.parent / f"older_{number}")
            os.rename(engine.folder, target)
    except OSError as error:
        raise OutputError(
            f"cannot move the engine to {target}: {error.strerror or error}"
        ) from None
    return replace(engine, folder=target)


def stored_engines(cache: Path) -> tuple[list[StoredEngine], list[str]]:
    """Return the engines of `cache`, newest first, and what is wrong with those not readable."""
    found, damaged = [], []
    for folder in sorted((cache / ENGINES).glob("[!.]*/")):
        try:
            found.append(open_engine(folder))
        except BackendError as error:
            damaged.append(str(error))
    return sorted(found, key=lambda engine: engine.sidecar.built_at, reverse=True), damaged


def open_engine(folder: Path) -> StoredEngine:
    """Return the engine in `folder`; raises `BackendError` for a damaged or missing sidecar."""
    return StoredEngine(folder, *read_sidecar(folder))


def read_plan(engine: StoredEngine) -> bytes:
    """Return the plan of `engine`; raises `BackendError` where it is not the one that was built."""
    sidecar, path = engine.sidecar, engine.plan_path
    remedy = f"build it again with  {sidecar.rebuild}"
    try:
        plan = path.read_bytes()
    except OSError as error:
        raise BackendError(f"{path} cannot be read: {error.strerror or error}; {remedy}") from None
    found = hashlib.sha256(plan).hexdigest()
    if (len(plan), found) != (sidecar.plan_bytes, sidecar.plan_sha256):
        raise BackendError(
            f"{path} is truncated or was altered: {len(plan):,} bytes with SHA-256 {found[:12]} "
            f"were found, {sidecar.plan_bytes:,} bytes with {sidecar.plan_sha256[:12]} were "
            f"wanted; {remedy}"
        )
    return plan


def folder_name(package: str, key: EngineKey) -> str:
    """Return what the folder of an engine is called."""
    name = f"{package}-{key.precision}-{key.library}-{key.digest[:12]}"
    return re.sub(r"[^\w.-]", "-", name)


def build_command(package_reference: str, key: EngineKey) -> str:
    """Return the command that builds the engine with `key`."""
    profile = key.profile
    words = ["ovseg", "build", "--package", package_reference, "--precision", key.precision]
    words += ["--camera", profile.camera, "--library", key.library]
    words += ["--labels", ",".join(map(str, profile.label_buckets))]
    words += ["--rank", ",".join(map(str, profile.rank_buckets))]
    return shlex.join(words)


def _replaced(engines: Path, new: StoredEngine) -> list[Path]:
    """Return the folders of `engines` in whose place `new` comes."""
    target = engines / new.folder.name
    folders = {target} if target.exists() else set()
    for engine in stored_engines(engines.parent)[0]:
        profile = replace(new.key.profile, camera_px=engine.key.profile.camera_px)
        same_but_buckets = replace(engine.key, profile=profile) == new.key
        if same_but_buckets and engine.sidecar.package == new.sidecar.package:
            folders.add(engine.folder)
    return sorted(folders)
