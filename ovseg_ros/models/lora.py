"""LoRA (Hu et al., ICLR 2022) on 1x1 convolutions, with the factors as inputs of the network.

The factors of all sites travel as two packed tensors, `a` [R, sum C_in] and `b` [R, sum C_out].
A site adds b.T @ a to its weight instead of a second path over the pixels: at the sizes of a pocket
network that costs less, its cost does not depend on the number of pixels, and it is exact.
"""

from __future__ import annotations

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn

LoraSlices = dict[int, tuple[Tensor, Tensor]]


class LoraConv1x1(nn.Module):
    """A 1x1 convolution whose weight [C_out, C_in] may carry a low-rank change."""

    def __init__(self, c_in: int, c_out: int) -> None:
        """Build the base layer, initialised like `nn.Conv2d`."""
        super().__init__()
        base = nn.Conv2d(c_in, c_out, 1)
        self.weight = base.weight
        assert base.bias is not None
        self.bias = base.bias

    @property
    def c_out(self) -> int:
        """Output channels."""
        return self.weight.shape[0]

    @property
    def c_in(self) -> int:
        """Input channels."""
        return self.weight.shape[1]

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, C_in, H, W] to [B, C_out, H, W], with the change `lora` holds for this site."""
        weight = self.weight
        if id(self) in lora:
            a, b = lora[id(self)]
            weight = weight + (b.transpose(0, 1) @ a)[:, :, None, None]
        return F.conv2d(x, weight, self.bias)


def lora_sites(module: nn.Module) -> Iterator[tuple[str, LoraConv1x1]]:
    """Yield (name, site) of every LoRA site in `module`, in the order of the packed factors."""
    for name, child in module.named_modules():
        if isinstance(child, LoraConv1x1):
            yield name, child


def slice_factors(module: nn.Module, a: Tensor, b: Tensor) -> LoraSlices:
    """Cut packed factors `a` [R, sum C_in], `b` [R, sum C_out] into those of each site."""
    sites = [site for _, site in lora_sites(module)]
    a_parts = torch.split(a, [site.c_in for site in sites], dim=1)
    b_parts = torch.split(b, [site.c_out for site in sites], dim=1)
    return {id(s): (pa, pb) for s, pa, pb in zip(sites, a_parts, b_parts, strict=True)}
