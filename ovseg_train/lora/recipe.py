"""Every number of a training run, from `recipe.yaml` and the command line."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ovseg_train.tiny.recipe import LossRecipe, VocabularyRecipe, build_fields

RECIPE_FILE = Path(__file__).with_name("recipe.yaml")
_OTHER = "other"


@dataclass(frozen=True)
class NetworkRecipe:
    """What depends on the network; no `groups` means all sites."""

    groups: list[str]
    learning_rate: float
    steps: int
    batch: int


@dataclass(frozen=True)
class LoraRecipe:
    """Everything that decides how a run goes, data and sites aside; see `recipe.yaml`."""

    network: NetworkRecipe
    vocabulary: VocabularyRecipe
    loss: LossRecipe
    hold_out_share: float
    fewest_to_hold_out: int
    enough_frames: int
    least_gain: float
    evaluate_steps: int
    patience: int
    checkpoint_steps: int
    warmup_steps: int
    weight_decay: float
    clip_norm: float
    views: int
    max_zoom: float
    look: float
    kept_mib: int


@dataclass(frozen=True)
class Run:
    """What a checkpoint belongs to: it goes on only if all of this is the same."""

    base_sha256: str
    recipe: LoraRecipe
    sites: list[str]
    rank: int
    alpha: float
    seed: int
    classes: list[str]
    origin: dict[str, Any]
    held_out: list[str]


def load_recipe(network: str, path: Path = RECIPE_FILE) -> LoraRecipe:
    """Read the recipe at `path` for what a card calls its `network`.

    Raises `OvsegError` naming a missing or unknown field.
    """
    raw = yaml.safe_load(path.read_text(encoding="utf-8"))
    networks = raw.pop("networks")
    nested = {
        "network": build_fields(NetworkRecipe, networks.get(network, networks[_OTHER]), path),
        "vocabulary": build_fields(VocabularyRecipe, raw.pop("vocabulary"), path),
        "loss": build_fields(LossRecipe, raw.pop("loss"), path),
    }
    return build_fields(LoraRecipe, {**raw, **nested}, path)
