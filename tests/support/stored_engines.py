"""Engines in a cache that nobody had to build, of a library that need not be installed."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

from ovseg_ros.engine.choice import BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.key import EngineKey, key_of
from ovseg_ros.engine.tensorrt.layers import Layer, LayerTable
from ovseg_ros.engine.tensorrt.library import Library, TensorRtLibrary
from ovseg_ros.engine.tensorrt.logger import Messages
from ovseg_ros.engine.tensorrt.sidecar import Sidecar
from ovseg_ros.engine.tensorrt.store import StoredEngine, build_command, store_engine
from ovseg_ros.packages import ModelPackage

FP16 = EngineChoice(BackendName.TENSORRT, Precision.FP16)
PROFILE = EngineProfile((640, 480), (8, 32), (16,))
GPU = "Orin (8.7)"
PLAN = bytes(range(256)) * 40


def library(version: str = "11.4.0", **parts: Any) -> Library:
    """Return a library `tensorrt` of this version whose module has these parts only."""
    module = SimpleNamespace(__version__=version, IBuilderConfig=object, **parts)
    return Library(TensorRtLibrary.TENSORRT, module, None, Messages())


def key(package: ModelPackage, profile: EngineProfile = PROFILE, **changes: Any) -> EngineKey:
    """Return the key of an engine of `package` with these changes."""
    usual = key_of(package, FP16, library(), GPU, profile)
    return EngineKey(**{**vars(usual), **changes})


def store(cache: Path, of: ModelPackage, key: EngineKey, **changes: Any) -> StoredEngine:
    """Write an engine of package `of` with `key` into `cache`; `changes` are of its sidecar."""
    about = {
        "package": of.card.name,
        "plan_sha256": "",
        "plan_bytes": 0,
        "build_s": 1.5,
        "built_at": "2026-01-01T00:00:00+00:00",
        "command": "ovseg build",
        "rebuild": build_command(of.reference, key),
        "check": "not made",
        "layers_of": "",
        "driver": "",
        "float32_islands": ["Softmax"],
        "machine": {"cpu": "one"},
    }
    table = LayerTable("the engine", (Layer("a", "CONVOLUTION", "HALF", "1x2"),))
    return store_engine(cache, key, PLAN, table, Sidecar(**{**about, **changes}))
