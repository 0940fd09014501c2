"""What each registered network needs to become a package: its layout, its program, its card."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from ovseg_ros.engine.choice import ProgramPrecision
from ovseg_ros.errors import PackageError
from ovseg_ros.models import catseg_layout, open_clip_layout
from ovseg_ros.models.catseg import CatSeg, CatSegConfig
from ovseg_ros.models.catseg_graph import CatSegGraph
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig
from ovseg_ros.models.maskclip_graph import MaskClipGraph
from ovseg_ros.models.registry import find_network

# Numbers about the network that the archives of OpenAI keep among the weights.
_CLIP_NUMBERS = ("input_resolution", "context_length", "vocab_size")


@dataclass(frozen=True)
class Convertible:
    """A network with empty weights and all that is particular about it.

    `shapes` are the keys and shapes of its published weights, `harmless` keys that may be there
    too; `to_ours` renames such weights; `site_name` renames a LoRA site the other way; `card` holds
    the entries of the card that depend on the network; `precision` is that of its program.
    """

    network: CatSeg | MaskClip
    graph: CatSegGraph | MaskClipGraph
    shapes: Mapping[str, tuple[int, ...]]
    harmless: tuple[str, ...]
    to_ours: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    site_name: Callable[[str], str]
    card: Mapping[str, Any]
    precision: ProgramPrecision


@dataclass(frozen=True)
class Variant:
    """What a user may choose about a package.

    `views` of each frame; `most_labels` to aggregate for a frame, None for all (see `promising`);
    `precision` of the program that runs on every frame.
    """

    views: Views = Views.SINGLE
    most_labels: int | None = None
    precision: ProgramPrecision = ProgramPrecision.FP32


def convertible(name: str, variant: Variant) -> Convertible:
    """Build the network called `name`.

    Raises `PackageError` listing the valid names, or for a variant that the network does not have.
    """
    config = find_network(name)
    if isinstance(config, CatSegConfig):
        return _catseg(config, variant)
    if variant != Variant(precision=variant.precision):
        raise PackageError(
            f"{name} aggregates nothing: views and a most of labels are choices of CAT-Seg; "
            "convert it without them"
        )
    return _maskclip(config, variant)


def _catseg(config: CatSegConfig, variant: Variant) -> Convertible:
    most = variant.most_labels
    if most is not None and variant.views is not Views.SINGLE:
        raise PackageError(
            f"a most of {most} labels was asked for with {variant.views.value} views; the views of "
            "a frame would disagree on which labels these are: take a single view, or all labels"
        )
    network = CatSeg(config).eval()
    return Convertible(
        network=network,
        graph=CatSegGraph(network, variant.views, most),
        shapes=catseg_layout.published_shapes(network),
        harmless=(),
        to_ours=lambda weights: catseg_layout.from_published(network, weights),
        site_name=catseg_layout.published_name,
        card={
            "views": variant.views.value,
            "most_labels": most,
            "embedding_space": "OpenAI CLIP, its attention fine-tuned by CAT-Seg",
            "internal_size_px": [config.clip_side_px, config.clip_side_px],
            "confidence_kind": "sigmoid",
            "license": "MIT (CAT-Seg), MIT (OpenAI CLIP). COCO-Stuff, which it was trained on, has "
            "terms of its own: annotations CC BY 4.0, pictures under the terms of Flickr",
            "training_data": ["COCO-Stuff 171", "the image-text pairs of OpenAI CLIP"],
        },
        precision=variant.precision,
    )


def _maskclip(config: MaskClipConfig, variant: Variant) -> Convertible:
    network = MaskClip(config).eval()
    return Convertible(
        network=network,
        graph=MaskClipGraph(network),
        shapes=open_clip_layout.open_clip_shapes(network),
        harmless=_CLIP_NUMBERS,
        to_ours=lambda weights: open_clip_layout.from_open_clip(network, weights),
        site_name=open_clip_layout.open_clip_name,
        card={
            "embedding_space": "the CLIP that the weights are of",
            "internal_size_px": list(config.internal_size_px),
            "confidence_kind": "softmax",
            "license": "that of the CLIP weights; those of OpenAI are MIT",
            "training_data": ["the image-text pairs of the CLIP weights"],
        },
        precision=variant.precision,
    )
