"""The 80 ImageNet prompt templates of CLIP, read from the installed open_clip_torch."""

from __future__ import annotations

import importlib.util
from pathlib import Path

from ovseg_ros.errors import MissingExtraError

_FILE = "zero_shot_metadata.py"


def imagenet_templates() -> tuple[str, ...]:
    """Return the templates, each with "{}" where the name goes.

    Only the file that holds them is run: open_clip itself needs a torchvision that fits its torch.
    Raises `MissingExtraError` where open_clip_torch is not installed.
    """
    package = importlib.util.find_spec("open_clip")
    if package is None or not package.submodule_search_locations:
        raise MissingExtraError("open_clip", "torch")
    path = Path(package.submodule_search_locations[0]) / _FILE
    spec = importlib.util.spec_from_file_location("open_clip_zero_shot_metadata", path)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return tuple(template("{}") for template in module.OPENAI_IMAGENET_TEMPLATES)
