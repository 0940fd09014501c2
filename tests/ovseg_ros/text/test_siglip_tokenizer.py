"""SigLIP's texts: canonical, always ended, always padded to the length of the tower."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from open_clip_tokenizers import open_clip_tokenizer_module  # noqa: E402
from small_siglip_tokenizer import PIECES, write_siglip_tokenizer  # noqa: E402

from ovseg_ros.errors import OvsegError, PackageError  # noqa: E402
from ovseg_ros.text.clip_tokenizer import ClipTokenizer  # noqa: E402
from ovseg_ros.text.siglip_tokenizer import (  # noqa: E402
    SiglipTokenizer,
    Vocabulary,
    canonicalise,
    siglip_tokenizer,
)
from ovseg_ros.text.tower import load_tokenizer  # noqa: E402

LENGTH = 6
TEXTS = ["A photo of a  Traffic_Light!", "Don't; naïve CAFÉ, 日本語", " \t x\n", "a-b.c {d}"]
both_vocabularies = pytest.mark.parametrize("vocabulary", list(Vocabulary))


def make(folder: Path, vocabulary: Vocabulary) -> SiglipTokenizer:
    file = folder / "published.json"
    tokens = write_siglip_tokenizer(file, vocabulary)
    return siglip_tokenizer(file, vocabulary, tokens, LENGTH)


def row(vocabulary: Vocabulary, *pieces: str) -> list[int]:
    """Return the ids of `pieces`, ended and padded."""
    ids = [4 + PIECES.index(piece) for piece in pieces] + [1]
    return ids + [vocabulary.pad_id] * (LENGTH - len(ids))


@both_vocabularies
def test_a_text_is_ended_and_padded(tmp_path: Path, vocabulary: Vocabulary) -> None:
    found = make(tmp_path, vocabulary).encode(["Traffic_light!", "a CAR"])
    assert found.dtype == np.int64
    assert found.tolist() == [
        row(vocabulary, "▁traffic", "▁light"),
        row(vocabulary, "▁a", "▁car"),
    ]


@both_vocabularies
def test_a_long_text_keeps_its_end(tmp_path: Path, vocabulary: Vocabulary) -> None:
    (found,) = make(tmp_path, vocabulary).encode(["car " * 20])
    assert found.tolist() == row(vocabulary, *["▁car"] * (LENGTH - 1))


def test_the_start_that_a_published_file_may_add_is_left_out(tmp_path: Path) -> None:
    file = tmp_path / "published.json"
    tokens = write_siglip_tokenizer(file, Vocabulary.GEMMA, start=True)
    (found,) = siglip_tokenizer(file, Vocabulary.GEMMA, tokens, LENGTH).encode(["car"])
    assert found.tolist() == row(Vocabulary.GEMMA, "▁car")


@both_vocabularies
def test_a_package_gives_the_same_ids(tmp_path: Path, vocabulary: Vocabulary) -> None:
    tokenizer = make(tmp_path, vocabulary)
    tokenizer.save(tmp_path / "tokenizer.json")
    again = load_tokenizer(tmp_path / "tokenizer.json")
    assert isinstance(again, SiglipTokenizer)
    texts = ["car", "a traffic light", "car " * 9]
    assert np.array_equal(again.encode(texts), tokenizer.encode(texts))
    assert again.encode([]).shape == (0, LENGTH)
    assert again.fits(["N", LENGTH]) and not again.fits(["N", "L"]) and not again.fits([1, LENGTH])


def test_a_file_without_padding_is_that_of_clip(tmp_path: Path) -> None:
    write_siglip_tokenizer(tmp_path / "tokenizer.json", Vocabulary.GEMMA)
    assert isinstance(load_tokenizer(tmp_path / "tokenizer.json"), ClipTokenizer)


def test_texts_are_made_canonical() -> None:
    assert [canonicalise(text) for text in TEXTS] == [
        "a photo of a traffic light",
        "dont naïve café 日本語",
        "x",
        "abc d",
    ]


def test_canonical_texts_are_those_of_open_clip() -> None:
    theirs = open_clip_tokenizer_module().get_clean_fn("canonicalize")
    assert [canonicalise(text) for text in TEXTS] == [theirs(text) for text in TEXTS]


def test_what_cannot_be_encoded(tmp_path: Path) -> None:
    tokenizer = make(tmp_path, Vocabulary.C4_EN)
    for nothing in ("  ", "?!", "_"):
        with pytest.raises(OvsegError, match="has no text"):
            tokenizer.encode(["car", nothing])


def test_a_file_of_another_vocabulary_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "published.json"
    tokens = write_siglip_tokenizer(file, Vocabulary.GEMMA)
    with pytest.raises(PackageError, match=r"'<eos>'; the text tower has.*'</s>'.*--tokenizer"):
        siglip_tokenizer(file, Vocabulary.C4_EN, tokens, LENGTH)
    with pytest.raises(PackageError, match=f"{tokens} tokens.*has 32000"):
        siglip_tokenizer(file, Vocabulary.GEMMA, 32000, LENGTH)
    file.write_text(json.dumps({"model": 1}))
    with pytest.raises(PackageError, match="is no tokenizer.*--tokenizer"):
        siglip_tokenizer(file, Vocabulary.GEMMA, tokens, LENGTH)
    with pytest.raises(PackageError, match="restore the package"):
        SiglipTokenizer.load(file)
