"""LoRA sites: packed factors reach the right site, and rank concatenation is exact."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from torch import nn  # noqa: E402

from ovseg_ros.models.lora import LoraConv1x1, lora_sites, slice_factors  # noqa: E402


def all_sites(module: torch.nn.Module) -> list:
    return [site for _, site in lora_sites(module)]


def make() -> nn.ModuleDict:
    torch.manual_seed(0)
    return nn.ModuleDict({"first": LoraConv1x1(3, 5), "second": LoraConv1x1(4, 2)})


def factors(rank: int, seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    a = torch.randn(rank, 7, generator=generator)
    return a, torch.randn(rank, 7, generator=generator)


@pytest.mark.parametrize("rank", [0, 1, 4])
def test_a_site_adds_the_product_of_its_own_slices(rank: int) -> None:
    net = make()
    a, b = factors(rank, 1)
    lora = slice_factors(all_sites(net), a, b)
    for name, start_a, start_b in (("first", 0, 0), ("second", 3, 5)):
        site = net[name]
        x = torch.randn(2, site.c_in, 6, 4)
        change = b[:, start_b : start_b + site.c_out].T @ a[:, start_a : start_a + site.c_in]
        wanted = site(x, {}) + torch.einsum("oi,bihw->bohw", change, x)
        assert torch.allclose(site(x, lora), wanted, atol=1e-5)


def test_concatenating_ranks_adds_the_weighted_changes() -> None:
    net = make()
    (a1, b1), (a2, b2) = factors(2, 1), factors(3, 2)
    fused = slice_factors(all_sites(net), torch.cat([0.25 * a1, 0.75 * a2]), torch.cat([b1, b2]))
    site, x = net["first"], torch.randn(1, 3, 2, 2)
    one, two = (site(x, slice_factors(all_sites(net), a, b)) for a, b in ((a1, b1), (a2, b2)))
    assert torch.allclose(site(x, fused), 0.25 * one + 0.75 * two, atol=1e-5)


def test_sites_come_in_a_fixed_order() -> None:
    assert [name for name, _ in lora_sites(make())] == ["first", "second"]
