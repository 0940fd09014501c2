"""Reads `recipe.yaml` into frozen dataclasses, refusing fields that it does not know."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, TypeVar

import yaml

from ovseg_ros.errors import OvsegError

RECIPE_FILE = Path(__file__).with_name("recipe.yaml")
T = TypeVar("T")


@dataclass(frozen=True)
class DatasetRecipe:
    """One data set of the mix: folder `name`, which images, and how many of them in a step."""

    name: str
    split: str
    exclude_domains: list[str]
    batch: int


@dataclass(frozen=True)
class VocabularyRecipe:
    """How the labels of a step are drawn."""

    keep_all_share: float
    max_labels: int
    canonical_share: float
    astray_share: float
    max_astray: float
    max_distractors: int
    distractors: list[str]


@dataclass(frozen=True)
class OptimizerRecipe:
    """AdamW with linear warm-up and polynomial decay, and an exponential moving average."""

    backbone_lr: float
    head_lr: float
    weight_decay: float
    warmup_steps: int
    clip_norm: float
    ema_decay: float


@dataclass(frozen=True)
class LossRecipe:
    """Weights of the loss terms."""

    cost_weight: float
    sigmoid_weight: float
    class_weight_power: float
    class_weight_range: list[float]


@dataclass(frozen=True)
class Recipe:
    """Everything that decides the trained weights, data and machine aside."""

    seed: int
    steps: int
    crop_px: list[int]
    scale_range: list[float]
    datasets: list[DatasetRecipe]
    vocabulary: VocabularyRecipe
    optimizer: OptimizerRecipe
    loss: LossRecipe
    checkpoint_steps: int
    validate_steps: int
    validate_images: int


def load_recipe(path: Path = RECIPE_FILE) -> Recipe:
    """Read the recipe at `path`. Raises `OvsegError` naming a missing or unknown field."""
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    nested = {
        "datasets": [build_fields(DatasetRecipe, entry, path) for entry in raw.pop("datasets")],
        "vocabulary": build_fields(VocabularyRecipe, raw.pop("vocabulary"), path),
        "optimizer": build_fields(OptimizerRecipe, raw.pop("optimizer"), path),
        "loss": build_fields(LossRecipe, raw.pop("loss"), path),
    }
    return build_fields(Recipe, {**raw, **nested}, path)


def build_fields(kind: type[T], raw: dict[str, Any], path: Path) -> T:
    """Return a `kind` from `raw`; raises `OvsegError` naming fields that are missing or unknown."""
    wanted = {field.name for field in fields(kind)}  # type: ignore[arg-type]
    if set(raw) != wanted:
        odd = ", ".join(sorted(set(raw) ^ wanted))
        raise OvsegError(f"{path}: fields of {kind.__name__} missing or unknown: {odd}")
    return kind(**raw)
