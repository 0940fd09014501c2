"""Turns trained weights into a model package: the graph, its check against torch, and the card."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ovseg_ros.engine.onnxruntime import import_onnxruntime
from ovseg_ros.errors import PackageError
from ovseg_ros.models.lora import lora_sites
from ovseg_ros.models.tiny import TinyGraph, TinySegmenter
from ovseg_ros.packages import SEGMENTER_NAME, seal

INPUTS = ("image", "text_bank", "label_codes", "thresholds", "lora_a", "lora_b")
OUTPUTS = ("mask", "confidence", "embedding")
OPSET = 20
LABEL_CAPACITY = 254
_CHECKED = ((480, 640, 8, 1), (360, 480, 1, 3), (240, 321, 32, 8), (720, 1280, 11, 2))
_MAX_DIFFERING_PIXELS = 1e-3


def export_package(network: TinySegmenter, folder: Path, fields: Mapping[str, Any]) -> None:
    """Write `segmenter.onnx` into `folder`, check it against torch and seal the card.

    `folder` already holds the text tower's files; `fields` are the card's descriptive entries.
    Raises `PackageError` where ONNX Runtime and torch do not agree; nothing is replaced then.
    """
    graph = TinyGraph(network.eval())
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / SEGMENTER_NAME
        export_graph(graph, path)
        check_graph(graph, path)
        os.replace(path, folder / SEGMENTER_NAME)
    sites = [
        {"name": name, "c_in": site.c_in, "c_out": site.c_out} for name, site in lora_sites(network)
    ]
    seal(folder, {**fields, **_technical_fields(network), "lora_sites": sites})


def export_graph(graph: TinyGraph, path: Path) -> None:
    """Write the ONNX program of `graph` with B, H, W, N and R dynamic."""
    dynamic = torch.export.Dim.DYNAMIC
    rows = {0: dynamic}
    program = torch.onnx.export(
        graph,
        random_inputs(graph.network, 480, 640, 8, 2, seed=0),
        dynamo=True,
        opset_version=OPSET,
        input_names=list(INPUTS),
        output_names=list(OUTPUTS),
        dynamic_shapes=({0: dynamic, 1: dynamic, 2: dynamic}, rows, rows, rows, rows, rows),
        verbose=False,
    )
    assert program is not None
    program.save(str(path), external_data=False)


def check_graph(graph: TinyGraph, path: Path) -> None:
    """Compare the program at `path` with torch on random frames, vocabularies and ranks."""
    session = import_onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for height, width, labels, rank in _CHECKED:
        inputs = random_inputs(graph.network, height, width, labels, rank, seed=height)
        feeds = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        found = session.run(list(OUTPUTS), feeds)
        with torch.no_grad():
            wanted = [value.numpy() for value in graph(*inputs)]
        differing = float(np.mean(found[0] != wanted[0]))
        error = float(np.abs(found[2] - wanted[2]).max())
        if differing > _MAX_DIFFERING_PIXELS or error > 1e-2:
            raise PackageError(
                f"the exported graph differs from torch at {width}x{height}, N={labels}, R={rank}: "
                f"{differing:.2%} of the mask, embedding by {error:.2g}"
            )


def random_inputs(
    network: TinySegmenter, height: int, width: int, labels: int, rank: int, seed: int
) -> tuple[Tensor, ...]:
    """Return inputs of the graph: a random frame [1, H, W, 3], N labels and rank-R factors."""
    generator = torch.Generator().manual_seed(seed)
    wide_a, wide_b = network.lora_widths()
    shape = (1, height, width, 3)
    image = torch.randint(0, 256, shape, generator=generator, dtype=torch.uint8)
    bank = torch.randn(labels, network.config.embedding_dim, generator=generator)
    bank = torch.nn.functional.normalize(bank, dim=-1)
    return (
        image,
        bank,
        torch.arange(1, labels + 1, dtype=torch.uint8),
        torch.zeros(labels),
        0.05 * torch.randn(rank, wide_a, generator=generator),
        0.05 * torch.randn(rank, wide_b, generator=generator),
    )


def _technical_fields(network: TinySegmenter) -> dict[str, Any]:
    return {
        "embedding_dim": network.config.embedding_dim,
        "internal_size_px": list(network.config.internal_size_px),
        "label_capacity": LABEL_CAPACITY,
        "confidence_kind": "sigmoid",
        "scene_embedding_dim": int(network.scene_mean.numel()),
        "opset": OPSET,
    }
