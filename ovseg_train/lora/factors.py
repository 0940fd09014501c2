"""The factors in training: one pair of matrices for each site, as PEFT (Hugging Face) has them."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.models.lora import LoraSlices, slice_factors
from ovseg_train.lora.sites import NamedSites


class Factors(nn.Module):
    """LoRA factors A [R, C_in] and B [C_out, R] of each site; the base itself is not touched.

    As PEFT does it: A starts random, B at zero, so that training starts from the base model, and
    the change of a site is (alpha / rank) * B @ A.
    """

    def __init__(self, sites: NamedSites, rank: int, alpha: float, seed: int) -> None:
        """Draw the factors of `sites`; the same `seed` gives the same ones."""
        super().__init__()
        self.sites = sites
        self.rank, self.alpha = rank, alpha
        generator = torch.Generator().manual_seed(seed)
        self.a = nn.ParameterList(_draw(rank, site.c_in, generator) for _, site in sites)
        self.b = nn.ParameterList(torch.zeros(site.c_out, rank) for _, site in sites)

    def slices(self) -> LoraSlices:
        """Return the changes of the sites, as the network takes them."""
        scale = self.alpha / self.rank
        a = torch.cat(list(self.a), 1)
        b = torch.cat([scale * b.T for b in self.b], 1)
        return slice_factors([site for _, site in self.sites], a, b)

    @torch.no_grad()
    def shrink(self, share: float) -> None:
        """Make the change of every site `share` of what it is."""
        for b in self.b:
            b.mul_(share)

    def by_site(self) -> dict[str, SiteFactors]:
        """Return the factors of each site by its name, as an adapter file takes them."""
        return {
            name: SiteFactors(a.detach().numpy(), b.detach().numpy())
            for (name, _), a, b in zip(self.sites, self.a, self.b, strict=True)
        }


def _draw(rank: int, c_in: int, generator: torch.Generator) -> Tensor:
    """Kaiming's uniform distribution with a = sqrt(5), as `nn.Linear` and PEFT draw it."""
    bound = 1 / math.sqrt(c_in)
    return torch.empty(rank, c_in).uniform_(-bound, bound, generator=generator)
