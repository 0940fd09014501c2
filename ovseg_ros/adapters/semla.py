"""Adapters that SemLA published for CAT-Seg large, made ours with the effect that they have there.

In the published program CLIP's attention reads its query, key and value weights past the LoRA
layers around them, so those factors never enter the forward pass. Ours would use them; they are
left out.
"""

from __future__ import annotations

import json
import re
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget
from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import opened, write_adapter
from ovseg_ros.errors import AdapterError

CONFIG_NAME = "adapter_config.json"
_KEY = re.compile(r"base_model\.model\.(.+)\.lora_([AB])(?:\.[^.]+)?\.weight")
_WITHOUT_EFFECT = re.compile(r"sem_seg_head\.predictor\.clip_model\..+\.attn\.[qkv]_proj")
_PUBLISHED_ALPHA = 16.0
_CENTROID, _SPREAD, _COUNT = "train_average_embedding", "spread", "count"


@dataclass(frozen=True)
class PublishedAdapter:
    """What a published file holds: the factors that have an effect, and what was left out.

    `silent` are sites whose factors are zero or not, but have no effect there; `silent_values` is
    the largest value of their B.
    """

    factors: Mapping[str, SiteFactors]
    silent: tuple[str, ...]
    silent_values: float
    rank: int
    alpha: float
    alpha_is_assumed: bool

    def __str__(self) -> str:
        """Return what was kept and left out in words."""
        alpha = f"alpha {self.alpha:g}"
        if self.alpha_is_assumed:
            alpha += f" (as published; there is no {CONFIG_NAME} beside the file)"
        zero = "all zero" if self.silent_values == 0 else f"up to {self.silent_values:.3g}"
        return (
            f"kept {len(self.factors)} sites, rank {self.rank}, {alpha}; left out "
            f"{len(self.silent)} query, key and value sites of CLIP, which have no effect in the "
            f"published program (their B is {zero})"
        )


def read_published(path: Path) -> PublishedAdapter:
    """Read the published adapter at `path`, with the `adapter_config.json` beside it if there.

    Raises `AdapterError` where it is missing, broken or no LoRA adapter in the layout of PEFT.
    """
    with opened(path) as tensors:
        values = {key: tensors.get_tensor(key) for key in tensors.keys()}  # noqa: SIM118
    pairs: dict[str, dict[str, Any]] = {}
    for key, value in values.items():
        match = _KEY.fullmatch(key)
        if match is None or value.ndim != 2:
            raise AdapterError(
                f"{path}: '{key}' of shape {list(value.shape)} is no LoRA factor; keys like "
                "base_model.model.SITE.lora_A.weight were wanted: give the "
                "adapter_model.safetensors of a published adapter"
            )
        pairs.setdefault(match[1], {})[match[2]] = value
    halves = [site for site, pair in pairs.items() if set(pair) != {"A", "B"}]
    ranks = {pair["A"].shape[0] for pair in pairs.values() if "A" in pair}
    if halves or len(ranks) != 1:
        raise AdapterError(
            f"{path} holds {len(pairs)} sites of ranks {sorted(ranks)}, {len(halves)} of them with "
            "one factor alone; both factors of one rank for every site were wanted: fetch it again"
        )
    (rank,) = ranks
    alpha = _alpha(path.parent / CONFIG_NAME, rank)
    factors = {site: SiteFactors(pair["A"], pair["B"]) for site, pair in sorted(pairs.items())}
    silent = tuple(site for site in factors if _WITHOUT_EFFECT.fullmatch(site))
    return PublishedAdapter(
        factors={site: pair for site, pair in factors.items() if site not in silent},
        silent=silent,
        silent_values=max((float(np.abs(factors[s].b).max()) for s in silent), default=0.0),
        rank=rank,
        alpha=_PUBLISHED_ALPHA if alpha is None else alpha,
        alpha_is_assumed=alpha is None,
    )


def read_statistics(path: Path, target: AdapterTarget) -> DomainStatistics | None:
    """Return the statistics of a domain in the .npz file at `path`, None where they are foreign.

    Published ones are means of another CLIP's image features: a package with another scene
    embedding cannot compare scenes with them. Statistics in the space of the package have as many
    numbers as its embedding, and a `spread` and `count` beside them. Raises `AdapterError`.
    """
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {name: arrays[name] for name in arrays.files}
        centroid = np.asarray(found[_CENTROID], np.float32).reshape(-1)
        spread = float(found[_SPREAD]) if _SPREAD in found else None
        count = int(found[_COUNT]) if _COUNT in found else 1
    except (OSError, ValueError, KeyError, TypeError, zipfile.BadZipFile) as error:
        raise AdapterError(
            f"{path} cannot be read as the statistics of a domain: {error}; an .npz file with "
            f"'{_CENTROID}' was wanted"
        ) from None
    if len(centroid) != target.scene_dim or spread is None:
        return None
    return DomainStatistics(centroid, spread, count)


def import_published(
    published: PublishedAdapter,
    folder: Path,
    target: AdapterTarget,
    name: str,
    domain: str,
    statistics: DomainStatistics | None = None,
    replace: bool = False,
) -> Path:
    """Write the adapter `name` into `folder` and return its path.

    Without `statistics` it can be pinned but is never retrieved. Raises `AdapterError` as
    `write_adapter` does, for a package of another network first of all.
    """
    shape = None if statistics is None else statistics.shape
    info = AdapterInfo(
        name=name,
        domain=domain,
        base_sha256=target.base_sha256,
        embedding_space=target.embedding_space,
        centroid=None if statistics is None else statistics.centroid,
        spread=None if statistics is None else statistics.spread,
        count=0 if statistics is None else statistics.count,
        rank=published.rank,
        alpha=published.alpha,
        sites=tuple(published.factors),
        training_data=(f"published by SemLA for the domain {domain}",),
    )
    return write_adapter(folder, info, published.factors, target, shape, replace)


def _alpha(config: Path, rank: int) -> float | None:
    """Return alpha from PEFT's configuration; None where there is no such file."""
    if not config.is_file():
        return None
    try:
        fields = json.loads(config.read_text(encoding="utf-8"))
        alpha, r = float(fields["lora_alpha"]), int(fields["r"])
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise AdapterError(
            f"{config} is no configuration of PEFT: {error!r}; fetch it again"
        ) from None
    variants = [kind for kind in ("use_dora", "use_rslora", "fan_in_fan_out") if fields.get(kind)]
    if r != rank or variants or fields.get("alpha_pattern") or fields.get("rank_pattern"):
        raise AdapterError(
            f"{config} is of rank {r} with {', '.join(variants) or 'patterns'}; plain LoRA of rank "
            f"{rank}, as in the file beside it, was wanted: this program computes no other kind"
        )
    return alpha
