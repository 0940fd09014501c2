"""How well the tower places names whose CLIP vector it never saw."""

from __future__ import annotations

from dataclasses import asdict, dataclass

import numpy as np
import torch
from numpy.typing import NDArray

from ovseg_ros.text.tokenizer import Tokenizer, normalize
from ovseg_train.names import Concept
from ovseg_train.text.clip_names import ClipNames
from ovseg_train.text.dataset import TextDataset
from ovseg_train.text.evaluation import measure_retrieval
from ovseg_train.text.space import Vectors, on_sphere
from ovseg_train.text.student import Student
from ovseg_train.text.teacher import SentenceEmbedder


@dataclass(frozen=True)
class HoldOut:
    """A split of the CLIP names.

    Attributes:
        kept: names to train on.
        rows: rows of all CLIP names that are held out.
    """

    kept: ClipNames
    rows: NDArray[np.int64]


def split_names(clip: ClipNames, concepts: tuple[Concept, ...], share: float, seed: int) -> HoldOut:
    """Holds out a random `share` of the names that are no concept's (those must be trained)."""
    taken = {normalize(name) for concept in concepts for name in concept.training_names}
    free = [row for row, name in enumerate(clip.names) if normalize(name) not in taken]
    rows = np.random.default_rng(seed).permutation(free)[: round(share * len(clip.names))]
    kept = np.setdiff1d(np.arange(len(clip.names)), rows)
    names = tuple(clip.names[row] for row in kept)
    return HoldOut(ClipNames(names, clip.vectors[kept]), np.sort(rows).astype(np.int64))


def measure_hold_out(
    split: HoldOut,
    clip: ClipNames,
    student: Student,
    tokenizer: Tokenizer,
    dataset: TextDataset,
    embedder: SentenceEmbedder,
) -> dict[str, dict[str, float]]:
    """Retrieval among all CLIP names, for the teacher and the student.

    Three groups: all held-out names; those that the lexicon holds, so that the student was
    taught the teacher's guess; those that no training list holds.
    """
    names = [clip.names[row] for row in split.rows]
    found = {
        "teacher": on_sphere(
            dataset.teacher.predict(embedder.embed(names, lambda done: None)), dataset.centre
        ),
        "student": encode(student, tokenizer, names),
    }
    trained = {entry.name for entry in dataset.entries}
    known = np.array([normalize(name) in trained for name in names])
    groups = {"all": np.ones_like(known), "in lexicon": known, "in no list": ~known}
    return {
        f"{who}, {group}": asdict(
            measure_retrieval(vectors[mask], split.rows[mask], clip.vectors, dataset.centre)
        )
        for group, mask in groups.items()
        for who, vectors in found.items()
        if mask.any()
    }


def encode(student: Student, tokenizer: Tokenizer, texts: list[str]) -> Vectors:
    """Unit vectors f32 [N, D] from a student in torch; the robot uses TextTower instead."""
    with torch.no_grad():
        return student(torch.from_numpy(tokenizer.encode(texts))).numpy()
