"""The embedded network: labels are treated alike, adapters cannot reach the scene embedding."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

import torch.nn.functional as F  # noqa: E402

from ovseg_ros.models.lora import lora_sites, slice_factors  # noqa: E402
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter  # noqa: E402

CONFIG = TinyConfig(internal_size_px=(64, 96))


def all_sites(module: torch.nn.Module) -> list:
    return [site for _, site in lora_sites(module)]


@pytest.fixture(scope="module")
def network() -> TinySegmenter:
    torch.manual_seed(3)
    return TinySegmenter(CONFIG).eval()


@pytest.fixture(scope="module")
def pixels() -> torch.Tensor:
    return torch.rand(2, 3, 64, 96, generator=torch.Generator().manual_seed(1)) * 2 - 1


def bank(labels: int) -> torch.Tensor:
    rows = torch.randn(labels, 512, generator=torch.Generator().manual_seed(2))
    return F.normalize(rows, dim=-1)


@pytest.mark.parametrize("labels", [1, 2, 33])
def test_shapes_for_any_number_of_labels(
    network: TinySegmenter, pixels: torch.Tensor, labels: int
) -> None:
    logits, cost_logits, scene = network(pixels, bank(labels), {})
    assert logits.shape == (2, labels, 16, 24)
    assert cost_logits.shape == (2, labels, 8, 12)
    assert scene.shape == (2, 240)


@torch.no_grad()
def test_permuting_the_labels_permutes_the_logits(
    network: TinySegmenter, pixels: torch.Tensor
) -> None:
    order = torch.tensor([3, 0, 4, 1, 2])
    text = bank(5)
    straight = network(pixels, text, {})[0]
    assert torch.allclose(network(pixels, text[order], {})[0], straight[:, order], atol=1e-4)


def test_every_lora_factor_gets_a_gradient_and_the_scene_gets_none_of_it(
    network: TinySegmenter, pixels: torch.Tensor
) -> None:
    width_a, width_b = TinyGraph(network).lora_widths
    a = torch.randn(2, width_a, requires_grad=True)
    b = torch.randn(2, width_b, requires_grad=True)
    logits, _, scene = network(
        pixels, bank(4), slice_factors(all_sites(network), 0.05 * a, 0.05 * b)
    )
    assert torch.equal(scene, network(pixels, bank(4), {})[2])
    logits.square().mean().backward()
    assert a.grad is not None and b.grad is not None
    start_a = start_b = 0
    for name, site in lora_sites(network):
        assert a.grad[:, start_a : start_a + site.c_in].abs().sum() > 0, name
        assert b.grad[:, start_b : start_b + site.c_out].abs().sum() > 0, name
        start_a, start_b = start_a + site.c_in, start_b + site.c_out


@torch.no_grad()
def test_the_graph_writes_codes_above_the_threshold_only(network: TinySegmenter) -> None:
    graph = TinyGraph(network)
    image = torch.randint(0, 256, (1, 50, 70, 3), dtype=torch.uint8)
    width_a, width_b = graph.lora_widths
    lora = torch.zeros(1, width_a), torch.zeros(1, width_b)
    codes = torch.tensor([9, 0, 200], dtype=torch.uint8)
    mask, confidence, _ = graph(image, bank(3), codes, torch.zeros(3), *lora)
    assert mask.shape == confidence.shape == (1, 50, 70)
    assert set(mask.unique().tolist()) <= {0, 9, 200}
    assert not confidence[mask == 0].any()
    nothing, silent, _ = graph(image, bank(3), codes, torch.full((3,), 1.1), *lora)
    assert not nothing.any() and not silent.any()
