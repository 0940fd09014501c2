"""What each registered network needs to become a package: its layout, its program, its card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

from ovseg_ros.engine.choice import ProgramPrecision
from ovseg_ros.errors import PackageError
from ovseg_ros.models import layouts
from ovseg_ros.models.catseg import CatSeg, CatSegConfig
from ovseg_ros.models.catseg_graph import CatSegGraph
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.layouts import Layout
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig
from ovseg_ros.models.maskclip_graph import MaskClipGraph
from ovseg_ros.models.registry import find_network
from ovseg_ros.models.steps import Steps

_OVER_CLIP = {
    "embedding_space": "OpenAI CLIP, its attention fine-tuned by CAT-Seg",
    "license": "MIT (CAT-Seg), MIT (OpenAI CLIP). COCO-Stuff, which it was trained on, has "
    "terms of its own: annotations CC BY 4.0, pictures under the terms of Flickr",
    "training_data": ["COCO-Stuff 171", "the image-text pairs of OpenAI CLIP"],
}
_OVER_SIGLIP = {
    "embedding_space": "the SigLIP that the checkpoint holds",
    "license": "that of the checkpoint",
    "training_data": ["that of the checkpoint"],
}


@dataclass(frozen=True)
class Convertible:
    """A network with empty weights and all that is particular about it.

    `layout` is that of its published weights; `card` holds the entries of the card that depend on
    the network; `precision` is that of its program.
    """

    network: CatSeg | MaskClip
    graph: CatSegGraph | MaskClipGraph
    layout: Layout
    card: Mapping[str, Any]
    precision: ProgramPrecision


@dataclass(frozen=True)
class Variant:
    """What a user may choose about a package.

    `views` of each frame; `most_labels` to aggregate for a frame, None for all (see `promising`);
    `precision` of the program that runs on every frame, and `steps` in which it takes the labels.
    """

    views: Views = Views.SINGLE
    most_labels: int | None = None
    precision: ProgramPrecision = ProgramPrecision.FP32
    steps: Steps = Steps.ONE_BY_ONE


def convertible(name: str, variant: Variant) -> Convertible:
    """Build the network called `name`.

    Raises `PackageError` listing the valid names, or for a variant that the network does not have.
    """
    config = find_network(name)
    if isinstance(config, CatSegConfig):
        return _catseg(config, variant)
    if variant != Variant(precision=variant.precision):
        raise PackageError(
            f"{name} aggregates nothing: views, a most of labels and labels at once are choices of "
            "CAT-Seg; convert it without them"
        )
    return _maskclip(config, variant)


def _catseg(config: CatSegConfig, variant: Variant) -> Convertible:
    most = variant.most_labels
    if most is not None and variant.views is not Views.SINGLE:
        raise PackageError(
            f"a most of {most} labels was asked for with {variant.views.value} views; the views of "
            "a frame would disagree on which labels these are: take a single view, or all labels"
        )
    network = CatSeg(replace(config, head=replace(config.head, steps=variant.steps))).eval()
    return Convertible(
        network=network,
        graph=CatSegGraph(network, variant.views, most),
        layout=layouts.catseg(network),
        card={
            "views": variant.views.value,
            "most_labels": most,
            "steps": variant.steps.value,
            "internal_size_px": [config.clip_side_px, config.clip_side_px],
            "confidence_kind": "sigmoid",
            **(_OVER_SIGLIP if layouts.stands_on_siglip(network) else _OVER_CLIP),
        },
        precision=variant.precision,
    )


def _maskclip(config: MaskClipConfig, variant: Variant) -> Convertible:
    network = MaskClip(config).eval()
    return Convertible(
        network=network,
        graph=MaskClipGraph(network),
        layout=layouts.maskclip(network),
        card={
            "embedding_space": "the CLIP that the weights are of",
            "internal_size_px": list(config.internal_size_px),
            "confidence_kind": "softmax",
            "license": "that of the CLIP weights; those of OpenAI are MIT",
            "training_data": ["the image-text pairs of the CLIP weights"],
        },
        precision=variant.precision,
    )
