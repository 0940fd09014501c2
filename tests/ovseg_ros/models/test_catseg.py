"""CAT-Seg at a size that tests can afford: padding, label order, adapters, layouts."""

from __future__ import annotations

from dataclasses import replace

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

import torch.nn.functional as F  # noqa: E402

from ovseg_ros.models.catseg import CatSeg, CatSegConfig  # noqa: E402
from ovseg_ros.models.catseg_layout import (  # noqa: E402
    from_published,
    published_shapes,
    to_published,
)
from ovseg_ros.models.class_aggregation import ClassAggregation  # noqa: E402
from ovseg_ros.models.clip_image import ImageTowerConfig  # noqa: E402
from ovseg_ros.models.clip_text import TextTowerConfig  # noqa: E402
from ovseg_ros.models.cost_aggregation import HeadConfig  # noqa: E402
from ovseg_ros.models.deterministic import deterministic_weights  # noqa: E402
from ovseg_ros.models.label_rows import ABSENT_LOGIT, LabelRows  # noqa: E402
from ovseg_ros.models.lora import lora_sites, slice_factors  # noqa: E402
from ovseg_ros.models.open_clip_layout import from_open_clip, to_open_clip  # noqa: E402

pytestmark = pytest.mark.torch
SMALL = CatSegConfig(
    image=ImageTowerConfig(3, 32, 2, patch_px=4, grid=5, embedding_dim=16),
    text=TextTowerConfig(2, 16, 2, embedding_dim=16, vocabulary=50, context=12),
    head=HeadConfig(embedding_dim=16, side=8, window=4, capacity=12),
    clip_side_px=32,
    guidance_blocks=(0, 1),
)


def all_sites(module: torch.nn.Module) -> list:
    return [site for _, site in lora_sites(module)]


def build(config: CatSegConfig = SMALL) -> CatSeg:
    network = CatSeg(config).eval()
    weights = deterministic_weights(published_shapes(network))
    network.load_state_dict(from_published(network, weights))
    return network


def inputs(labels: int, batch: int = 1) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(labels)
    text = F.normalize(torch.randn(labels, 16, generator=generator), dim=-1)
    return torch.randn(batch, 3, 32, 32, generator=generator), text


def padded_attention(
    block: ClassAggregation, x: torch.Tensor, guidance: torch.Tensor
) -> torch.Tensor:
    """The published way: padding rows are really there, and cut off behind the block."""
    b, n, h, w, c = x.shape
    missing = block.capacity - n
    tokens = block.padding_tokens[0, 0].expand(b, missing, h, w, c)
    guides = block.padding_guidance[0, 0].expand(b, missing, -1)
    whole = torch.cat([x, tokens], 1)
    full = ClassAggregation(c, guidance.shape[-1], 4, block.capacity, 1)
    full.load_state_dict(block.state_dict())
    real = torch.ones(b, block.capacity)
    return full(whole, torch.cat([guidance, guides], 1), real, {})[:, :n]


@torch.no_grad()
@pytest.mark.parametrize("labels", [1, 5, 12])
def test_the_folded_padding_equals_rows_that_are_there(labels: int) -> None:
    block = build().aggregator.layers[0].attention
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(2, labels, 3, 3, 128, generator=generator)
    guidance = torch.randn(2, labels, 128, generator=generator)
    found = block(x, guidance, torch.ones(2, labels), {})
    assert torch.allclose(found, padded_attention(block, x, guidance), atol=1e-4)


@torch.no_grad()
def test_padding_matters() -> None:
    attention = build().aggregator.layers[0].attention.attention
    x, token = torch.randn(1, 2, 4, 128), torch.randn(1, 1, 128)
    share = attention.share(torch.randn(1, 2, 128), {})
    some, none = (
        attention(
            x,
            share,
            torch.ones(1, 2),
            attention.pad(torch.full((1,), rows), token, token, {}),
            12,
            {},
        )
        for rows in (10.0, 0.0)
    )
    assert not torch.allclose(some, none, atol=1e-3)


@torch.no_grad()
def test_the_order_of_labels_and_images_does_not_matter() -> None:
    network = build()
    x, text = inputs(6, batch=2)
    logits = network(x, text, {})
    assert logits.shape == (2, 6, 32, 32)
    assert torch.allclose(network(x, text.flip(0), {}).flip(1), logits, atol=1e-4)
    assert torch.allclose(network(x[1:], text, {}), logits[1:], atol=1e-4)


