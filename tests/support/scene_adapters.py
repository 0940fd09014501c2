"""Scenes that are drawn, and adapters of the embedded package that know them."""

from __future__ import annotations

import shutil
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import yaml

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget
from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import write_adapter
from ovseg_ros.packages import ModelPackage, read_card, seal
from ovseg_ros.segmenter import Segmenter

RANK = 4
_BASE = "5ce7e" * 12 + "beef"
_SKIES = {"noon": (130, 180, 240), "sunset": (230, 110, 40), "night": (10, 12, 30)}
_GROUNDS = {"noon": (95, 95, 100), "sunset": (70, 40, 25), "night": (22, 22, 26)}


def package_with_base(tiny_package: Path, folder: Path) -> Path:
    """Copy the embedded package to `folder`, with the hash that adapters of tests belong to."""
    shutil.copytree(tiny_package, folder, ignore=shutil.ignore_patterns("adapters"))
    card = yaml.safe_load((folder / "card.yaml").read_text(encoding="utf-8"))
    fields = {key: value for key, value in card.items() if key not in ("format", "files")}
    seal(folder, {**fields, "base_sha256": _BASE})
    return folder


def draw_scene(scene: str, number: int) -> np.ndarray:
    """Return frame `number` of `scene`, uint8 [120, 160, 3]: sky, ground, a house, noise."""
    rng = np.random.default_rng(number)
    frame = np.empty((120, 160, 3), np.int16)
    horizon, left = 55 + number % 9, 20 + 7 * number % 80
    frame[:horizon], frame[horizon:] = _SKIES[scene], _GROUNDS[scene]
    frame[horizon - 30 : horizon + 10, left : left + 40] = np.array(_GROUNDS[scene]) // 2 + 20
    return np.clip(frame + rng.integers(-8, 8, frame.shape), 0, 255).astype(np.uint8)


def scene_statistics(package: Path, scene: str) -> DomainStatistics:
    """Return the statistics of `scene` in the embedding of `package`."""
    with Segmenter.open(package, "road") as segmenter:
        found = [segmenter.infer(draw_scene(scene, number)).embedding for number in range(12)]
    return DomainStatistics.of(np.array(found))


def write_scene_adapter(
    folder: Path, package: Path, name: str, statistics: DomainStatistics, gain: float = 0.15
) -> Path:
    """Write the adapter `name` of a scene with `statistics`; its factors follow from its name."""
    target = AdapterTarget.of(read_card(package))
    info = AdapterInfo(
        name=name,
        domain=name,
        base_sha256=target.base_sha256,
        embedding_space=target.embedding_space,
        centroid=statistics.centroid,
        spread=statistics.spread,
        count=statistics.count,
        rank=RANK,
        alpha=float(RANK),
        sites=tuple(site.name for site in target.sites),
        synthetic=True,
    )
    rng = np.random.default_rng(list(name.encode()))
    factors = {
        site.name: SiteFactors(
            (gain * rng.standard_normal((RANK, site.c_in))).astype(np.float32),
            (gain * rng.standard_normal((site.c_out, RANK))).astype(np.float32),
        )
        for site in target.sites
    }
    folder.mkdir(parents=True, exist_ok=True)
    return write_adapter(folder, info, factors, target, statistics.shape, replace=True)


def package_with_adapters(tiny_package: Path, folder: Path, scenes: Sequence[str]) -> Path:
    """Copy the embedded package to `folder`, with an adapter for each of `scenes`."""
    package = package_with_base(tiny_package, folder)
    for scene in scenes:
        write_scene_adapter(package / "adapters", package, scene, scene_statistics(package, scene))
    assert ModelPackage.load(package)
    return package
