"""SigLIP's tokenizers at run time, over the `tokenizers` library.

Their vocabularies are published with the weights, as `tokenizer.json`, and are not part of this
repository: a package carries the file it was converted with, set to SigLIP's length and padding.
"""

from __future__ import annotations

import string
from collections.abc import Sequence
from enum import Enum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.errors import OvsegError, PackageError
from ovseg_ros.text.tokenizers_library import import_tokenizers, read_tokenizer

_END_ID = 1
_NO_PUNCTUATION = str.maketrans("", "", string.punctuation)


class Vocabulary(Enum):
    """The vocabularies of SigLIP's towers; the value is the token with id 1, which ends a text."""

    C4_EN = "</s>"  # SigLIP (Zhai et al., ICCV 2023)
    GEMMA = "<eos>"  # SigLIP 2 (Tschannen et al., 2025)

    @property
    def pad_id(self) -> int:
        """What fills a text up behind its end."""
        return _END_ID if self is Vocabulary.C4_EN else 0


class SiglipTokenizer:
    """Texts to ids: the pieces of the canonical text, end, padding to a fixed length."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a `tokenizers.Tokenizer` that pads; use `load` or `siglip_tokenizer` instead."""
        self._tokenizer = tokenizer
        self._length = int(tokenizer.padding["length"])

    @classmethod
    def load(cls, path: Path) -> SiglipTokenizer:
        """Open the `tokenizer.json` of a package; raises `PackageError` where it is unusable."""
        return cls(read_tokenizer(path, "restore the package"))

    def save(self, path: Path) -> None:
        """Write the tokenizer with its vocabulary, length and padding to `path`."""
        path.write_text(self._tokenizer.to_str(), encoding="utf-8")

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return int64 [N, L], L the length of the tower; longer texts are cut before their end.

        Raises `OvsegError` for a text in which nothing is left without its punctuation.
        """
        canonical = [canonicalise(text) for text in texts]
        if not all(canonical):
            raise OvsegError("a label has no text; give it at least one letter")
        found = [self._tokenizer.encode(text).ids for text in canonical]
        return np.asarray(found, np.int64).reshape(len(texts), self._length)

    def fits(self, shape: Sequence[object]) -> bool:
        """Whether a tower whose input has `shape` (a symbol for a free side) takes these ids."""
        return len(shape) == 2 and not isinstance(shape[0], int) and shape[1] == self._length


def canonicalise(text: str) -> str:
    """Return `text` as SigLIP was evaluated: no ASCII punctuation, lower case, single spaces."""
    return " ".join(text.replace("_", " ").translate(_NO_PUNCTUATION).lower().split())


def siglip_tokenizer(
    file: Path, vocabulary: Vocabulary, tokens: int, length: int
) -> SiglipTokenizer:
    """Make the tokenizer of a tower with `tokens` ids and texts of `length` from a published file.

    Its rules for special tokens are replaced: SigLIP's texts have no start, and always an end, the
    longest too. Raises `PackageError` where the file is unusable or of another vocabulary.
    """
    advice = "give --tokenizer the tokenizer.json of the model's repository"
    tokenizer = read_tokenizer(file, advice)
    end, size = tokenizer.id_to_token(_END_ID), tokenizer.get_vocab_size()
    if end != vocabulary.value or size < tokens:
        raise PackageError(
            f"{file} has {size} tokens, number {_END_ID} being {end!r}; the text tower has "
            f"{tokens}, number {_END_ID} being {vocabulary.value!r}: {advice}"
        )
    processors = import_tokenizers().processors
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"$A {end}", special_tokens=[(end, _END_ID)]
    )
    tokenizer.enable_truncation(length)
    pad_id = vocabulary.pad_id
    tokenizer.enable_padding(length=length, pad_id=pad_id, pad_token=tokenizer.id_to_token(pad_id))
    return SiglipTokenizer(tokenizer)
