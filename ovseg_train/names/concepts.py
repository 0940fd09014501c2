"""Reads `concepts.yaml`: each concept with its names, held-out names and data sets."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import yaml

from ovseg_ros.errors import OvsegError
from ovseg_ros.text.tokenizer import normalize
from ovseg_train.names.plurals import plural

CONCEPTS_FILE = Path(__file__).with_name("concepts.yaml")


@dataclass(frozen=True)
class Concept:
    """One meaning and its names.

    Attributes:
        name: canonical name.
        synonyms: other names, used in training.
        unseen: names that no training list may hold; they measure generalisation.
        datasets: class name in each data set that has the concept.
    """

    name: str
    synonyms: tuple[str, ...]
    unseen: tuple[str, ...]
    datasets: dict[str, str]

    @property
    def training_names(self) -> tuple[str, ...]:
        """The canonical name, the class names of the data sets and the synonyms, each once."""
        return tuple(dict.fromkeys((self.name, *self.datasets.values(), *self.synonyms)))


def load_concepts(path: Path = CONCEPTS_FILE) -> tuple[Concept, ...]:
    """All concepts of `path`.

    Raises OvsegError when the file is malformed, or a name stands for two concepts, or a
    held-out name is also a training name.
    """
    try:
        entries = yaml.safe_load(path.read_text(encoding="utf-8"))["concepts"]
        concepts = tuple(_concept(entry) for entry in entries)
    except (OSError, yaml.YAMLError, KeyError, TypeError) as error:
        raise OvsegError(
            f"cannot read concepts from {path}: {error}; "
            "each entry needs name, synonyms, unseen and datasets"
        ) from error
    _check(concepts, path)
    return concepts


def _concept(entry: dict) -> Concept:
    return Concept(
        name=str(entry["name"]),
        synonyms=tuple(str(name) for name in entry["synonyms"]),
        unseen=tuple(str(name) for name in entry["unseen"]),
        datasets={str(key): str(value) for key, value in entry["datasets"].items()},
    )


def _check(concepts: tuple[Concept, ...], path: Path) -> None:
    owner: dict[str, str] = {}
    for concept in concepts:
        for name in {normalize(name) for name in concept.training_names}:
            if name in owner:
                raise OvsegError(f"{path}: {name!r} is both {owner[name]!r} and {concept.name!r}")
            owner[name] = concept.name
    trained = owner.keys() | {plural(name) for name in owner}  # training also writes plurals
    for concept in concepts:
        for name in concept.unseen:
            if normalize(name) in trained:
                raise OvsegError(
                    f"{path}: the held-out name {name!r} of {concept.name!r} is also trained on; "
                    "hold out another"
                )
