"""The names of a package's text bank, as the sampling of vocabularies takes them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import numpy.typing as npt

from ovseg_ros.packages import ModelPackage
from ovseg_ros.text.bank import TextBank


class PackageNames:
    """Encodes names as the node does: with the templates of the card, synonyms averaged."""

    def __init__(
        self, package: ModelPackage, synonyms: Mapping[str, Sequence[str]] | None = None
    ) -> None:
        """Load the text bank of `package`.

        `synonyms` are what a query gives labels besides their name. Raises `PackageError` or
        `MissingExtraError`.
        """
        self._bank = TextBank.load(package)
        self._templates = package.card.templates
        self._synonyms = synonyms or {}

    def encode(self, texts: Sequence[str]) -> npt.NDArray[np.float32]:
        """Return unit vectors [N, D] of the labels called `texts`."""
        labels = [(text, *self._synonyms.get(text, ())) for text in texts]
        return self._bank.encode(labels, self._templates)
