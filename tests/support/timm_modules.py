"""timm's own vision transformers beside a CPU-only torch.

The package imports torchvision, as open_clip does (see `open_clip_modules`). Without the modules
that list every model and transform, and with a stand-in for the one name that is left, the real
vision transformer loads.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
from types import ModuleType

import pytest
from torch import nn


def timm_vision_transformer(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """Return the module `timm.models.vision_transformer`, or skip where timm is not installed."""
    package = importlib.util.find_spec("timm")
    if package is None or not package.submodule_search_locations:
        pytest.skip("timm is not installed; run `make build-torch`")
    root = package.submodule_search_locations[0]
    for name in [name for name in sys.modules if name.partition(".")[0] == "timm"]:
        monkeypatch.delitem(sys.modules, name)
    misc = ModuleType("torchvision.ops.misc")
    misc.__dict__["FrozenBatchNorm2d"] = nn.BatchNorm2d
    monkeypatch.setitem(sys.modules, misc.__name__, misc)
    for name in ("torchvision", "torchvision.ops"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    for name in ("timm", "timm.data", "timm.models"):
        without_init = ModuleType(name)
        without_init.__path__ = [root + name.removeprefix("timm").replace(".", "/")]
        without_init.__dict__["__version__"] = "0"
        monkeypatch.setitem(sys.modules, name, without_init)
    constants = vars(importlib.import_module("timm.data.constants"))
    vars(sys.modules["timm.data"]).update({k: v for k, v in constants.items() if k.isupper()})
    return importlib.import_module("timm.models.vision_transformer")
