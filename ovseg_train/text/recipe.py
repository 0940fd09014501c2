"""The whole recipe of the text tower, from names to files."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from ovseg_ros.errors import OvsegError
from ovseg_ros.text.tokenizer import Tokenizer, TokenizerConfig
from ovseg_train.names import Concept, load_concepts
from ovseg_train.text.clip_names import ClipNames, load_clip_names
from ovseg_train.text.dataset import TextDataset, build_dataset
from ovseg_train.text.export import export_tower, write_file
from ovseg_train.text.hold_out import HoldOut, measure_hold_out, split_names
from ovseg_train.text.lexicon import Entry, collect_entries, load_field_nouns
from ovseg_train.text.student import Student, StudentConfig
from ovseg_train.text.teacher import SentenceEmbedder
from ovseg_train.text.training import TrainingConfig, train
from ovseg_train.text.wordnet import load_nouns

CHECKPOINT_FILE = "checkpoint.pt"
HOLD_OUT_FILE = "hold_out.json"
_SEED = 7


@dataclass(frozen=True)
class Recipe:
    """What to train from and where to.

    Attributes:
        clip_names: .npz of CLIP names and vectors.
        wordnet: folder of the WordNet dictionary files.
        out: folder for checkpoint and files; an interrupted run resumes from it.
        steps: optimiser steps.
        hold_out: share of the CLIP names kept out and measured; 0 trains on all.
        threads: CPU threads.
    """

    clip_names: Path
    wordnet: Path
    out: Path
    steps: int = 3000
    hold_out: float = 0.0
    threads: int = 1


def run_recipe(recipe: Recipe) -> None:
    """Trains and exports; with a hold-out also measures it and writes `hold_out.json`.

    Raises OvsegError for unusable inputs and MissingExtraError without the training extra.
    """
    if not 0.0 <= recipe.hold_out <= 0.5 or recipe.steps < 1:
        raise OvsegError(
            f"hold-out {recipe.hold_out} and {recipe.steps} steps were given; "
            "a share from 0 to 0.5 and at least 1 step were wanted"
        )
    torch.set_num_threads(recipe.threads)
    recipe.out.mkdir(parents=True, exist_ok=True)
    concepts, everything = load_concepts(), load_clip_names(recipe.clip_names)
    split = split_names(everything, concepts, recipe.hold_out, _SEED)
    embedder = SentenceEmbedder()
    entries = _collect(recipe, concepts, split.kept, embedder)
    console = Console()
    console.print(f"{len(entries)} names, {len(split.kept.names)} CLIP vectors")
    tokenizer = Tokenizer(TokenizerConfig())
    with _progress(console) as progress:
        dataset = _embed(entries, concepts, split.kept, embedder, progress)
        student = _fit(dataset, tokenizer, recipe, progress)
    export_tower(student, tokenizer, dataset, recipe.out)
    console.print(f"wrote text.onnx, tokenizer.json and names.json to {recipe.out}")
    if split.rows.size:
        _write_hold_out(split, everything, student, tokenizer, dataset, embedder, recipe, console)


def _collect(
    recipe: Recipe, concepts: tuple[Concept, ...], clip: ClipNames, embedder: SentenceEmbedder
) -> list[Entry]:
    nouns = load_nouns(recipe.wordnet, embedder.common_words())
    return collect_entries(concepts, clip, [*load_field_nouns(), *nouns])


def _embed(
    entries: list[Entry],
    concepts: tuple[Concept, ...],
    clip: ClipNames,
    embedder: SentenceEmbedder,
    progress: Progress,
) -> TextDataset:
    task = progress.add_task("teacher", total=None)

    def show(what: str, done: int, total: int) -> None:
        progress.update(task, description=f"teacher: {what}", completed=done, total=total)

    return build_dataset(entries, concepts, clip, embedder, _SEED, show)


def _fit(dataset: TextDataset, tokenizer: Tokenizer, recipe: Recipe, progress: Progress) -> Student:
    config = TrainingConfig(steps=recipe.steps, seed=_SEED)
    task = progress.add_task("student", total=recipe.steps)

    def show(step: int, loss: float) -> None:
        progress.update(task, description=f"student: loss {loss:.4f}", completed=step)

    return train(dataset, tokenizer, StudentConfig(), config, recipe.out / CHECKPOINT_FILE, show)


def _write_hold_out(
    split: HoldOut,
    everything: ClipNames,
    student: Student,
    tokenizer: Tokenizer,
    dataset: TextDataset,
    embedder: SentenceEmbedder,
    recipe: Recipe,
    console: Console,
) -> None:
    measured = measure_hold_out(split, everything, student, tokenizer, dataset, embedder)
    console.print_json(json.dumps(measured))
    write_file(recipe.out / HOLD_OUT_FILE, (json.dumps(measured, indent=1) + "\n").encode())


def _progress(console: Console) -> Progress:
    return Progress(
        TextColumn("{task.description:<36}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        console=console,
    )
