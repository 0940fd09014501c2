"""Text to integers: hashed words and character n-grams, in plain Python and NumPy.

A word becomes one id for the whole word and one id for each of its character n-grams, as in
fastText (Bojanowski et al. 2017). Ids are hash buckets, so no vocabulary file is needed and
every string, in any script, has ids. The hash is FNV-1a (32 bit) over UTF-8, the same on every
machine and in every version of Python.
"""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.errors import OvsegError, PackageError

_FNV_OFFSET = 0x811C9DC5
_FNV_PRIME = 0x01000193
_APOSTROPHES = "'\u2019\u02bc"
HASH_NAME = "fnv1a32-utf8"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class TokenizerConfig:
    """What fixes the ids of a text; stored in `tokenizer.json` beside the tower.

    Attributes:
        buckets: number of hash buckets; ids are 1..buckets, 0 is padding.
        min_gram: shortest character n-gram, boundary marks included.
        max_gram: longest character n-gram, boundary marks included.
        max_words: words kept of a text; the rest is dropped.
        max_ids_per_word: ids kept of a word (the whole word first); the rest is dropped.
    """

    buckets: int = 16384
    min_gram: int = 3
    max_gram: int = 5
    max_words: int = 12
    max_ids_per_word: int = 40


def fnv1a_32(data: bytes) -> int:
    """FNV-1a hash of `data`, 32 bit (Fowler, Noll, Vo; RFC 9923)."""
    value = _FNV_OFFSET
    for byte in data:
        value = ((value ^ byte) * _FNV_PRIME) & 0xFFFFFFFF
    return value


def normalize(text: str) -> str:
    """Canonical form of a prompt: NFKC, lower case, single spaces, no punctuation.

    Apostrophes vanish ("driver's" -> "drivers"); other punctuation, separators and control
    characters become spaces. Letters, marks, digits and symbols (emoji too) of any script stay.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).lower())
    kept = (
        "" if c in _APOSTROPHES else c if unicodedata.category(c)[0] in "LMNS" else " "
        for c in folded
    )
    return " ".join("".join(kept).split())


class Tokenizer:
    """Turns texts into the id tensor that `text.onnx` takes."""

    def __init__(self, config: TokenizerConfig) -> None:
        """Checks `config`; raises OvsegError where a number makes no sense."""
        _check(config)
        self.config = config
        self._word_ids = lru_cache(maxsize=65536)(self._hash_word)

    @classmethod
    def load(cls, path: Path) -> Tokenizer:
        """Reads `tokenizer.json`; raises PackageError when it is missing, broken or too new."""
        try:
            data = json.loads(path.read_text(encoding="utf-8"))
            version, hash_name = data["version"], data["hash"]
        except (OSError, ValueError, KeyError, TypeError) as error:
            raise PackageError(
                f"cannot read the tokenizer {path}: {error!r}; restore the model package"
            ) from error
        if version != FORMAT_VERSION or hash_name != HASH_NAME:
            raise PackageError(
                f"{path} is version {version!r} with hash {hash_name!r}; "
                f"this release reads version {FORMAT_VERSION} with hash {HASH_NAME!r}: "
                "update ovseg_ros or restore the model package"
            )
        wanted = TokenizerConfig.__dataclass_fields__
        try:
            return cls(TokenizerConfig(**{name: int(data[name]) for name in wanted}))
        except (KeyError, TypeError, ValueError) as error:
            raise PackageError(
                f"{path} lacks a whole number for one of {', '.join(wanted)} ({error}); "
                "restore the model package"
            ) from error

    def describe(self) -> dict[str, int | str]:
        """The content of `tokenizer.json` that `load` reads back."""
        return {"version": FORMAT_VERSION, "hash": HASH_NAME, **asdict(self.config)}

    def words(self, text: str) -> list[str]:
        """The normalised words of `text`, at most `max_words`.

        Raises OvsegError when nothing is left to encode.
        """
        words = normalize(text).split()
        if not words:
            raise OvsegError(
                f"the text {text[:40]!r} holds no letter, digit or symbol; "
                "give each label at least one word"
            )
        return words[: self.config.max_words]

    def word_ids(self, word: str) -> tuple[int, ...]:
        """Ids of one normalised word: the whole word, then its n-grams; each in 1..buckets."""
        return self._word_ids(word)

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Ids of `texts`: int64 [N, max_words, max_ids_per_word], 0 = padding.

        Raises OvsegError for a text without a single word.
        """
        config = self.config
        ids = np.zeros((len(texts), config.max_words, config.max_ids_per_word), dtype=np.int64)
        for row, text in enumerate(texts):
            for column, word in enumerate(self.words(text)):
                found = self.word_ids(word)
                ids[row, column, : len(found)] = found
        return ids

    def fits(self, shape: Sequence[object]) -> bool:
        """Whether a tower whose input has `shape` (a symbol for a free side) takes these ids."""
        return list(shape[1:]) == [self.config.max_words, self.config.max_ids_per_word]

    def _hash_word(self, word: str) -> tuple[int, ...]:
        config = self.config
        marked = f"<{word}>"
        # "=" cannot occur inside an n-gram's first place with "<" after it, so a whole short
        # word and its equal n-gram get different buckets.
        pieces = [f"=<{word}>"]
        for size in range(config.min_gram, config.max_gram + 1):
            pieces += [marked[i : i + size] for i in range(len(marked) - size + 1)]
        kept = pieces[: config.max_ids_per_word]
        return tuple(
            1 + fnv1a_32(piece.encode("utf-8", "replace")) % config.buckets for piece in kept
        )


def _check(config: TokenizerConfig) -> None:
    if min(asdict(config).values()) < 1 or config.min_gram > config.max_gram:
        raise OvsegError(
            f"impossible tokenizer: {config}; every number must be at least 1 "
            "and min_gram at most max_gram"
        )
