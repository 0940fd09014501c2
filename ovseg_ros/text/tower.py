"""The text tower at run time: texts in, unit vectors out, over ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.errors import MissingExtraError, PackageError
from ovseg_ros.text.clip_tokenizer import ClipTokenizer
from ovseg_ros.text.tokenizer import Tokenizer

TOWER_FILE = "text.onnx"
TOKENIZER_FILE = "tokenizer.json"
_CHUNK = 128
_THREADS = 1


class TextTokenizer(Protocol):
    """Texts to what `text.onnx` takes."""

    def encode(self, texts: Sequence[str]) -> NDArray[np.int64]:
        """Return the ids of `texts`, one row each; raises OvsegError for a text without content."""

    def fits(self, shape: Sequence[object]) -> bool:
        """Whether a tower whose input has `shape` (a symbol for a free side) takes these ids."""


class TextTower:
    """Encodes texts with `text.onnx` and the tokenizer beside it. Safe to share between threads."""

    def __init__(self, session: Any, tokenizer: TextTokenizer) -> None:
        """Takes an onnxruntime session whose input is `ids` and whose output is `embedding`."""
        self._session = session
        self.tokenizer = tokenizer
        # Asked of a run: the graph may name its output's width by a symbol.
        self._dim = int(self._run(tokenizer.encode(["probe"])).shape[1])

    @classmethod
    def load(cls, folder: Path) -> TextTower:
        """Loads the tower of a model package.

        Raises PackageError when a file is missing, broken or does not fit the other, and
        MissingExtraError without onnxruntime.
        """
        try:
            import onnxruntime
        except ImportError as error:
            raise MissingExtraError("onnxruntime", "cpu") from error
        tokenizer = load_tokenizer(folder / TOKENIZER_FILE)
        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = _THREADS  # a few labels do not repay waking more
        # It would keep the memory of the longest query until the end.
        options.enable_cpu_mem_arena = False
        try:
            session = onnxruntime.InferenceSession(
                str(folder / TOWER_FILE), options, providers=["CPUExecutionProvider"]
            )
        except Exception as error:  # onnxruntime raises types of its own for a bad file
            raise PackageError(
                f"cannot load the text tower {folder / TOWER_FILE}: {error}; "
                "restore the model package"
            ) from error
        _check_fit(session, tokenizer, folder)
        return cls(session, tokenizer)

    @property
    def dim(self) -> int:
        """D, the size of the text-embedding space."""
        return self._dim

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """Unit vectors float32 [N, D] of `texts`, row by row; the batch does not matter.

        Raises OvsegError for a text without a single letter, digit or symbol.
        """
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            chunk = list(texts[start : start + _CHUNK])
            rows[start : start + len(chunk)] = self._run(self.tokenizer.encode(chunk))
        return rows

    def _run(self, ids: NDArray[np.int64]) -> NDArray[np.float32]:
        (embedding,) = self._session.run(["embedding"], {"ids": ids})
        return np.asarray(embedding, dtype=np.float32)


def load_tokenizer(path: Path) -> TextTokenizer:
    """Open the tokenizer of a package: ours, or CLIP's in the format of the `tokenizers` library.

    Raises PackageError where it is missing or broken, MissingExtraError where CLIP's needs more
    than is installed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackageError(
            f"cannot read the tokenizer {path}: {error!r}; restore the model package"
        ) from error
    is_clip = isinstance(content, dict) and "model" in content
    return ClipTokenizer.load(path) if is_clip else Tokenizer.load(path)


def _check_fit(session: Any, tokenizer: TextTokenizer, folder: Path) -> None:
    found = {entry.name: list(entry.shape) for entry in session.get_inputs()}
    if list(found) != ["ids"] or not tokenizer.fits(found["ids"]):
        raise PackageError(
            f"{folder / TOWER_FILE} takes {found}, which is not what {TOKENIZER_FILE} gives; "
            "both must come from one training run: restore the model package"
        )
