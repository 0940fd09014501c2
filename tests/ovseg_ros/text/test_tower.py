"""The embedded text tower, through the door that the robot uses."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.errors import AdapterError, OvsegError, PackageError
from ovseg_ros.text import TextTower

TEXTS = [
    "car",
    "a photo of a fire hydrant",
    "\u6c7d\u8f66",
    "\U0001f697",
    "x" * 5000,
    "a b c " * 40,
]

SYNONYMS = [
    ("automobile", "car", ["truck", "bus", "bicycle", "road"]),
    ("pedestrian", "person", ["bicyclist", "pole", "tree", "traffic sign"]),
    ("sidewalk", "pavement", ["road", "grass", "building", "wall"]),
    ("garbage can", "trash can", ["mailbox", "barrel", "fire hydrant", "crate"]),
    ("sign symbol", "traffic sign", ["traffic light", "pole", "building", "fence"]),
    ("lorry", "truck", ["car", "bus", "tire", "train"]),
    ("boulder", "rock", ["tree", "bush", "crate", "barrel"]),
    ("a red car", "car", ["truck", "bus", "traffic light"]),
    ("car behind a tree", "car", ["tree", "bush", "truck"]),
]


def test_vectors_are_finite_and_of_unit_norm(tower: TextTower) -> None:
    vectors = tower.encode(TEXTS)
    assert vectors.shape == (len(TEXTS), 512) and vectors.dtype == np.float32
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1.0, atol=1e-5)


def test_no_text_gives_no_vector(tower: TextTower) -> None:
    assert tower.encode([]).shape == (0, 512)


def test_a_text_has_the_same_vector_in_any_batch(tower: TextTower) -> None:
    many = tower.encode(TEXTS * 30)
    alone = np.concatenate([tower.encode([text]) for text in TEXTS])
    np.testing.assert_allclose(many, np.tile(alone, (30, 1)), atol=1e-5)


def test_case_and_punctuation_do_not_matter(tower: TextTower) -> None:
    first, second = tower.encode(["Traffic-Light!", "traffic light"])
    np.testing.assert_array_equal(first, second)


def test_word_order_matters(tower: TextTower) -> None:
    first, second = tower.encode(["car behind a tree", "tree behind a car"])
    assert first @ second < 0.95


@pytest.mark.parametrize(("name", "same", "others"), SYNONYMS)
def test_a_synonym_is_closest_to_its_own_concept(
    tower: TextTower, centre: np.ndarray, name: str, same: str, others: list[str]
) -> None:
    seen = tower.encode([name, same, *others]) - centre
    seen /= np.linalg.norm(seen, axis=1, keepdims=True)
    own, *rest = seen[1:] @ seen[0]
    assert own > 0.8
    assert max(rest) < own - 0.2


def test_a_name_is_near_its_published_clip_vector(tower: TextTower, shared_dir: Path) -> None:
    path = shared_dir / "weights" / "clip_text_embeddings" / "clip_vitb32_text_names.npz"
    if not path.is_file():
        pytest.skip("the published CLIP vectors are not in the shared folder")
    with np.load(path) as archive:
        names, published = archive["names"].tolist(), archive["emb"].astype(np.float32)
    cosine = (tower.encode(names) * published).sum(1)
    assert cosine.mean() > 0.97
    assert cosine.min() > 0.9


def test_a_text_without_a_word_is_refused(tower: TextTower) -> None:
    with pytest.raises(OvsegError, match="at least one word"):
        tower.encode(["car", "..."])


def test_a_tower_without_lora_inputs_takes_no_factors(tower: TextTower) -> None:
    assert tower.lora_widths is None
    factors = LoraFactors(np.ones((2, 3), np.float32), np.ones((2, 4), np.float32))
    with pytest.raises(AdapterError, match="rank 2 .* takes none; use an adapter without text"):
        tower.encode(["car"], factors)
    none = LoraFactors(factors.a[:0], factors.b[:0])
    np.testing.assert_array_equal(tower.encode(["car"], none), tower.encode(["car"]))


@pytest.mark.parametrize("broken", ["text.onnx", "tokenizer.json"])
@pytest.mark.parametrize("content", [None, b"", b"not a model"])
def test_missing_and_broken_files_are_refused(
    tower_folder: Path, tmp_path: Path, broken: str, content: bytes | None
) -> None:
    for name in ("text.onnx", "tokenizer.json"):
        shutil.copy(tower_folder / name, tmp_path / name)
    (tmp_path / broken).unlink()
    if content is not None:
        (tmp_path / broken).write_bytes(content)
    with pytest.raises(OvsegError, match="restore the model package"):
        TextTower.load(tmp_path)


def test_a_tokenizer_of_another_tower_is_refused(tower_folder: Path, tmp_path: Path) -> None:
    shutil.copy(tower_folder / "text.onnx", tmp_path)
    text = (tower_folder / "tokenizer.json").read_text(encoding="utf-8")
    (tmp_path / "tokenizer.json").write_text(text.replace('"max_words":12', '"max_words":8'))
    with pytest.raises(PackageError, match="one training run"):
        TextTower.load(tmp_path)


def test_encoding_imports_neither_torch_nor_onnx(tower_folder: Path) -> None:
    program = (
        "import sys; from pathlib import Path; from ovseg_ros.text import TextTower;"
        f"TextTower.load(Path({str(tower_folder)!r})).encode(['car']);"
        "print(sorted({'torch', 'onnx', 'rclpy', 'ovseg_train'} & set(sys.modules)))"
    )
    found = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        cwd=tower_folder.parents[1],
    )
    assert found.stdout.strip() == "[]"
