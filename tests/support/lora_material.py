"""A package that trains in seconds, and a labelled folder of made-up pictures."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import torch
from PIL import Image

from ovseg_ros.engine.export import Trial, export_segmenter
from ovseg_ros.engine.torch_network import TINY_NETWORK
from ovseg_ros.models.identity import base_sha256
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter
from ovseg_ros.packages import ModelPackage, seal

SIZE_PX = (64, 96)
CLASSES = {3: "sky", 7: "road", 9: "car"}
_TEXT_FILES = ("text.onnx", "tokenizer.json", "names.json")


def write_trainable_package(folder: Path, text_of: Path) -> ModelPackage:
    """Write the embedded default's network on small frames, with random weights, into `folder`.

    The text tower is that of the package at `text_of`.
    """
    torch.manual_seed(3)
    network = TinySegmenter(TinyConfig(internal_size_px=SIZE_PX)).eval()
    for name in _TEXT_FILES:
        shutil.copy(text_of / name, folder / name)
    graph = TinyGraph(network).eval()
    export_segmenter(graph, folder, (Trial(*SIZE_PX, 3, 1),))
    card = {
        "name": "trainable",
        "network": TINY_NETWORK,
        "base_sha256": base_sha256(network),
        "embedding_dim": 512,
        "embedding_space": "a test's",
        "scene_embedding_dim": int(network.scene_mean.numel()),
        "internal_size_px": list(SIZE_PX),
        "label_capacity": 254,
        "default_threshold": 0.0,
        "confidence_kind": "sigmoid",
        "templates": ["{}"],
        "license": "Apache-2.0",
        "lora_sites": [{"name": n, "c_in": s.c_in, "c_out": s.c_out} for n, s in graph.lora_sites],
    }
    seal(folder, card)
    return ModelPackage.load(folder)


def draw_frame(number: int) -> tuple[np.ndarray, np.ndarray]:
    """Return an image of sky, road and a car, and its label ids; every number is another one."""
    rng = np.random.default_rng(number)
    height, width = SIZE_PX
    horizon, left = int(rng.integers(20, 40)), int(rng.integers(5, 60))
    image = np.empty((height, width, 3), np.float64)
    ids = np.empty((height, width), np.uint8)
    image[:horizon], image[horizon:] = (120, 160, 220), (80, 80, 85)
    ids[:horizon], ids[horizon:] = 3, 7
    image[horizon : horizon + 20, left : left + 30] = (190, 30, 30)
    ids[horizon : horizon + 20, left : left + 30] = 9
    ids[:2] = 255
    image += rng.normal(0, 6, image.shape)
    return image.clip(0, 255).astype(np.uint8), ids


def write_labelled_folder(folder: Path, frames: int = 12) -> Path:
    """Write frames of the domain 'dusk', sequence 's1', and two of 'day' into `folder`."""
    for name in ("images", "labels"):
        (folder / name).mkdir(parents=True)
    items = {}
    for number in range(frames + 2):
        dusk = number < frames
        stem = f"{'dusk' if dusk else 'day'}_{number:03d}"
        image, ids = draw_frame(number)
        Image.fromarray(image).save(folder / "images" / f"{stem}.png")
        Image.fromarray(ids).save(folder / "labels" / f"{stem}.png")
        domain, sequence = ("dusk", "s1") if dusk else ("day", "s2")
        items[stem] = {"split": "train", "sequence": sequence, "domain": domain}
    classes = [{"id": i, "name": name} for i, name in CLASSES.items()]
    (folder / "classes.json").write_text(json.dumps({"ignore_id": 255, "classes": classes}))
    (folder / "items.json").write_text(json.dumps(items))
    return folder