@torch.no_grad()
def test_beyond_the_capacity_the_best_labels_are_kept() -> None:
    network = build()
    x, text = inputs(20)
    logits = network(x, text, {})
    kept = (logits > ABSENT_LOGIT).flatten(2).any(-1)[0]
    assert int(kept.sum()) == SMALL.head.capacity
    assert torch.allclose(logits[:, kept], network(x, text[kept], {}), atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("most", [3, 7, 20])
def test_of_many_labels_the_promising_ones_are_aggregated(most: int) -> None:
    network = build()
    x, text = inputs(12, batch=2)
    features = network.encode_image(x, {})
    logits, kept = network.score_promising(features, LabelRows.all_real(text), {}, most)
    assert kept.shape == (2, min(most, 12))
    for image in range(2):
        own = network(x[image : image + 1], text[kept[image]], {})
        assert torch.allclose(logits[image], own[0], atol=1e-4)


@torch.no_grad()
@pytest.mark.parametrize("group", ["image.", "aggregator."])
def test_adapters_reach_every_group_and_leave_no_trace(group: str) -> None:
    network = build()
    x, text = inputs(3)
    base = network(x, text, {})
    widths = [(s.c_in, s.c_out, n.startswith(group)) for n, s in lora_sites(network)]
    generator = torch.Generator().manual_seed(1)
    a = torch.cat([torch.randn(2, i, generator=generator) * here for i, _, here in widths], 1)
    b = torch.cat([torch.randn(2, o, generator=generator) for _, o, _ in widths], 1)
    changed = network(x, text, slice_factors(all_sites(network), a, b))
    assert not torch.allclose(changed, base, atol=1e-2)
    zero = slice_factors(all_sites(network), torch.zeros(0, a.shape[1]), torch.zeros(0, b.shape[1]))
    assert torch.equal(network(x, text, zero), base)


@torch.no_grad()
def test_a_low_rank_change_equals_a_changed_weight() -> None:
    network = build()
    x, text = inputs(3)
    generator = torch.Generator().manual_seed(1)
    sites = list(lora_sites(network))
    lora = {
        id(site): site.changed(
            0.1 * torch.randn(2, site.c_in, generator=generator),
            0.1 * torch.randn(2, site.c_out, generator=generator),
        )
        for _, site in sites
    }
    found = network(x, text, lora)
    for _, site in sites:
        change = lora[id(site)]
        site.weight += change.b.T @ change.a
    assert torch.allclose(found, network(x, text, {}), atol=1e-3)


@torch.no_grad()
def test_text_may_be_cut_behind_its_end() -> None:
    network = build()
    ids = torch.zeros(2, 12, dtype=torch.long)
    ids[0, :4], ids[1, :6] = torch.tensor([48, 3, 7, 49]), torch.tensor([48, 1, 2, 3, 4, 49])
    whole = network.encode_text(ids, {})
    assert torch.allclose(network.encode_text(ids[:, :6], {}), whole, atol=1e-5)
    assert torch.allclose(whole.norm(dim=-1), torch.ones(2), atol=1e-5)


@pytest.mark.parametrize(
    ("to_theirs", "from_theirs"),
    [
        pytest.param(to_published, from_published, id="published"),
        pytest.param(to_open_clip, from_open_clip, id="open_clip"),
    ],
)
def test_layouts_are_mapped_both_ways_without_loss(to_theirs, from_theirs) -> None:
    network = build()
    theirs = to_theirs(network)
    back = from_theirs(network, theirs)
    own = network.state_dict()
    assert back and all(torch.equal(own[name], value) for name, value in back.items())
    assert {n for n in own if n not in back} == (
        set() if to_theirs is to_published else {n for n in own if n.startswith(("agg", "ups"))}
    )
    again = CatSeg(SMALL)
    again.load_state_dict(own | back)
    assert all(torch.equal(value, theirs[key]) for key, value in to_theirs(again).items())


@torch.no_grad()
def test_pooling_changes_the_result() -> None:
    x, text = inputs(3)
    pooled = build(replace(SMALL, head=replace(SMALL.head, pooling=2)))
    assert not torch.allclose(pooled(x, text, {}), build()(x, text, {}), atol=1e-3)
