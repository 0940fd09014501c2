"""The run of a training: it learns, repeats, resumes exactly, stops early, keeps the last good."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.engine.torch_network import load_network  # noqa: E402
from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.packages import ModelPackage  # noqa: E402
from ovseg_train.lora import training  # noqa: E402
from ovseg_train.lora.factors import Factors  # noqa: E402
from ovseg_train.lora.frames import Choice, choose_files, read_frames  # noqa: E402
from ovseg_train.lora.names import PackageNames  # noqa: E402
from ovseg_train.lora.progress import Ending  # noqa: E402
from ovseg_train.lora.recipe import Run, load_recipe  # noqa: E402
from ovseg_train.lora.sites import choose_sites  # noqa: E402
from ovseg_train.lora.trainee import make_trainee  # noqa: E402
from ovseg_train.lora.training import Material, Trainer  # noqa: E402
from ovseg_train.names.concepts import load_concepts  # noqa: E402
from ovseg_train.tiny.label_sampling import PromptBank  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.fixture(scope="module")
def bank(package: ModelPackage) -> PromptBank:
    return PromptBank(PackageNames(package), load_concepts())


@pytest.fixture
def make(package: ModelPackage, folder: Path, bank: PromptBank):  # noqa: ANN201
    """Return a function that makes a trainer of six frames, two of them held out if asked for."""
    choice = Choice(domain="dusk", frames=6)
    frames = read_frames(choose_files(folder, choice)[0], choice)

    def trainer(out: Path, steps: int, held: bool = False, rate: float = 1e-2) -> Trainer:
        graph = load_network(package)
        sites = choose_sites(graph, ())
        recipe = load_recipe(package.card.network)
        network = replace(recipe.network, steps=steps, learning_rate=rate)
        recipe = replace(
            recipe, network=network, evaluate_steps=4, checkpoint_steps=3, patience=2, views=3
        )
        run = Run("x", recipe, [name for name, _ in sites], 4, 8.0, 5, [], {}, ["held"] * held)
        parts = ([0, 1, 2, 3], [4, 5]) if held else (range(6), [])
        material = Material(*(frames.part(list(part)) for part in parts), bank)
        out.mkdir(exist_ok=True)
        factors = Factors(sites, 4, 8.0, 5)
        trainee = make_trainee(graph, [name for name, _ in sites])
        return Trainer(trainee, factors, material, run, out)

    return trainer


def scripted(values: list[float]) -> Iterator[float]:
    yield from values


def test_it_learns_its_frames(make, tmp_path: Path) -> None:
    trainer = make(tmp_path, 60)
    before = trainer.measure()
    assert before == trainer.measure_base()
    progress = trainer.run()
    assert progress.ending is Ending.ALL_STEPS and progress.good_step == 60
    first, last = progress.losses[:5], progress.losses[-5:]
    assert sum(last) < 0.8 * sum(first)
    assert trainer.measure() > before + 0.1
    assert trainer.measure_base() == before, "the base must not move"


def test_a_stopped_run_goes_on_exactly(make, tmp_path: Path, monkeypatch) -> None:
    whole = make(tmp_path / "whole", 10, held=True)
    whole.run()
    stopped = make(tmp_path / "stopped", 10, held=True)
    step = stopped._step

    def until_the_eighth() -> float:
        if stopped.progress.step == 7:
            raise KeyboardInterrupt
        return step()

    monkeypatch.setattr(stopped, "_step", until_the_eighth)
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    resumed = make(tmp_path / "stopped", 10, held=True)
    assert resumed.progress.step == 6
    resumed.run()
    assert resumed.progress.losses == whole.progress.losses
    assert resumed.progress.best_miou == whole.progress.best_miou
    for one, two in zip(whole.factors.parameters(), resumed.factors.parameters(), strict=True):
        assert torch.equal(one, two)


def test_a_checkpoint_of_another_run_is_refused(make, tmp_path: Path) -> None:
    make(tmp_path, 2).run()
    with pytest.raises(OvsegError, match="another recipe"):
        make(tmp_path, 3)


def test_it_stops_early_and_keeps_the_best(make, tmp_path: Path, monkeypatch) -> None:
    trainer = make(tmp_path, 40, held=True)
    looks = scripted([0.1, 0.3, 0.2, 0.2])
    kept = []

    def look(*_: object) -> float:
        kept.append([p.detach().clone() for p in trainer.factors.parameters()])
        return next(looks)

    monkeypatch.setattr(training, "mean_iou", look)
    progress = trainer.run()
    assert progress.ending is Ending.NO_BETTER
    assert (progress.step, progress.good_step) == (12, 4)
    assert (progress.base_miou, progress.best_miou) == (0.1, 0.3)
    for one, two in zip(trainer.factors.parameters(), kept[1], strict=True):
        assert torch.equal(one, two)


def test_no_better_than_the_base_is_refused(make, tmp_path: Path, monkeypatch) -> None:
    monkeypatch.setattr(training, "mean_iou", lambda *_: 0.5)
    with pytest.raises(OvsegError, match="better than the base model .*mIoU 0.500.*nothing was"):
        make(tmp_path, 40, held=True).run()


@pytest.mark.parametrize("fail_at", [0, 3])
def test_a_loss_that_is_no_number_ends_it(make, tmp_path: Path, monkeypatch, fail_at: int) -> None:
    trainer = make(tmp_path, 10)
    right = training.adapter_loss

    def loss(*arguments: object) -> torch.Tensor:
        return right(*arguments) * (float("nan") if trainer.progress.step == fail_at else 1.0)

    monkeypatch.setattr(training, "adapter_loss", loss)
    if fail_at == 0:
        with pytest.raises(OvsegError, match="was not a number after 0 steps.*--learning-rate"):
            trainer.run()
        return
    progress = trainer.run()
    assert progress.ending is Ending.NOT_FINITE
    assert (progress.step, progress.good_step) == (3, 2)
    assert all(torch.isfinite(p).all() for p in trainer.factors.parameters())
    assert any(b.any() for b in trainer.factors.b)


def test_the_curves_are_on_disk(make, tmp_path: Path) -> None:
    make(tmp_path, 2).run()
    assert list((tmp_path / "tensorboard").glob("events*"))
