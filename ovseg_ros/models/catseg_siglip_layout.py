"""The layout of a CAT-Seg checkpoint over SigLIP, mapped to ours and back without loss.

We know of none that is published. It is what CAT-Seg's program would save: its own keys for the
head, and open_clip's for the towers, in the place where its checkpoints have CLIP.
"""

from __future__ import annotations

from collections.abc import Mapping

from torch import Tensor

from ovseg_ros.models import catseg_layout
from ovseg_ros.models.catseg import CatSeg
from ovseg_ros.models.catseg_layout import CLIP
from ovseg_ros.models.siglip_layout import from_siglip, siglip_name, to_siglip

_TOWERS = ("image.", "text.")


def published_name(name: str) -> str:
    """Return the name in the checkpoint of our parameter or module `name` (see `siglip_name`)."""
    if name.startswith(_TOWERS):
        return CLIP + siglip_name(name)
    return catseg_layout.published_name(name)


def to_published(network: CatSeg) -> dict[str, Tensor]:
    """Return the weights of `network` under the keys of a checkpoint, buffers included."""
    towers = {CLIP + key: value for key, value in to_siglip(network).items()}
    state = network.state_dict()
    head = {published_name(name): state[name] for name in _head_names(network)}
    return {**towers, **head, **catseg_layout.window_masks(network)}


def from_published(network: CatSeg, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Return `weights`, whose keys and shapes are those of `to_published`, under our names.

    The window masks are constants of the network, not weights: they are left out.
    """
    towers = {k.removeprefix(CLIP): v for k, v in weights.items() if k.startswith(CLIP)}
    head = {name: weights[published_name(name)] for name in _head_names(network)}
    return {**from_siglip(network, towers), **head}


def published_shapes(network: CatSeg) -> dict[str, tuple[int, ...]]:
    """Return key -> shape of a checkpoint that fits `network`."""
    return {name: tuple(value.shape) for name, value in to_published(network).items()}


def _head_names(network: CatSeg) -> list[str]:
    return [name for name in network.state_dict() if not name.startswith(_TOWERS)]
