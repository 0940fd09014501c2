"""Records what passes through a CAT-Seg network, in the layout of the references."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from ovseg_ros.models.catseg import CatSeg

Layout = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Tap:
    """Where a stage is read: the `module`, its input or its output, and the change of layout.

    `layout` changes the layout of the tensor to that of the references.
    """

    module: str
    layout: Layout
    of_input: bool = False


def _same(x: Tensor) -> Tensor:
    return x


def _length_first(x: Tensor) -> Tensor:
    return x.transpose(0, 1)


def _label_tokens(x: Tensor) -> Tensor:
    """[B, N, H, W, C] to [B*N, H*W, C]."""
    return x.flatten(2, 3).flatten(0, 1)


def _label_maps(x: Tensor) -> Tensor:
    """[B, N, H, W, C] to [B, C, N, H, W]."""
    return x.permute(0, 4, 1, 2, 3)


def _single_prompt(x: Tensor) -> Tensor:
    """[B, N, h, w] to [B, 1, N, h, w]."""
    return x[:, None]


def taps(network: CatSeg) -> dict[str, Tap]:
    """Return stage name -> tap for every stage inside the network that the references record."""
    found = {
        "clip_patch_conv": Tap("image.conv1", _same),
        "clip_embed_in": Tap("image.ln_pre", _same, of_input=True),
        "clip_ln_pre": Tap("image.ln_pre", _same),
        "clip_last_dense_in_ln_post": Tap("image.ln_post", _same, of_input=True),
        "guid_res4": Tap("upsample1", _same),
        "guid_res5": Tap("upsample2", _same),
        "corr": Tap("aggregator.cost_volume", _single_prompt),
        "corr_embed0": Tap("aggregator.conv1", _same),
        "proj_guidance": Tap("aggregator.guidance_projection", _same),
        "proj_text_guidance": Tap("aggregator.text_guidance_projection", _same),
        "proj_decoder_guidance0": Tap("aggregator.decoder_guidance_projection.0", _same),
        "proj_decoder_guidance1": Tap("aggregator.decoder_guidance_projection.1", _same),
        "decoder1": Tap("aggregator.decoder1", _same),
        "decoder2": Tap("aggregator.decoder2", _same),
    }
    for block in network.config.guidance_blocks:
        found[f"clip_block{block}_LND"] = Tap(f"image.blocks.{block}", _length_first)
    for layer in range(network.config.head.layers):
        path = f"aggregator.layers.{layer}"
        for block in (1, 2):
            tap = Tap(f"{path}.swin_block.block_{block}", _label_tokens)
            found[f"agg{layer}_swin_block{block}"] = tap
        found[f"agg{layer}_swin"] = Tap(f"{path}.swin_block", _label_maps)
        found[f"agg{layer}_class"] = Tap(f"{path}.attention", _label_maps)
    return found


@contextmanager
def recording(network: CatSeg) -> Iterator[dict[str, Tensor]]:
    """Record the stages of every forward pass made inside the context, the last one winning."""
    stages: dict[str, Tensor] = {}
    modules = dict(network.named_modules())
    handles = [
        modules[tap.module].register_forward_hook(partial(_keep, stages, name, tap))
        for name, tap in taps(network).items()
    ]
    handles.append(network.image.register_forward_hook(partial(_keep_dense, stages)))
    try:
        yield stages
    finally:
        for handle in handles:
            handle.remove()


def _keep(
    stages: dict[str, Tensor], name: str, tap: Tap, _: nn.Module, inputs: tuple[Any, ...], out: Any
) -> None:
    value = inputs[0] if tap.of_input else out
    stages[name] = tap.layout(value.detach()).to(torch.float32)


def _keep_dense(stages: dict[str, Tensor], _: nn.Module, inputs: tuple[Any, ...], out: Any) -> None:
    stages["clip_dense"] = out.dense.detach()
