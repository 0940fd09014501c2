"""The tokenizer: the same ids on every machine, for text in any script."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.errors import OvsegError
from ovseg_ros.text.tokenizer import Tokenizer, TokenizerConfig, fnv1a_32, normalize

GOLDEN_PERSON = [14390, 10077, 3493, 13504]
SMALL = TokenizerConfig(buckets=1000, min_gram=3, max_gram=4, max_words=3, max_ids_per_word=6)


@pytest.mark.parametrize(
    ("data", "wanted"), [(b"", 0x811C9DC5), (b"a", 0xE40C292C), (b"foobar", 0xBF9CF968)]
)
def test_hash_gives_the_published_values(data: bytes, wanted: int) -> None:
    assert fnv1a_32(data) == wanted


@pytest.mark.parametrize(
    ("text", "wanted"),
    [
        ("  Traffic-Light!! ", "traffic light"),
        ("driver\u2019s cab", "drivers cab"),
        ("\uff23\uff21\uff32", "car"),
        ("\ufb01re hydrant", "fire hydrant"),
        ("STRASSE \u00c4pfel", "strasse \u00e4pfel"),
        ("a\tb\nc\x00d", "a b c d"),
        ("\u6c7d\u8f66", "\u6c7d\u8f66"),
        ("\U0001f697 car", "\U0001f697 car"),
        ("?!", ""),
    ],
)
def test_normalize(text: str, wanted: str) -> None:
    assert normalize(text) == wanted
    assert normalize(wanted) == wanted


def test_ids_are_the_hashes_of_the_whole_word_then_its_n_grams() -> None:
    pieces = ["=<car>", "<ca", "car", "ar>", "<car", "car>"]
    wanted = [1 + fnv1a_32(piece.encode()) % 1000 for piece in pieces]
    ids = Tokenizer(SMALL).encode(["Car"])
    assert ids.shape == (1, 3, 6) and ids.dtype == np.int64
    assert ids[0, 0].tolist() == wanted
    assert not ids[0, 1:].any()


def test_golden_ids_do_not_change_between_releases() -> None:
    ids = Tokenizer(TokenizerConfig()).encode(["person"])
    assert ids[0, 0, :4].tolist() == GOLDEN_PERSON


def test_ids_do_not_depend_on_the_process() -> None:
    program = (
        "from ovseg_ros.text.tokenizer import Tokenizer, TokenizerConfig;"
        "print(Tokenizer(TokenizerConfig()).encode(['caf\\u00e9 \\u8f66']).tolist())"
    )
    here = str(Tokenizer(TokenizerConfig()).encode(["caf\u00e9 \u8f66"]).tolist())
    there = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=True,
        env={"PYTHONHASHSEED": "12345", "PYTHONPATH": str(Path(__file__).resolve().parents[3])},
    )
    assert there.stdout.strip() == here


def test_long_texts_and_words_are_cut_not_refused() -> None:
    ids = Tokenizer(SMALL).encode(["one two three four", "x" * 100_000])
    assert (ids[0, :, 0] > 0).all()
    assert (ids[1, 0] > 0).all() and not ids[1, 1:].any()


@pytest.mark.parametrize("text", ["", "   ", "?!", "\x00\x01", "\u200b"])
def test_text_without_a_word_is_refused(text: str) -> None:
    with pytest.raises(OvsegError, match="at least one word"):
        Tokenizer(SMALL).encode(["car", text])


def test_describe_and_load_are_inverse(tmp_path: Path) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(Tokenizer(SMALL).describe()), encoding="utf-8")
    assert Tokenizer.load(path).config == SMALL


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"version": 99}, "version 99"),
        ({"hash": "md5"}, "md5"),
        ({"buckets": "many"}, "whole number"),
        ({"max_words": None}, "whole number"),
        ({"buckets": 0}, "at least 1"),
        ({"min_gram": 9}, "at most max_gram"),
    ],
)
def test_unusable_files_are_refused(tmp_path: Path, change: dict, message: str) -> None:
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps(Tokenizer(SMALL).describe() | change), encoding="utf-8")
    with pytest.raises(OvsegError, match=message):
        Tokenizer.load(path)


@pytest.mark.parametrize("content", [None, b"", b"[1, 2]", b"\xff\xfe{"])
def test_missing_and_broken_files_are_refused(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "tokenizer.json"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(OvsegError, match="tokenizer"):
        Tokenizer.load(path)
