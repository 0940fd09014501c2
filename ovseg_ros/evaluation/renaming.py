"""Asking for classes under other names, to measure how a model takes words it never saw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ovseg_ros.errors import OvsegError

Alternatives = Mapping[str, Sequence[str]]


def read_alternatives(path: Path) -> Alternatives:
    """Read the other names of classes from YAML; raises `OvsegError` for a file of another shape.

    Either a mapping {class: name or [names]}, or a concepts file: {"concepts": [{"name", "unseen",
    "datasets": {dataset: class}}]}, whose `unseen` names stand for the concept and its classes.
    """
    try:
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        raise OvsegError(f"{path} cannot be read as YAML: {error}") from None
    if not isinstance(data, dict):
        raise OvsegError(f"{path} must map class names to other names, as in 'car: [automobile]'")
    if isinstance(data.get("concepts"), list):
        return _from_concepts(data["concepts"])
    return {
        str(name): [others] if isinstance(others, str) else others for name, others in data.items()
    }


def _from_concepts(concepts: list[dict[str, Any]]) -> Alternatives:
    return {
        str(name): concept["unseen"]
        for concept in concepts
        if concept.get("unseen")
        for name in (concept["name"], *concept.get("datasets", {}).values())
    }


def rounds_of(names: Sequence[str], alternatives: Alternatives) -> tuple[tuple[str, ...], ...]:
    """Return the rounds of names to ask with, so that every alternative is used at least once.

    In round i a class goes by its i-th alternative, counted around; a class without any keeps its
    name. Raises `OvsegError` where no class has an alternative.
    """
    known = [list(alternatives.get(name, ())) for name in names]
    if not any(known):
        raise OvsegError(f"none of the classes {', '.join(names)} has another name in the file")
    return tuple(
        tuple(
            others[i % len(others)] if others else name
            for name, others in zip(names, known, strict=True)
        )
        for i in range(max(len(others) for others in known))
    )
