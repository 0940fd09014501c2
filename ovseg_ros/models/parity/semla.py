"""The recorded adapters of SemLA, taken the way that a user takes them: file, import, fusion."""

from __future__ import annotations

import hashlib
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from safetensors.numpy import save_file

from ovseg_ros.adapters.adapter import Adapter, AdapterTarget
from ovseg_ros.adapters.file import keys_of, read_adapter
from ovseg_ros.adapters.fusion import mixed
from ovseg_ros.adapters.mix import AdapterMode, LoraFactors
from ovseg_ros.adapters.retrieval import softmax
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.semla import import_published, read_published
from ovseg_ros.adapters.sites import LoraSite
from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_layout import published_name
from ovseg_ros.models.lora import LoraSlices, lora_sites, slice_factors
from ovseg_ros.models.segmenter_graph import TEXT_TOWER

# From the scene that was made up for the references to the adapters that were fused.
_FUSED_DISTANCES = {"acdc-fog": 8.0, "acdc-night": 9.5, "cs-normal": 11.0}
_RANK = 8


def fused_weights() -> tuple[tuple[str, float], ...]:
    """Return (name, weight) of the adapters that were fused for the references."""
    temperature = RetrievalSettings.published().temperature
    shares = softmax(1.0 / np.array([*_FUSED_DISTANCES.values()]) / temperature)
    return tuple(zip(_FUSED_DISTANCES, shares.tolist(), strict=True))


def write_published(network: CatSeg, adapter: str, path: Path) -> None:
    """Write the recorded adapter, which like the weights follows from its name, as published."""
    tensors: dict[str, np.ndarray] = {}
    for name, site in lora_sites(network):
        key_a, key_b = keys_of(published_name(name))
        a = drawn(adapter, key_a, (_RANK, site.c_in)) / np.sqrt(site.c_in)
        tensors[key_a] = a.astype(np.float32)
        tensors[key_b] = (0.05 * drawn(adapter, key_b, (site.c_out, _RANK))).astype(np.float32)
    save_file(tensors, path, metadata={"format": "pt"})


def imported(network: CatSeg, adapter: str) -> Adapter:
    """Return the recorded adapter after import."""
    target = target_of(network)
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "adapter_model.safetensors"
        write_published(network, adapter, file)
        path = import_published(read_published(file), Path(folder), target, adapter, adapter)
        return read_adapter(path, target)


def adapter_slices(network: CatSeg, adapters: Sequence[tuple[str, float]]) -> LoraSlices:
    """Return the factors of the recorded `adapters`, (name, weight) each, fused."""
    if not adapters:
        return {}
    parts = [imported(network, name) for name, _ in adapters]
    weights = [weight for _, weight in adapters]
    mix = mixed(AdapterMode.PINNED, parts, weights, [0.0] * len(parts), "")
    assert mix.factors is not None and mix.text_factors is not None
    slices: LoraSlices = {}
    for factors, of_text in ((mix.factors, False), (mix.text_factors, True)):
        sites = [s for n, s in lora_sites(network) if n.startswith(TEXT_TOWER) == of_text]
        slices |= slice_factors(sites, *_tensors(factors))
    return slices


def target_of(network: CatSeg) -> AdapterTarget:
    """Return what an adapter of a package of `network` must fit."""
    sites = [
        (name.startswith(TEXT_TOWER), LoraSite(published_name(name), site.c_in, site.c_out))
        for name, site in lora_sites(network)
    ]
    return AdapterTarget(
        package="catseg",
        base_sha256="deterministic",
        embedding_space="catseg",
        scene_dim=2 * network.config.image.width,
        sites=tuple(site for of_text, site in sites if not of_text),
        text_sites=tuple(site for of_text, site in sites if of_text),
    )


def _tensors(factors: LoraFactors) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(factors.a), torch.from_numpy(factors.b)


def drawn(adapter: str, key: str, shape: tuple[int, int]) -> np.ndarray:
    """Return the normal numbers, float64, that the factor `key` of an adapter is made of."""
    seed = int.from_bytes(hashlib.sha256(f"{adapter}/{key}".encode()).digest()[:8], "little")
    return np.random.Generator(np.random.PCG64(seed)).standard_normal(shape)
