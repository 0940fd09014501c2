"""open_clip's tokenizers without the rest of open_clip."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import ModuleType

import pytest


def open_clip_tokenizer_module() -> ModuleType:
    """open_clip's file alone: the package needs a torchvision that fits the installed torch."""
    pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
    package = importlib.util.find_spec("open_clip")
    if package is None or not package.submodule_search_locations:
        pytest.skip("open_clip_torch is not installed; run `make build-torch`")
    path = Path(package.submodule_search_locations[0]) / "tokenizer.py"
    spec = importlib.util.spec_from_file_location("open_clip_tokenizer", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module
