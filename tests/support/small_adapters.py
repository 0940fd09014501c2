"""Adapters and the card they belong to, at a size that tests can write by the hundred."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import write_adapter
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.adapters.sites import LoraSite
from ovseg_ros.engine.limits import CheckLimits
from ovseg_ros.packages import Card

BASE = "0123456789abcdef" * 4
SITES = (LoraSite("neck", 3, 5), LoraSite("blocks.0.mlp", 4, 2))
TEXT_SITES = (LoraSite("text.blocks.0.mlp", 6, 3),)
SCENE_DIM = 8


def small_card(**fields: Any) -> Card:
    """Return the card of a package with two sites, one in its text tower, and E = 8."""
    raw = {"base_sha256": BASE, "scene_embedding_dim": SCENE_DIM, **fields}
    return Card(
        name="small",
        network="small",
        base_sha256=str(raw["base_sha256"]),
        embedding_dim=4,
        embedding_space="a space",
        internal_size_px=(8, 8),
        label_capacity=254,
        default_threshold=0.0,
        confidence_kind="sigmoid",
        templates=("{}",),
        lora_sites=SITES,
        text_lora_sites=TEXT_SITES,
        license="none",
        checks=CheckLimits(),
        files={},
        raw=raw,
    )


TARGET = AdapterTarget.of(small_card())


def small_info(name: str = "fog", **changes: Any) -> AdapterInfo:
    """Return a header with a centroid that follows from the name."""
    info = AdapterInfo(
        name=name,
        domain=name,
        base_sha256=BASE,
        embedding_space="a space",
        centroid=drawn(name, SCENE_DIM),
        spread=0.5,
        count=16,
        rank=2,
        alpha=4.0,
        sites=tuple(site.name for site in SITES),
        training_data=("drawn numbers",),
        metrics={"miou": 0.5},
        synthetic=True,
        created="2025-01-01",
    )
    return replace(info, **changes)


def small_factors(info: AdapterInfo, target: AdapterTarget = TARGET) -> dict[str, SiteFactors]:
    """Return factors for the sites of `info` that follow from its name."""
    sites = [target.site_of[name] for name in info.sites]
    return {
        site.name: SiteFactors(
            drawn(f"{info.name} a {site.name}", info.rank, site.c_in),
            drawn(f"{info.name} b {site.name}", site.c_out, info.rank),
        )
        for site in sites
    }


def write_small(
    folder: Path, name: str = "fog", shape: DomainShape | None = None, **changes: Any
) -> Path:
    """Write an adapter called `name` into `folder`."""
    info = small_info(name, **changes)
    return write_adapter(folder, info, small_factors(info), TARGET, shape)


def write_domains(
    folder: Path, centroids: Sequence[Sequence[float]], spread: float = 1.0
) -> AdapterLibrary:
    """Write the adapters d0, d1, ... with these centroids and return their library."""
    for number, centroid in enumerate(centroids):
        write_small(folder, f"d{number}", centroid=np.array(centroid, np.float32), spread=spread)
    return AdapterLibrary.open(folder, small_card(), folder / "cache")


def drawn(name: str, *shape: int) -> np.ndarray:
    """Return float32 numbers around 0 that follow from `name`."""
    seed = int.from_bytes(name.encode(), "little")
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)
