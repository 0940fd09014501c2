"""The text bank: one vector for each label, averaged over its names and prompt templates."""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.errors import OvsegError, PackageError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.text.names import TrainedNames
from ovseg_ros.text.tower import TextTower

NAMES_FILE = "names.json"
CACHE_PROMPTS = 4096
PLAIN_TEMPLATE = "{}"


class TextBank:
    """Encodes the labels of a query; each prompt is encoded once and kept.

    What is kept are the vectors of the base model. Under LoRA factors of the text tower, which come
    and go, every prompt is encoded anew. Safe to use from several threads.
    """

    def __init__(
        self, tower: TextTower, names: TrainedNames | None, cache_prompts: int = CACHE_PROMPTS
    ) -> None:
        """`names` are those the tower was trained on; None: all that people write, as CLIP was.

        `cache_prompts` is how many prompts are kept, least recently used out first.
        """
        self._tower = tower
        self._names = names
        self._cache_prompts = cache_prompts
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = threading.Lock()

    @classmethod
    def load(cls, package: ModelPackage) -> TextBank:
        """The text bank of a model package.

        Raises MissingExtraError without onnxruntime, and PackageError when a file is unusable or
        the tower's vectors or its LoRA factors have another size than the card says.
        """
        folder = package.folder
        tower = TextTower.load(folder)
        listed = NAMES_FILE in package.card.files
        names = TrainedNames.load(folder / NAMES_FILE) if listed else None
        if tower.dim != package.card.embedding_dim:
            raise PackageError(
                f"the text tower in {folder} gives {tower.dim} numbers, its card says "
                f"{package.card.embedding_dim}; restore the model package"
            )
        if tower.lora_widths != package.card.text_lora_widths:
            raise PackageError(
                f"the text tower in {folder} takes {_in_words(tower.lora_widths)}, its card says "
                f"{_in_words(package.card.text_lora_widths)}; restore the model package"
            )
        return cls(tower, names)

    @property
    def dim(self) -> int:
        """D, the size of the text-embedding space."""
        return self._tower.dim

    @property
    def names(self) -> TrainedNames | None:
        """The names the tower was trained on; None where it was trained on text at large."""
        return self._names

    def encode(
        self,
        labels: Sequence[Sequence[str]],
        templates: Sequence[str] = (),
        factors: LoraFactors | None = None,
    ) -> NDArray[np.float32]:
        """Unit vectors float32 [N, D]: for each label the mean over its names and `templates`.

        A template holds "{}" where the name goes; none means the bare name. `factors` are those of
        the text tower; None or rank 0 is the base. Raises OvsegError for a label without names or a
        name without a letter, digit or symbol, and AdapterError where the tower does not take
        `factors`.
        """
        prompts = [_prompts(names, templates or (PLAIN_TEMPLATE,)) for names in labels]
        distinct = list(dict.fromkeys(prompt for row in prompts for prompt in row))
        if factors is None or factors.rank == 0:
            vectors = self._lookup(distinct)
        else:
            vectors = dict(zip(distinct, self._tower.encode(distinct, factors), strict=True))
        bank = np.empty((len(labels), self.dim), dtype=np.float32)
        for row, label_prompts in enumerate(prompts):
            mean = np.mean([vectors[prompt] for prompt in label_prompts], axis=0)
            bank[row] = mean / np.linalg.norm(mean)
        return bank

    def is_trained(self, name: str) -> bool:
        """Whether `name` is among the training names; if not, its vector is a guess."""
        return self._names is None or name in self._names

    def _lookup(self, prompts: list[str]) -> dict[str, NDArray[np.float32]]:
        with self._lock:
            found = {prompt: self._cache[prompt] for prompt in prompts if prompt in self._cache}
            missing = [prompt for prompt in prompts if prompt not in found]
            if missing:
                found.update(zip(missing, self._tower.encode(missing), strict=True))
            for prompt in prompts:
                self._cache[prompt] = found[prompt]
                self._cache.move_to_end(prompt)
            while len(self._cache) > self._cache_prompts:
                self._cache.popitem(last=False)
        return found


def _in_words(lora_widths: tuple[int, int] | None) -> str:
    if lora_widths is None:
        return "no LoRA factors"
    return f"LoRA factors of widths {lora_widths[0]} and {lora_widths[1]}"


def _prompts(names: Sequence[str], templates: Sequence[str]) -> list[str]:
    if not names:
        raise OvsegError("a label has no name; give each label at least one")
    return [template.replace(PLAIN_TEMPLATE, name) for name in names for template in templates]
