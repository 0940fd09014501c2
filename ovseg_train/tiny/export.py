"""Turns trained weights into a model package: the graph, its check against torch, and the card."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from ovseg_ros.engine.export import OPSET, export_segmenter
from ovseg_ros.models.identity import base_sha256
from ovseg_ros.models.tiny import TinyGraph, TinySegmenter
from ovseg_ros.packages import seal

LABEL_CAPACITY = 254


def export_package(
    network: TinySegmenter,
    folder: Path,
    fields: Mapping[str, Any],
    most_labels: int | None = None,
) -> None:
    """Write `segmenter.onnx` into `folder`, check it against torch and seal the card.

    `folder` already holds the text tower's files; `fields` are the card's descriptive entries;
    `most_labels` as in `TinyGraph`.
    Raises `PackageError` where ONNX Runtime and torch do not agree; nothing is replaced then.
    """
    graph = TinyGraph(network.eval(), most_labels)
    export_segmenter(graph, folder)
    sites = [
        {"name": name, "c_in": site.c_in, "c_out": site.c_out} for name, site in graph.lora_sites
    ]
    chosen = {"most_labels": most_labels, "lora_sites": sites}
    seal(folder, {**fields, **_technical_fields(network), **chosen})


def _technical_fields(network: TinySegmenter) -> dict[str, Any]:
    return {
        "base_sha256": base_sha256(network),
        "embedding_dim": network.config.embedding_dim,
        "internal_size_px": list(network.config.internal_size_px),
        "label_capacity": LABEL_CAPACITY,
        "confidence_kind": "sigmoid",
        "scene_embedding_dim": int(network.scene_mean.numel()),
        "opset": OPSET,
    }
