"""open_clip's own modules beside a CPU-only torch.

The package imports torchvision, whose builds on the registries belong to CUDA builds of torch. Its
transformer modules need one name of it, which no test reaches: a stand-in for that name lets the
real modules load.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest
from torch import nn


def open_clip_transformer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module `open_clip.transformer`, or skip where open_clip_torch is not installed."""
    package = importlib.util.find_spec("open_clip")
    if package is None or not package.submodule_search_locations:
        pytest.skip("open_clip_torch is not installed; run `make build-torch`")
    without_init = ModuleType("open_clip")
    without_init.__path__ = list(package.submodule_search_locations)
    monkeypatch.setitem(sys.modules, "open_clip", without_init)
    misc = ModuleType("torchvision.ops.misc")
    misc.__dict__["FrozenBatchNorm2d"] = nn.BatchNorm2d
    for name in ("torchvision", "torchvision.ops"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "torchvision.ops.misc", misc)
    return importlib.import_module("open_clip.transformer")
