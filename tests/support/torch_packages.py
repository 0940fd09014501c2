"""Packages of networks that tests can afford, with weights that need no download."""

from __future__ import annotations

import shutil
from pathlib import Path

import torch
from small_networks import build

from ovseg_ros.engine.choice import ProgramPrecision
from ovseg_ros.engine.export import Trial, export_segmenter
from ovseg_ros.engine.torch_network import TINY_NETWORK
from ovseg_ros.models.catseg_graph import CatSegGraph
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.segmenter_graph import SegmenterGraph
from ovseg_ros.models.steps import Steps
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter
from ovseg_ros.packages import ModelPackage, seal

# The name under which tests register the small CAT-Seg.
SMALL_NETWORK = "small"
_TRIALS = (Trial(48, 64, 3, 1),)
_CARD = {
    "embedding_space": "none",
    "label_capacity": 254,
    "default_threshold": 0.0,
    "confidence_kind": "sigmoid",
    "templates": ["{}"],
    "license": "Apache-2.0",
}


def tiny_graph(most_labels: int | None = None, embedding_dim: int = 16) -> TinyGraph:
    """Return the network of the embedded default on small frames, with random weights."""
    torch.manual_seed(3)
    config = TinyConfig(embedding_dim, internal_size_px=(64, 96))
    network = TinySegmenter(config).eval()
    for name, value in network.state_dict().items():
        # As if it had been trained: no statistics of a batch norm are 0 and 1 then.
        if value.is_floating_point() and name.endswith(("running_mean", "running_var", "bias")):
            value.add_(0.2 * torch.rand_like(value))
    return TinyGraph(network, most_labels).eval()


def small_catseg_graph(
    views: Views = Views.SINGLE, most_labels: int | None = None, steps: Steps = Steps.AT_ONCE
) -> CatSegGraph:
    """Return the small CAT-Seg of the tests."""
    return CatSegGraph(build(steps), views, most_labels).eval()


def write_whole_package(embedded: Path, folder: Path) -> ModelPackage:
    """Write a package with the text tower of the embedded one and a network of random weights."""
    folder.mkdir(parents=True, exist_ok=True)
    for file in embedded.iterdir():
        if file.is_file() and (file.suffix != ".onnx" or file.name == "text.onnx"):
            shutil.copy2(file, folder)
    card = ModelPackage.load(embedded).card.raw
    graph = tiny_graph(embedding_dim=card["embedding_dim"])
    export_segmenter(graph, folder, _TRIALS)
    size = list(graph.network.config.internal_size_px)
    seal(folder, {**card, "internal_size_px": size, "default_threshold": 0.0, "most_labels": None})
    return ModelPackage.load(folder)


def write_package(
    graph: SegmenterGraph, folder: Path, precision: ProgramPrecision = ProgramPrecision.FP32
) -> ModelPackage:
    """Write `graph` as a package without a text tower into `folder` and open it.

    The network `SMALL_NETWORK` must be registered to build the small CAT-Seg again.
    """
    folder.mkdir(parents=True, exist_ok=True)
    export_segmenter(graph, folder, _TRIALS, precision)
    card = {**_CARD, "precision": precision.value, "embedding_dim": graph.embedding_dim}
    if isinstance(graph, TinyGraph):
        size = graph.network.config.internal_size_px
        card |= {"name": "tiny-test", "network": TINY_NETWORK, "internal_size_px": list(size)}
        card |= {"most_labels": graph.most_labels}
    else:
        assert isinstance(graph, CatSegGraph)
        config = graph.network.config
        card |= {"name": "small-test", "network": SMALL_NETWORK}
        card |= {"internal_size_px": [config.clip_side_px] * 2, "views": graph.views.value}
        card |= {"most_labels": graph.most_labels, "steps": config.head.steps.value}
    sites = [{"name": n, "c_in": s.c_in, "c_out": s.c_out} for n, s in graph.lora_sites]
    seal(folder, {**card, "lora_sites": sites})
    return ModelPackage.load(folder)
