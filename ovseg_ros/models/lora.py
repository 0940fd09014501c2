"""LoRA (Hu et al., ICLR 2022) with the factors as inputs of the network.

The factors of all sites of a network travel as two packed tensors, `a` [R, sum C_in] and `b`
[R, sum C_out]. A site with a small weight and many positions adds b.T @ a to its weight, once per
call of the network; one with a large weight and few positions runs a second path, x @ a.T @ b. Both
are exact, and each is the cheaper one in its place.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import NamedTuple, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn


class LoraChange(Enum):
    """Where a linear site makes its change."""

    WEIGHT = "weight"
    SECOND_PATH = "second_path"


class SiteChange(NamedTuple):
    """The factors of a site, and its changed weight; None where the factors run beside it."""

    a: Tensor
    b: Tensor
    weight: Tensor | None


LoraSlices = dict[int, SiteChange]


class LoraSite(Protocol):
    """A layer with a weight that may carry a low-rank change [c_out, c_in]."""

    @property
    def c_in(self) -> int:
        """Input channels."""

    @property
    def c_out(self) -> int:
        """Output channels."""

    def changed(self, a: Tensor, b: Tensor) -> SiteChange:
        """Return the change that factors `a` [R, C_in] and `b` [R, C_out] make."""


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
        change = lora.get(id(self))
        weight = self.weight if change is None or change.weight is None else change.weight
        return F.conv2d(x, weight, self.bias)

    def changed(self, a: Tensor, b: Tensor) -> SiteChange:
        """Return the change that factors `a` [R, C_in] and `b` [R, C_out] make."""
        return SiteChange(a, b, self.weight + (b.transpose(0, 1) @ a)[:, :, None, None])


class LoraLinear(nn.Module):
    """A linear layer whose weight [C_out, C_in] may carry a low-rank change."""

    def __init__(self, c_in: int, c_out: int, change: LoraChange) -> None:
        """Build the base layer, initialised like `nn.Linear`."""
        super().__init__()
        base = nn.Linear(c_in, c_out)
        self.weight = base.weight
        self.bias = base.bias
        self.change = change

    @property
    def c_out(self) -> int:
        """Output channels."""
        return self.weight.shape[0]

    @property
    def c_in(self) -> int:
        """Input channels."""
        return self.weight.shape[1]

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [..., C_in] to [..., C_out], with the change `lora` holds for this site."""
        return self._apply_part(x, lora, 0, self.c_in, self.bias)

    def first(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Return the share of the first channels in the output, without bias, for x [..., C].

        The layer of a concatenation is the sum of the layers of its parts: what several rows share
        is multiplied once with `rest` and added to each.
        """
        return self._apply_part(x, lora, 0, x.shape[-1], None)

    def rest(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Return the share of the last channels in the output, with the bias, for x [..., C]."""
        return self._apply_part(x, lora, self.c_in - x.shape[-1], self.c_in, self.bias)

    def _apply_part(
        self, x: Tensor, lora: LoraSlices, start: int, end: int, bias: Tensor | None
    ) -> Tensor:
        change = lora.get(id(self))
        if change is not None and change.weight is not None:
            return F.linear(x, change.weight[:, start:end], bias)
        y = F.linear(x, self.weight[:, start:end], bias)
        return y if change is None else y + (x @ change.a[:, start:end].transpose(0, 1)) @ change.b

    def changed(self, a: Tensor, b: Tensor) -> SiteChange:
        """Return the change that factors `a` [R, C_in] and `b` [R, C_out] make."""
        beside = self.change is LoraChange.SECOND_PATH
        return SiteChange(a, b, None if beside else self.weight + b.transpose(0, 1) @ a)


def lora_sites(module: nn.Module) -> Iterator[tuple[str, LoraSite]]:
    """Yield (name, site) of every LoRA site in `module`, in the order of the packed factors."""
    for name, child in module.named_modules():
        if isinstance(child, (LoraConv1x1, LoraLinear)):
            yield name, child


def slice_factors(sites: Sequence[LoraSite], a: Tensor, b: Tensor) -> LoraSlices:
    """Cut packed factors `a` [R, sum C_in], `b` [R, sum C_out] into those of each of `sites`."""
    a_parts = torch.split(a, [site.c_in for site in sites], dim=1)
    b_parts = torch.split(b, [site.c_out for site in sites], dim=1)
    return {id(s): s.changed(pa, pb) for s, pa, pb in zip(sites, a_parts, b_parts, strict=True)}
