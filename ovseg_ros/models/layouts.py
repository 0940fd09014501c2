"""Which published layout the weights of a network come in, by the towers it stands on."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from torch import Tensor

from ovseg_ros.models import catseg_layout, catseg_siglip_layout, open_clip_layout, siglip_layout
from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.maskclip import MaskClip
from ovseg_ros.models.siglip_image import SiglipImageConfig

# Numbers about the network that the archives of OpenAI keep among the weights.
_CLIP_NUMBERS = ("input_resolution", "context_length", "vocab_size")


@dataclass(frozen=True)
class Layout:
    """`shapes` are the published keys and shapes, `harmless` keys that may be there too.

    `to_ours` renames weights of these keys; `name` renames a LoRA site the other way.
    """

    shapes: Mapping[str, tuple[int, ...]]
    harmless: tuple[str, ...]
    to_ours: Callable[[Mapping[str, Tensor]], dict[str, Tensor]]
    name: Callable[[str], str]


def stands_on_siglip(network: CatSeg | MaskClip) -> bool:
    """Whether the towers of `network` are those of SigLIP."""
    return isinstance(network.config.image, SiglipImageConfig)


def catseg(network: CatSeg) -> Layout:
    """Return the layout of checkpoints of CAT-Seg."""
    if stands_on_siglip(network):
        return Layout(
            catseg_siglip_layout.published_shapes(network),
            (),
            lambda weights: catseg_siglip_layout.from_published(network, weights),
            catseg_siglip_layout.published_name,
        )
    return Layout(
        catseg_layout.published_shapes(network),
        (),
        lambda weights: catseg_layout.from_published(network, weights),
        catseg_layout.published_name,
    )


def maskclip(network: MaskClip) -> Layout:
    """Return the layout of the weights of the towers alone."""
    if stands_on_siglip(network):
        return Layout(
            siglip_layout.siglip_shapes(network),
            (),
            lambda weights: siglip_layout.from_siglip(network, weights),
            siglip_layout.siglip_name,
        )
    return Layout(
        open_clip_layout.open_clip_shapes(network),
        _CLIP_NUMBERS,
        lambda weights: open_clip_layout.from_open_clip(network, weights),
        open_clip_layout.open_clip_name,
    )
