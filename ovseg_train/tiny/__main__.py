"""`python -m ovseg_train.tiny train|export`: the recipe of the embedded default model."""

from __future__ import annotations

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
import yaml

from ovseg_ros.commands.options import positive
from ovseg_ros.errors import OvsegError
from ovseg_ros.models.mobilenet_v2 import load_imagenet_file
from ovseg_ros.models.tiny import TinySegmenter
from ovseg_ros.text.tower import TextTower
from ovseg_train.names.concepts import load_concepts
from ovseg_train.tiny.checkpoint import load_checkpoint
from ovseg_train.tiny.data_roots import find_data, read_folders
from ovseg_train.tiny.export import export_package
from ovseg_train.tiny.label_sampling import PromptBank
from ovseg_train.tiny.recipe import RECIPE_FILE, load_recipe
from ovseg_train.tiny.scene_statistics import set_scene_statistics
from ovseg_train.tiny.training import Trainer
from ovseg_train.tiny.training_set import TrainingSet

CARD_FILE = Path(__file__).with_name("card.yaml")
_SCENE_IMAGES = 150


def main(argv: Sequence[str] | None = None) -> int:
    """Run the command line; returns the exit code."""
    arguments = _parser().parse_args(argv)
    try:
        arguments.run(arguments)
    except OvsegError as error:
        print(f"ovseg-train tiny: {error}")
        return 2
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="ovseg-train tiny", description=__doc__)
    verbs = parser.add_subparsers(required=True)
    train = verbs.add_parser("train", help="train by recipe.yaml; goes on from a checkpoint")
    train.add_argument("--imagenet", type=Path, required=True, help="MobileNetV2 weight file")
    train.set_defaults(run=_train)
    export = verbs.add_parser("export", help="write the model package from a finished run")
    export.add_argument("--metrics", type=Path, help="JSON of measured metrics for the card")
    export.add_argument(
        "--most-labels",
        type=positive,
        metavar="K",
        help="refine the K most promising labels of a frame alone (default: all)",
    )
    export.set_defaults(run=_export)
    for verb in (train, export):
        verb.add_argument(
            "--data", type=Path, nargs="+", required=True, help="folders that hold the data sets"
        )
        verb.add_argument("--package", type=Path, required=True, help="folder of the text tower")
        verb.add_argument("--out", type=Path, required=True, help="folder of the run")
        verb.add_argument("--recipe", type=Path, default=RECIPE_FILE, help="(default: recipe.yaml)")
    return parser


def _train(arguments: argparse.Namespace) -> None:
    recipe = load_recipe(arguments.recipe)
    torch.manual_seed(recipe.seed)
    arguments.out.mkdir(parents=True, exist_ok=True)
    tower = TextTower.load(arguments.package)
    bank = PromptBank(tower, load_concepts())
    folders = read_folders(recipe, arguments.data)
    network = TinySegmenter()
    network.backbone.load_imagenet(load_imagenet_file(str(arguments.imagenet)))
    network.text_center.copy_(torch.from_numpy(_center_of(tower)))
    validation = {
        name: TrainingSet.read(find_data(arguments.data, name), name, "val")
        for name in ("camvid", "world")
    }
    Trainer(network, recipe, folders, bank, arguments.out).run(validation)


def _export(arguments: argparse.Namespace) -> None:
    state = load_checkpoint(arguments.out)
    if state is None:
        raise OvsegError(f"{arguments.out} holds no checkpoint; run 'train' with this --out first")
    network = TinySegmenter()
    network.load_state_dict(state["average"])
    network.eval()
    set_scene_statistics(
        network, read_folders(load_recipe(arguments.recipe), arguments.data), _SCENE_IMAGES
    )
    fields = yaml.safe_load(CARD_FILE.read_text(encoding="utf-8"))
    if arguments.metrics is not None:
        fields["metrics"] = json.loads(arguments.metrics.read_text(encoding="utf-8"))
    export_package(network, arguments.package, fields, arguments.most_labels)


def _center_of(tower: TextTower) -> np.ndarray:
    """Return the centre [D] of the names of all concepts, so that cosines spread out."""
    names = [name for concept in load_concepts() for name in concept.training_names]
    center: np.ndarray = tower.encode(names).mean(0)
    return center


if __name__ == "__main__":
    raise SystemExit(main())
