"""The embedded text tower, loaded once."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.text import TextTower, TrainedNames

FOLDER = Path(__file__).resolve().parents[3] / "engines" / "tiny"


@pytest.fixture(scope="session")
def tower_folder() -> Path:
    """The folder with text.onnx, tokenizer.json and names.json."""
    return FOLDER


@pytest.fixture(scope="session")
def tower(tower_folder: Path) -> TextTower:
    """The embedded text tower."""
    return TextTower.load(tower_folder)


@pytest.fixture(scope="session")
def trained_names(tower_folder: Path) -> TrainedNames:
    """The names the embedded tower was trained on."""
    return TrainedNames.load(tower_folder / "names.json")


@pytest.fixture(scope="session")
def centre(tower_folder: Path) -> np.ndarray:
    """The centre of the text space, f32 [D]."""
    content = json.loads((tower_folder / "tokenizer.json").read_text(encoding="utf-8"))
    return np.asarray(content["center"], dtype=np.float32)
