"""The embedded model trained on for some steps, with or without dusk: what an adapter aims at.

It is continued from the finished run and not trained from scratch: the same weights, all of them
trainable, at a third of the recipe's rates, which warm up and fall to nothing again.
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
import yaml

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.tiny import TinySegmenter
from ovseg_ros.output import make_folder
from ovseg_ros.packages import ModelPackage
from ovseg_ros.text.tower import TextTower
from ovseg_train.domains.dusk import DuskDrive
from ovseg_train.lora.frames import Choice, read_frames
from ovseg_train.names.concepts import load_concepts
from ovseg_train.tiny.__main__ import CARD_FILE
from ovseg_train.tiny.checkpoint import load_checkpoint
from ovseg_train.tiny.data_roots import find_data, read_folders
from ovseg_train.tiny.export import export_package
from ovseg_train.tiny.label_sampling import PromptBank
from ovseg_train.tiny.recipe import DatasetRecipe, Recipe, load_recipe
from ovseg_train.tiny.training import Trainer
from ovseg_train.tiny.training_set import TrainingSet

_RATE_SHARE = 0.3
_WARMUP_STEPS = 30
# Of the crops of a step; in a mix by size it would be one in five steps. More, so that the model
# has seen as much of dusk in a few hundred steps as one that is trained from scratch.
_DUSK_CROPS = 2
_TEXT_FILES = ("names.json", "text.onnx", "tokenizer.json")


def continue_training(
    run: Path,
    package: ModelPackage,
    roots: Sequence[Path],
    out: Path,
    *,
    dusk: bool,
    steps: int,
    seed: int,
) -> Path:
    """Train the model of the finished `run` on for `steps`, and return the folder of its package.

    `roots` hold the data sets of the recipe. With `dusk` the frames that may be learnt from are in
    the mix, in the place of rendered crops; without it the mix stays as it is. An
    interrupted run in `out` goes on. Raises `OvsegError`.
    """
    state = load_checkpoint(run)
    if state is None:
        raise OvsegError(f"{run} holds no checkpoint; run `ovseg-train tiny train` with this --out")
    recipe, folders = _mix(roots, dusk=dusk)
    recipe = _shorter(recipe, steps, seed)
    make_folder(out)
    network = TinySegmenter()
    network.load_state_dict(state["average"])
    torch.manual_seed(seed)
    bank = PromptBank(TextTower.load(package.folder), load_concepts())
    trainer = Trainer(network, recipe, folders, bank, out)
    trainer.run({})
    return _export(trainer.averaged_network(), package, out / "package")


def _mix(roots: Sequence[Path], *, dusk: bool) -> tuple[Recipe, list[TrainingSet]]:
    recipe = load_recipe()
    folders = read_folders(recipe, roots)
    if not dusk:
        return recipe, folders
    seen = read_frames(DuskDrive.of(find_data(roots, "camvid")).learn, Choice(domain="dusk"))
    images = tuple(frame.image for frame in seen.frames)
    labels = tuple(frame.classes for frame in seen.frames)
    folders.append(TrainingSet("dusk", seen.class_names, seen.class_pixels(), images, labels))
    others = [
        replace(d, batch=d.batch - _DUSK_CROPS) if d.name == "world" else d for d in recipe.datasets
    ]
    added = DatasetRecipe("dusk", "train", [], _DUSK_CROPS)
    return replace(recipe, datasets=[*others, added]), folders


def _shorter(recipe: Recipe, steps: int, seed: int) -> Recipe:
    rates = recipe.optimizer
    optimizer = replace(
        rates,
        backbone_lr=rates.backbone_lr * _RATE_SHARE,
        head_lr=rates.head_lr * _RATE_SHARE,
        warmup_steps=_WARMUP_STEPS,
    )
    # Beyond the last step: what is measured is measured by the program, afterwards.
    return replace(recipe, steps=steps, seed=1000 + seed, optimizer=optimizer, validate_steps=10**9)


def _export(network: TinySegmenter, package: ModelPackage, out: Path) -> Path:
    make_folder(out)
    for name in _TEXT_FILES:
        shutil.copy2(package.folder / name, out / name)
    fields = yaml.safe_load(CARD_FILE.read_text(encoding="utf-8"))
    export_package(network, out, {**fields, "name": out.parent.name})
    return out
