"""CLIP's tokenizer gives the ids that open_clip's own gives."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")
pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from open_clip_tokenizers import open_clip_tokenizer_module  # noqa: E402

from ovseg_ros.errors import OvsegError, PackageError  # noqa: E402
from ovseg_ros.text.clip_tokenizer import CONTEXT, ClipTokenizer, clip_tokenizer  # noqa: E402

TEXTS = [
    "A photo of a traffic light in the scene",
    "Don't stop, it's 3 o'clock!",
    "naïve café – déjà vu",
    "日本語 テスト",
    "emoji 🚗 car",
    "under_score a.b,c 1234 56",
    "   many   spaces ",
    "x" * 300,
    "very " * 100 + "long",
]


def test_ids_equal_those_of_open_clip(tmp_path: Path) -> None:
    wanted = open_clip_tokenizer_module().SimpleTokenizer()(TEXTS).numpy()
    ours = clip_tokenizer()
    ours.save(tmp_path / "tokenizer.json")
    for tokenizer in (ours, ClipTokenizer.load(tmp_path / "tokenizer.json")):
        found = tokenizer.encode(TEXTS)
        assert found.shape == (len(TEXTS), CONTEXT)
        for text, ids, reference in zip(TEXTS, found, wanted, strict=True):
            assert np.array_equal(ids, reference), text
        short = tokenizer.encode(TEXTS[:2])
        assert np.array_equal(short, wanted[:2, : short.shape[1]])
        assert short.shape[1] == int((wanted[:2] != 0).sum(1).max())


def test_what_cannot_be_encoded_or_loaded(tmp_path: Path) -> None:
    open_clip_tokenizer_module()
    with pytest.raises(OvsegError, match="has no text"):
        clip_tokenizer().encode(["car", "  "])
    (tmp_path / "tokenizer.json").write_text("{")
    with pytest.raises(PackageError, match="is no tokenizer"):
        ClipTokenizer.load(tmp_path / "tokenizer.json")
