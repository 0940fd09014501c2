"""A short run on made-up pictures: it repeats, resumes exactly and exports what it learnt."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.engine.export import check_graph, export_graph  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter  # noqa: E402
from ovseg_ros.text.tower import TextTower  # noqa: E402
from ovseg_train.names.concepts import load_concepts  # noqa: E402
from ovseg_train.tiny.label_sampling import PromptBank  # noqa: E402
from ovseg_train.tiny.recipe import DatasetRecipe, Recipe, load_recipe  # noqa: E402
from ovseg_train.tiny.training import Trainer  # noqa: E402
from ovseg_train.tiny.training_set import TrainingSet  # noqa: E402

pytestmark = [pytest.mark.torch, pytest.mark.slow]
SIZE_PX = (64, 96)


def recipe(steps: int) -> Recipe:
    return dataclasses.replace(
        load_recipe(),
        steps=steps,
        crop_px=list(SIZE_PX),
        datasets=[DatasetRecipe("made_up", "train", [], 2)],
        checkpoint_steps=2,
        validate_steps=steps,
        validate_images=1,
    )


@pytest.fixture(scope="module")
def folder() -> TrainingSet:
    """Blue above, grey below: sky and road."""
    image = np.zeros((*SIZE_PX, 3), np.uint8)
    image[:32], image[32:] = (90, 150, 240), (90, 90, 90)
    label = np.zeros(SIZE_PX, np.uint8)
    label[32:] = 1
    counts = np.array([32 * 96, 32 * 96])
    return TrainingSet("made_up", ("sky", "road"), counts, (image,), (label,))


@pytest.fixture(scope="module")
def bank(tiny_package: Path) -> PromptBank:
    return PromptBank(TextTower.load(tiny_package), load_concepts())


def make_trainer(steps: int, folder: TrainingSet, bank: PromptBank, out: Path) -> Trainer:
    torch.manual_seed(0)
    network = TinySegmenter(TinyConfig(internal_size_px=SIZE_PX))
    return Trainer(network, recipe(steps), [folder], bank, out)


def test_a_stopped_run_goes_on_exactly(
    folder: TrainingSet, bank: PromptBank, tmp_path: Path
) -> None:
    whole = make_trainer(4, folder, bank, tmp_path)
    for _ in range(2):
        whole._train_step()
    whole._save()
    resumed = make_trainer(4, folder, bank, tmp_path)
    assert resumed.step == 2
    whole.run({"made_up": folder})
    resumed.run({"made_up": folder})
    for (name, one), two in zip(
        whole.network.state_dict().items(), resumed.network.state_dict().values(), strict=True
    ):
        assert torch.equal(one, two), name


def test_a_checkpoint_of_another_recipe_is_refused(
    folder: TrainingSet, bank: PromptBank, tmp_path: Path
) -> None:
    make_trainer(2, folder, bank, tmp_path).run({})
    with pytest.raises(OvsegError, match="another recipe"):
        make_trainer(3, folder, bank, tmp_path)


def test_the_exported_graph_agrees_with_torch(tmp_path: Path) -> None:
    torch.manual_seed(1)
    graph = TinyGraph(TinySegmenter(TinyConfig(internal_size_px=SIZE_PX)).eval()).eval()
    path = tmp_path / "segmenter.onnx"
    export_graph(graph, path)
    check_graph(graph, path)
    here = str(Path(__file__).parents[3]).encode()
    assert here not in path.read_bytes(), "a path of this machine"
