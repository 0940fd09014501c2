"""A text space in miniature: few names, random vectors."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from ovseg_train.names import Concept
from ovseg_train.text.clip_names import ClipNames, load_clip_names

NAMES = ("car", "person", "tree", "accordion", "apple", "bench", "truck", "bus", "drone", "ant")


@pytest.fixture
def concepts() -> tuple[Concept, ...]:
    """Two concepts; `car` has a CLIP vector, `road` has none."""
    return (
        Concept("car", ("automobile", "motorcar"), ("motor vehicle",), {"world": "car"}),
        Concept("road", ("street",), ("carriageway",), {"world": "road"}),
    )


@pytest.fixture
def clip_file(tmp_path: Path) -> Path:
    """Ten names with random unit vectors of 512 dimensions around a common centre."""
    rng = np.random.default_rng(0)
    vectors = rng.normal(size=(len(NAMES), 512)) + 2 * rng.normal(size=512)
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    path = tmp_path / "names.npz"
    np.savez(path, names=np.array(NAMES), emb=vectors.astype(np.float16))
    return path


@pytest.fixture
def clip(clip_file: Path) -> ClipNames:
    """The names of `clip_file`."""
    return load_clip_names(clip_file)


@pytest.fixture
def wordnet_folder(tmp_path: Path) -> Path:
    """A WordNet of five nouns in the format of wndb(5WN)."""
    folder = tmp_path / "wordnet"
    folder.mkdir()
    licence = "  1 This line is part of the licence text.\n"
    (folder / "data.noun").write_text(
        licence
        + "00000001 06 n 02 lorry 0 carriageway 0 001 @ 00000009 n 0000 | a truck\n"
        + "00000002 06 n 03 fire_truck 0 fire_engine 0 Big_Red 0 000 | fights fires\n"
        + "00000003 07 n 01 redness 0 000 | an attribute\n"
        + "00000004 20 n 01 oak 0 000 | a plant that nobody counted\n"
        + "00000005 18 n 01 Lincoln 0 000 | a proper noun\n"
    )
    (folder / "index.noun").write_text(
        licence
        + "carriageway n 1 1 @ 1 1 00000001\n"
        + "fire_truck n 1 0 1 0 00000002\n"
        + "lincoln n 1 0 1 1 00000005\n"
        + "lorry n 1 1 @ 1 1 00000001\n"
        + "oak n 1 0 1 0 00000004\n"
        + "redness n 1 0 1 1 00000003\n"
    )
    return folder
