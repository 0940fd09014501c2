"""Runs the recorded cases of MaskCLIP through our network and measures every stage."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.errors import OvsegError
from ovseg_ros.image_files import read_rgb
from ovseg_ros.models.clip_image import ImageTower
from ovseg_ros.models.deterministic import deterministic_tensor
from ovseg_ros.models.maskclip import MaskClip
from ovseg_ros.models.open_clip_layout import from_open_clip, open_clip_shapes
from ovseg_ros.models.open_clip_templates import imagenet_templates
from ovseg_ros.models.parity.cases import LABELS
from ovseg_ros.models.parity.reference import Reference, Row, relative_l2
from ovseg_ros.models.registry import MASKCLIP_LAION
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.text.clip_tokenizer import ClipTokenizer, clip_tokenizer

_FOLDER = "maskclip"
_TWO_TEMPLATES = ("a photo of a {}", "a photo of an {}")
_TEXT_LABELS = ("road", "traffic light", "parked car;van")
_SQUARE = (slice(128, 352), slice(208, 432))


def check_maskclip(folder: Path) -> Iterator[Row]:
    """Yield a row for each recorded stage of every case in `folder`/maskclip."""
    references = sorted((folder / _FOLDER).glob("openclip_*.npz"))
    if not references:
        return
    network = MaskClip(MASKCLIP_LAION).eval()
    shapes = open_clip_shapes(network)
    weights = {key: deterministic_tensor(key, shape, gains=False) for key, shape in shapes.items()}
    network.load_state_dict(from_open_clip(network, weights))
    yield from _check_keys(folder, shapes)
    tokenizer = clip_tokenizer()
    for path in references:
        reference, title = Reference(path), f"{_FOLDER}/{path.stem}"
        with torch.no_grad():
            if "class_mapping" in reference.arrays:
                stages, rows = _check_text(network, tokenizer, reference, title)
            else:
                stages, rows = _run_image(network, tokenizer, folder, reference), []
        yield from rows
        for stage in reference.stages:
            if stage in stages:
                yield Row(title, stage, reference.distance(stage, stages[stage]))
            else:
                yield Row(title, stage, float("inf"), "this stage is not recorded by us")


def encode_labels(
    network: MaskClip, tokenizer: ClipTokenizer, names: Sequence[str], templates: Sequence[str]
) -> Tensor:
    """Return unit vectors [N, D]: of each name the mean over `templates`, each normalised first."""
    rows = []
    for name in names:
        ids = torch.from_numpy(tokenizer.encode([t.format(name) for t in templates]))
        rows.append(network.encode_text(ids, {}).mean(0))
    return F.normalize(torch.stack(rows), dim=-1)


def _check_keys(folder: Path, shapes: dict[str, tuple[int, ...]]) -> Iterator[Row]:
    path = folder / _FOLDER / "openclip_state_dict_keys.json"
    if path.is_file():
        recorded = {e["key"]: tuple(e["shape"]) for e in json.loads(path.read_text())}
        wrong = {k for k in set(shapes) | set(recorded) if shapes.get(k) != recorded.get(k)}
        note = f"{len(recorded)} keys and shapes; wrong: {len(wrong)}"
        yield Row(_FOLDER, "state_dict", float("inf") if wrong else 0.0, note)


def _check_text(
    network: MaskClip, tokenizer: ClipTokenizer, reference: Reference, title: str
) -> tuple[dict[str, Tensor], list[Row]]:
    names = [name for label in _TEXT_LABELS for name in label.split(";")]
    mapping = [i for i, label in enumerate(_TEXT_LABELS) for _ in label.split(";")]
    rows = encode_labels(network, tokenizer, names, imagenet_templates())
    recorded = reference.arrays["class_embeddings"].astype(np.float64)
    distance = relative_l2(rows.numpy().astype(np.float64), recorded)
    same = mapping == reference.arrays["class_mapping"].tolist()
    return {}, [
        Row(title, "class_embeddings", distance),
        Row(title, "class_mapping", 0.0 if same else float("inf")),
    ]


def _run_image(
    network: MaskClip, tokenizer: ClipTokenizer, folder: Path, reference: Reference
) -> dict[str, Tensor]:
    image = _crop(read_rgb(folder / "common" / "image_480x640.png"), reference)
    pixels = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    stages: dict[str, Tensor] = {"input01": pixels / 255}
    assert isinstance(network.image, ImageTower)
    handles = [
        network.image.ln_pre.register_forward_pre_hook(_keep(stages, "embed_in")),
        network.image.ln_post.register_forward_pre_hook(_keep(stages, "ln_post_in")),
        network.image.blocks[-2].register_forward_hook(
            lambda _, __, out: stages.update(block10=out)
        ),
    ]
    text = encode_labels(network, tokenizer, LABELS, _TWO_TEMPLATES)
    statistics = (network.config.mean, network.config.std)
    mean, std = (pixels.new_tensor(v).reshape(3, 1, 1) for v in statistics)
    x = (pixels - mean) / std
    stages["feat"] = network.to_map(network.features(x, {}), x)
    for handle in handles:
        handle.remove()
    stages["ln_post_in"] = stages["ln_post_in"].transpose(0, 1)
    stages["class_embeddings_2templates"] = text
    return stages | {"cos": network.cosines(x, text, {}), "probs": network(x, text, {})}


def _crop(image: UInt8Array, reference: Reference) -> UInt8Array:
    """Return the part of the image that was recorded: the square, or else all of it."""
    wanted = tuple(reference.arrays["input01__shape"][2:])
    for part in (image[_SQUARE], image):
        if part.shape[:2] == wanted:
            return np.ascontiguousarray(part)
    raise OvsegError(
        f"{reference.path.name} was recorded on {wanted[1]}x{wanted[0]} px; the square of 224 px "
        "or the whole image was wanted"
    )


def _keep(stages: dict[str, Tensor], name: str) -> Callable[[nn.Module, tuple[Any, ...]], None]:
    def keep(_: nn.Module, inputs: tuple[Any, ...]) -> None:
        stages[name] = inputs[0]

    return keep
