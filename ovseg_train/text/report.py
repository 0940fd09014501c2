"""The numbers of a finished tower, measured on the files that the robot loads."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from ovseg_ros.text import TextTower
from ovseg_train.names import load_concepts
from ovseg_train.text.clip_names import load_clip_names
from ovseg_train.text.evaluation import (
    NamedCosine,
    close_pairs,
    measure_names,
    measure_retrieval,
    names_of,
)

CLOSE = 0.5


def print_report(package: Path, clip_names: Path) -> None:
    """Prints margins of synonyms and held-out names, close concepts and CLIP retrieval.

    Raises PackageError or OvsegError for files that cannot be read.
    """
    console = Console()
    tower, concepts, clip = TextTower.load(package), load_concepts(), load_clip_names(clip_names)
    description = json.loads((package / "tokenizer.json").read_text(encoding="utf-8"))
    centre = np.asarray(description["center"], dtype=np.float32)
    names = [concept.name for concept in concepts]
    anchors = dict(zip(names, tower.encode(names), strict=True))
    retrieval = measure_retrieval(
        tower.encode(clip.names), np.arange(len(clip.names)), clip.vectors, centre
    )
    console.print("CLIP names", asdict(retrieval))
    for title, unseen in (("training synonyms", False), ("held-out names", True)):
        pairs = names_of(concepts, unseen)
        vectors = tower.encode([name for name, _ in pairs])
        _print_names(console, title, measure_names(pairs, vectors, anchors, centre))
    table = Table("concept", "concept", "centred cosine", title=f"concepts closer than {CLOSE}")
    for first, second, cosine in close_pairs(anchors, centre, CLOSE):
        table.add_row(first, second, f"{cosine:.2f}")
    console.print(table)


def _print_names(console: Console, title: str, measured: list[NamedCosine]) -> None:
    own = np.array([entry.own for entry in measured])
    margin = np.array([entry.margin for entry in measured])
    console.print(
        f"{title}: {len(measured)} names, own concept nearest for {(margin > 0).mean():.1%}, "
        f"centred cosine to it mean {own.mean():.3f} median {np.median(own):.3f} "
        f"least {own.min():.3f}, margin mean {margin.mean():.3f}"
    )
    table = Table("name", "concept", "cosine", "nearest other", "cosine", title=f"{title}: misses")
    for entry in sorted(measured, key=lambda entry: entry.margin):
        if entry.margin <= 0:
            cosines = f"{entry.own:.2f}", f"{entry.other_cosine:.2f}"
            table.add_row(entry.name, entry.concept, cosines[0], entry.other, cosines[1])
    console.print(table)
