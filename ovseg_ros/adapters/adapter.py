"""What an adapter is, and which package it belongs to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.adapters.sites import LoraSite
from ovseg_ros.errors import AdapterError
from ovseg_ros.packages import Card

Array = npt.NDArray[np.float32]
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@dataclass(frozen=True)
class AdapterTarget:
    """What an adapter must have been made for: the weights, the scene embedding and the sites.

    `base_sha256` is that of the weights, empty where a card does not say it; `scene_dim` is E;
    `text_sites` are those of the text tower. `package` is its name, for messages.
    """

    package: str
    base_sha256: str
    embedding_space: str
    scene_dim: int
    sites: tuple[LoraSite, ...]
    text_sites: tuple[LoraSite, ...] = ()

    @classmethod
    def of(cls, card: Card) -> AdapterTarget:
        """Return what `card` wants of an adapter."""
        return cls(
            package=card.name,
            base_sha256=str(card.raw.get("base_sha256", "")),
            embedding_space=card.embedding_space,
            scene_dim=int(card.raw.get("scene_embedding_dim", 0)),
            sites=card.lora_sites,
            text_sites=card.text_lora_sites,
        )

    @cached_property
    def site_of(self) -> Mapping[str, LoraSite]:
        """Every site by name, those of the text tower included."""
        return {site.name: site for site in (*self.sites, *self.text_sites)}


@dataclass(frozen=True)
class AdapterInfo:
    """The header of an adapter file.

    `centroid` is float32 [E], the mean scene embedding of the domain, and `spread` how far from
    it a frame of the domain is (see `DomainStatistics`), from `count` frames; both None for an
    adapter that knows no scenes of this package: it can be pinned and is never retrieved. Site s
    changes its weight by (alpha / rank) * B_s @ A_s. `synthetic` tells of pictures that were
    rendered or altered.
    """

    name: str
    domain: str
    base_sha256: str
    embedding_space: str
    centroid: Array | None
    spread: float | None
    count: int
    rank: int
    alpha: float
    sites: tuple[str, ...]
    training_data: tuple[Any, ...] = ()
    metrics: Mapping[str, Any] = field(default_factory=dict)
    synthetic: bool = False
    created: str = ""

    @property
    def scale(self) -> float:
        """What the product of the factors is multiplied with."""
        return self.alpha / self.rank


@dataclass(frozen=True)
class Adapter:
    """An adapter in memory, packed as engines take it; alpha / rank is folded in.

    `text_factors` are those of the text tower, None where the adapter has none.
    """

    info: AdapterInfo
    factors: LoraFactors
    text_factors: LoraFactors | None = None

    @property
    def bytes(self) -> int:
        """What the factors take in memory."""
        packs = [pack for pack in (self.factors, self.text_factors) if pack is not None]
        return sum(pack.a.nbytes + pack.b.nbytes for pack in packs)


def require_name(name: str) -> str:
    """Return `name`; raises `AdapterError` where it cannot be the name of an adapter and a file."""
    if not _NAME.fullmatch(name):
        raise AdapterError(
            f"{ascii(name[:80])} is no name for an adapter: 1 to 64 letters, digits, '.', '_' and "
            "'-' were wanted, the first one a letter or digit; choose another name"
        )
    return name
