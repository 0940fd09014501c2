"""CLIP's byte-pair tokenizer at run time, over the `tokenizers` library.

The merges are data of the CLIP project and are not part of this repository: a package that uses
them carries them in its `tokenizer.json`, written when it is exported.
"""

from __future__ import annotations

import gzip
import importlib.util
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.text.tokenizers_library import import_tokenizers, read_tokenizer

CONTEXT = 77
START, END = "<|startoftext|>", "<|endoftext|>"
_MERGES_FILE = "bpe_simple_vocab_16e6.txt.gz"
_MERGES = 49152 - 256 - 2
_WORD_END = "</w>"
_PATTERN = (
    r"<\|startoftext\|>|<\|endoftext\|>|'s|'t|'re|'ve|'m|'ll|'d|[\p{L}]+|[\p{N}]|[^\s\p{L}\p{N}]+"
)


class ClipTokenizer:
    """Texts to ids: start, byte pairs of the lower-case text, end, zeros."""

    def __init__(self, tokenizer: Any) -> None:
        """Wrap a `tokenizers.Tokenizer`; use `load` or `clip_tokenizer` for the usual way in."""
        self._tokenizer = tokenizer
        self._start, self._end = (tokenizer.token_to_id(name) for name in (START, END))

    @classmethod
    def load(cls, path: Path) -> ClipTokenizer:
        """Open the `tokenizer.json` of a package; raises `PackageError` where it is unusable."""
        return cls(read_tokenizer(path, "restore the package"))

    def save(self, path: Path) -> None:
        """Write the tokenizer with its merges to `path`."""
        path.write_text(self._tokenizer.to_str(), encoding="utf-8")

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return int64 [N, L], L that of the longest text, at most 77, where a text is cut.

        The end token always stays. Raises `OvsegError` for a text with nothing in it.
        """
        rows = []
        for text in texts:
            if not text.strip():
                raise OvsegError("a label has no text; give it at least one letter")
            inner = self._tokenizer.encode(text, add_special_tokens=False).ids[: CONTEXT - 2]
            rows.append([self._start, *inner, self._end])
        ids = np.zeros((len(rows), max(map(len, rows), default=0)), np.int64)
        for row, found in zip(ids, rows, strict=True):
            row[: len(found)] = found
        return ids

    def fits(self, shape: Sequence[object]) -> bool:
        """Whether a tower whose input has `shape` (a symbol for a free side) takes these ids."""
        return len(shape) == 2 and not any(isinstance(side, int) for side in shape)


def clip_tokenizer() -> ClipTokenizer:
    """Return CLIP's tokenizer, its merges read from the installed open_clip_torch.

    open_clip itself is not imported. Raises `MissingExtraError` where it is not installed.
    """
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        raise MissingExtraError("open_clip", "torch")
    return ClipTokenizer(_build(Path(spec.submodule_search_locations[0]) / _MERGES_FILE))


def _build(merges_file: Path) -> Any:
    lines = gzip.decompress(merges_file.read_bytes()).decode("utf-8").split("\n")
    merges = [tuple(line.split()) for line in lines[1 : _MERGES + 1]]
    library = import_tokenizers()
    letters = list(_byte_letters())
    words = [*letters, *(letter + _WORD_END for letter in letters)]
    words += ["".join(pair) for pair in merges]
    words += [START, END]
    model = library.models.BPE(
        vocab={word: i for i, word in enumerate(words)},
        merges=merges,
        end_of_word_suffix=_WORD_END,
        unk_token=END,
    )
    tokenizer = library.Tokenizer(model)
    normalizers, split = library.normalizers, library.pre_tokenizers
    tokenizer.normalizer = normalizers.Sequence(
        [
            normalizers.NFC(),
            normalizers.Replace(library.Regex(r"\s+"), " "),
            normalizers.Lowercase(),
        ]
    )
    tokenizer.pre_tokenizer = split.Sequence(
        [
            split.Split(library.Regex(_PATTERN), behavior="removed", invert=True),
            split.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    return tokenizer


def _byte_letters() -> list[str]:
    """Return a printable letter for every byte, in the order in which CLIP numbers them."""
    printable = [*range(ord("!"), ord("~") + 1), *range(0xA1, 0xAD), *range(0xAE, 0x100)]
    others = (0x100 + i for i in range(256 - len(printable)))
    return [chr(code) for code in (*printable, *others)]
