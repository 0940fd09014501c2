"""Published weights to a model package: the network, its text tower and tokenizer, and the card."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from ovseg_ros.engine.export import OPSET, export_segmenter, save_program
from ovseg_ros.errors import PackageError
from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_graph import CatSegGraph
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.catseg_layout import from_published, published_name, published_shapes
from ovseg_ros.models.clip_text_graph import ClipTextGraph
from ovseg_ros.models.deterministic import deterministic_weights
from ovseg_ros.models.registry import find_network
from ovseg_ros.packages import seal
from ovseg_ros.text.clip_tokenizer import clip_tokenizer
from ovseg_ros.text.tower import TOKENIZER_FILE, TOWER_FILE
from ovseg_ros.weights.checkpoint import read_checkpoint
from ovseg_ros.weights.matching import match_state_dict

LABEL_CAPACITY = 254


@dataclass(frozen=True)
class Provenance:
    """What the card says about where the weights are from."""

    weights: str
    license: str
    training_data: tuple[str, ...]
    limits: tuple[str, ...]


PUBLISHED = Provenance(
    weights="published checkpoint",
    license="MIT (CAT-Seg), MIT (OpenAI CLIP); COCO-Stuff, which it was trained on, has terms of "
    "its own: annotations CC BY 4.0, pictures under the terms of Flickr",
    training_data=("COCO-Stuff 171", "the image-text pairs of OpenAI CLIP"),
    limits=("English names work best.",),
)
DETERMINISTIC = Provenance(
    weights="deterministic random numbers, a function of each weight's name",
    license="Apache-2.0",
    training_data=(),
    limits=("Not trained: its masks mean nothing. For tests and benchmarks only.",),
)


def convert_checkpoint(name: str, weights_file: Path, out: Path, views: Views) -> None:
    """Write the package of network `name` with the published weights in `weights_file` to `out`.

    Raises `WeightsError` where the file is unsafe, broken or does not fit, `PackageError` where
    `out` is taken, and `MissingExtraError` where a library is not installed.
    """
    network = CatSeg(find_network(name)).eval()
    found = read_checkpoint(weights_file)
    weights = match_state_dict(found, published_shapes(network), weights_file)
    _write(name, network, weights, PUBLISHED, out, views)


def convert_deterministic(name: str, out: Path, views: Views) -> None:
    """Write the package of network `name` with weights that need no download to `out`."""
    network = CatSeg(find_network(name)).eval()
    weights = deterministic_weights(published_shapes(network))
    _write(name, network, weights, DETERMINISTIC, out, views)


def _write(
    name: str,
    network: CatSeg,
    weights: Mapping[str, Tensor],
    provenance: Provenance,
    out: Path,
    views: Views,
) -> None:
    """Build the package beside `out` and rename it, so that a half-written one is never seen."""
    if out.exists():
        raise PackageError(f"{out} exists already; remove it, or give another --out")
    network.load_state_dict(from_published(network, weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        graph = CatSegGraph(network, views)
        export_segmenter(graph, scratch)
        _export_text(network, scratch)
        clip_tokenizer().save(scratch / TOKENIZER_FILE)
        seal(scratch, _card(name, graph, provenance))
        scratch.chmod(0o755)
        os.replace(scratch, out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _export_text(network: CatSeg, folder: Path) -> None:
    dynamic = torch.export.Dim.DYNAMIC
    ids = torch.from_numpy(clip_tokenizer().encode(["a photo of a car", "tree"]))
    save_program(
        ClipTextGraph(network.text),
        (ids,),
        ("ids",),
        ("embedding",),
        ({0: dynamic, 1: dynamic},),
        folder / TOWER_FILE,
    )


def _card(name: str, graph: CatSegGraph, provenance: Provenance) -> dict[str, Any]:
    config = graph.network.config
    side = config.clip_side_px
    return {
        "name": name,
        "network": name,
        "weights": provenance.weights,
        "views": graph.views.value,
        "embedding_space": f"{name}: CLIP, its attention fine-tuned",
        "embedding_dim": graph.embedding_dim,
        "scene_embedding_dim": 2 * config.image.width,
        "internal_size_px": [side, side],
        "label_capacity": LABEL_CAPACITY,
        "default_threshold": 0.0,
        "confidence_kind": "sigmoid",
        "templates": [config.template],
        "opset": OPSET,
        "license": provenance.license,
        "training_data": list(provenance.training_data),
        "limits": list(provenance.limits),
        "lora_sites": [
            {"name": published_name(n), "c_in": site.c_in, "c_out": site.c_out}
            for n, site in graph.lora_sites
        ],
    }
