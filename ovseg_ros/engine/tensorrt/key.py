"""What an engine was built from, with and for: the key that it is found and refused by."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ovseg_ros.engine.choice import EngineChoice
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.engine.tensorrt.library import Library
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage


@dataclass(frozen=True)
class EngineKey:
    """Everything that an engine depends on.

    `target` names the GPU that it was built on with its compute capability, or the kinds of GPUs
    it was built for; `graph_sha256` is that of the package's program.
    """

    library: str
    library_version: str
    platform: str
    target: str
    graph_sha256: str
    precision: str
    profile: EngineProfile

    @property
    def digest(self) -> str:
        """The SHA-256 of the key in hexadecimal."""
        text = json.dumps(self.as_json(), sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()

    def differences(self, found: EngineKey) -> tuple[str, ...]:
        """Say in words what of `found` is not as this key wants it; nothing if it is the same."""
        ours, theirs = self._facts(), found._facts()
        return tuple(
            f"{what}: {theirs[what]} was found, {wanted} was wanted"
            for what, wanted in ours.items()
            if theirs[what] != wanted
        )

    def as_json(self) -> dict[str, Any]:
        """Return the key as JSON; `key_from_json` reads it."""
        return {
            "library": self.library,
            "library_version": self.library_version,
            "platform": self.platform,
            "target": self.target,
            "graph_sha256": self.graph_sha256,
            "precision": self.precision,
            "camera_px": list(self.profile.camera_px),
            "label_buckets": list(self.profile.label_buckets),
            "rank_buckets": list(self.profile.rank_buckets),
        }

    def __str__(self) -> str:
        """Return it in words, with the first digits of its digest."""
        return (
            f"{self.digest[:12]}: {self.library} {self.library_version} on {self.platform} for "
            f"{self.target}, graph {self.graph_sha256[:12]}, {self.precision}, {self.profile}"
        )

    def _facts(self) -> dict[str, str]:
        return {
            "library": self.library,
            "library version": self.library_version,
            "platform": self.platform,
            "GPU": self.target,
            "graph": self.graph_sha256,
            "precision": self.precision,
            "camera": self.profile.camera,
            "labels": _listed(self.profile.label_buckets),
            "ranks": _listed(self.profile.rank_buckets),
        }


def key_of(
    package: ModelPackage,
    choice: EngineChoice,
    library: Library,
    target: str,
    profile: EngineProfile,
) -> EngineKey:
    """Return the key of the engine that `library` builds of `package` here for `target`."""
    return EngineKey(
        library.name,
        library.version,
        library.platform,
        target,
        package.card.files[SEGMENTER_NAME],
        choice.precision.value,
        profile,
    )


_TEXTS = ("library", "library_version", "platform", "target", "graph_sha256", "precision")


def key_from_json(value: Mapping[str, Any]) -> EngineKey:
    """Return the key that `EngineKey.as_json` wrote.

    Raises `KeyError` or `ValueError` naming the field that is missing or of a wrong kind, and
    `BackendError` for a profile that is none.
    """
    texts = {name: _typed(value, name, str) for name in _TEXTS}
    width, height = _numbers(value, "camera_px")
    buckets = _numbers(value, "label_buckets"), _numbers(value, "rank_buckets")
    return EngineKey(**texts, profile=EngineProfile((width, height), *buckets))


def _listed(numbers: tuple[int, ...]) -> str:
    return ",".join(map(str, numbers))


def _numbers(value: Mapping[str, Any], name: str) -> tuple[int, ...]:
    numbers = _typed(value, name, list)
    if not all(type(number) is int for number in numbers):
        raise ValueError(f"'{name}' is {numbers!r}, whole numbers were wanted")
    return tuple(numbers)


def _typed(value: Mapping[str, Any], name: str, kind: type) -> Any:
    if not isinstance(value[name], kind):
        raise ValueError(f"'{name}' is {value[name]!r}, {kind.__name__} was wanted")
    return value[name]
