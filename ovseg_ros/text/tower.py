"""The text tower at run time: texts in, unit vectors out, over ONNX Runtime."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.errors import AdapterError, MissingExtraError, PackageError
from ovseg_ros.text.clip_tokenizer import ClipTokenizer
from ovseg_ros.text.siglip_tokenizer import SiglipTokenizer
from ovseg_ros.text.tokenizer import Tokenizer

TOWER_FILE = "text.onnx"
TOKENIZER_FILE = "tokenizer.json"
_LORA_INPUTS = ("lora_a", "lora_b")
_OUTPUT = "embedding"
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
        """Takes an onnxruntime session with the input `ids` and the output `embedding`.

        A session that takes LoRA factors has the inputs `lora_a` and `lora_b` as well.
        """
        self._session = session
        self.tokenizer = tokenizer
        widths = {entry.name: entry.shape[-1] for entry in session.get_inputs()}
        self._lora_widths = (
            (int(widths["lora_a"]), int(widths["lora_b"])) if "lora_a" in widths else None
        )
        # Asked of a run: the graph may name its output's width by a symbol.
        probe = self._run(tokenizer.encode(["probe"]), self._lora_inputs(None))
        self._dim = int(probe.shape[1])

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

    @property
    def lora_widths(self) -> tuple[int, int] | None:
        """Widths of the packed factors that the tower takes; None where it takes none."""
        return self._lora_widths

    def encode(
        self, texts: Sequence[str], factors: LoraFactors | None = None
    ) -> NDArray[np.float32]:
        """Unit vectors float32 [N, D] of `texts`, row by row; the batch does not matter.

        `factors` are those of the tower's own LoRA sites; None or rank 0 is the base. Raises
        OvsegError for a text without a single letter, digit or symbol, and AdapterError where the
        tower takes no factors or factors of other widths.
        """
        lora = self._lora_inputs(factors)
        rows = np.empty((len(texts), self.dim), dtype=np.float32)
        for start in range(0, len(texts), _CHUNK):
            chunk = list(texts[start : start + _CHUNK])
            rows[start : start + len(chunk)] = self._run(self.tokenizer.encode(chunk), lora)
        return rows

    def _lora_inputs(self, factors: LoraFactors | None) -> dict[str, NDArray[np.float32]]:
        if self._lora_widths is not None:
            return dict(zip(_LORA_INPUTS, packed_factors(factors, self._lora_widths), strict=True))
        if factors is None or factors.rank == 0:
            return {}
        raise AdapterError(
            f"LoRA factors of rank {factors.rank} were given to a text tower that takes none; "
            f"use an adapter without text factors, or convert the package again if {TOWER_FILE} "
            "is of a CLIP and has no LoRA inputs yet"
        )

    def _run(
        self, ids: NDArray[np.int64], lora: dict[str, NDArray[np.float32]]
    ) -> NDArray[np.float32]:
        (embedding,) = self._session.run([_OUTPUT], {"ids": ids, **lora})
        return np.asarray(embedding, dtype=np.float32)


def load_tokenizer(path: Path) -> TextTokenizer:
    """Open the tokenizer of a package: ours, or one in the format of the `tokenizers` library.

    Of those, SigLIP's is told from CLIP's by its padding. Raises PackageError where it is missing
    or broken, MissingExtraError where it needs more than is installed.
    """
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PackageError(
            f"cannot read the tokenizer {path}: {error!r}; restore the model package"
        ) from error
    if not (isinstance(content, dict) and "model" in content):
        return Tokenizer.load(path)
    return SiglipTokenizer.load(path) if content.get("padding") else ClipTokenizer.load(path)


def _check_fit(session: Any, tokenizer: TextTokenizer, folder: Path) -> None:
    """Refuse a tower with other inputs, or whose rank or width of factors cannot be used."""
    found = {entry.name: list(entry.shape) for entry in session.get_inputs()}
    given = [entry.name for entry in session.get_outputs()]
    lora = [found.get(name, []) for name in _LORA_INPUTS]
    usable = list(found) == ["ids"] or (
        list(found) == ["ids", *_LORA_INPUTS]
        and all(len(s) == 2 and not isinstance(s[0], int) and isinstance(s[1], int) for s in lora)
    )
    if not usable or given != [_OUTPUT] or not tokenizer.fits(found["ids"]):
        raise PackageError(
            f"{folder / TOWER_FILE} takes {found} and gives {given}, which is not what "
            f"{TOKENIZER_FILE} gives and a query needs; both must come from one training run, with "
            "the number of texts and the rank of LoRA factors free: restore the model package, or "
            "convert it again"
        )
