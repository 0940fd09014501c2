"""Sites by groups; every factor of them learns, and what is frozen is computed once, exactly."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from small_networks import build, build_maskclip  # noqa: E402
from torch_packages import tiny_graph  # noqa: E402

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.models.catseg_graph import CatSegGraph  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.label_rows import LabelRows  # noqa: E402
from ovseg_ros.models.maskclip_graph import MaskClipGraph  # noqa: E402
from ovseg_ros.models.segmenter_graph import SegmenterGraph  # noqa: E402
from ovseg_train.lora.factors import Factors  # noqa: E402
from ovseg_train.lora.losses import adapter_loss  # noqa: E402
from ovseg_train.lora.reach import split_by_use  # noqa: E402
from ovseg_train.lora.recipe import load_recipe  # noqa: E402
from ovseg_train.lora.sites import choose_sites, site_groups  # noqa: E402
from ovseg_train.lora.trainee import make_trainee  # noqa: E402

pytestmark = pytest.mark.torch
LAST_BLOCK = ("image.blocks.2.attn.q_proj", "image.blocks.2.attn.k_proj")


def catseg() -> SegmenterGraph:
    return CatSegGraph(build(), Views.SINGLE).eval()


def maskclip() -> SegmenterGraph:
    network = build_maskclip()
    for parameter in network.parameters():
        if not parameter.any():  # the projection among them: nothing would come through
            torch.nn.init.normal_(parameter, std=0.2)
    return MaskClipGraph(network).eval()


NETWORKS = [
    pytest.param(tiny_graph, (), id="tiny"),
    pytest.param(catseg, LAST_BLOCK, id="CAT-Seg"),
    pytest.param(maskclip, LAST_BLOCK, id="MaskCLIP"),
]


@pytest.mark.parametrize(("make", "unused"), NETWORKS)
def test_every_factor_receives_a_gradient(
    make: Callable[[], SegmenterGraph], unused: tuple[str, ...]
) -> None:
    graph = make()
    chosen = choose_sites(graph, ())
    trainee = make_trainee(graph, [name for name, _ in chosen])
    sites, dead = split_by_use(trainee, chosen, graph.embedding_dim)
    assert dead == unused
    factors = Factors(sites, 3, 6.0, 0)
    generator = torch.Generator().manual_seed(1)
    for b in factors.b:
        # Zero as at the start, B lets nothing through to A.
        torch.nn.init.normal_(b, std=0.05, generator=generator)
    height, width = trainee.target_px
    classes = torch.randint(0, 4, (1, height, width), generator=generator)
    rows = torch.full((256,), 255)
    rows[:4] = torch.arange(4)
    text = torch.nn.functional.normalize(
        torch.randn(5, graph.embedding_dim, generator=generator), dim=-1
    )
    pixels = 255 * torch.rand(1, 3, 64, 96, generator=generator)
    scores = trainee.scores(trainee.freeze(pixels), LabelRows.all_real(text), factors.slices())
    loss_recipe = load_recipe("other").loss
    loss = adapter_loss(scores, trainee.confidence, classes, rows, torch.ones(256), loss_recipe)
    loss.backward()
    for (name, _), a, b in zip(sites, factors.a, factors.b, strict=True):
        assert a.grad is not None and a.grad.abs().max() > 0, name
        assert b.grad is not None and b.grad.abs().max() > 0, name
    assert all(weight.grad is None for weight in graph.parameters())


@pytest.mark.parametrize(
    ("make", "late"),
    [(tiny_graph, "neck"), (catseg, "aggregator")],
    ids=["tiny", "CAT-Seg"],
)
@torch.no_grad()
def test_freezing_more_changes_nothing(make: Callable[[], SegmenterGraph], late: str) -> None:
    graph = make()
    sites = choose_sites(graph, (late,))
    factors = Factors(sites, 2, 4.0, 0)
    for b in factors.b:
        torch.nn.init.normal_(b, std=0.1)
    pixels = 255 * torch.rand(1, 3, 64, 96)
    text = LabelRows.all_real(torch.nn.functional.normalize(torch.randn(3, graph.embedding_dim)))
    early, whole = (
        make_trainee(graph, names)
        for names in ([name for name, _ in graph.lora_sites], [name for name, _ in sites])
    )
    assert sum(part.numel() for part in early.freeze(pixels)) != sum(
        part.numel() for part in whole.freeze(pixels)
    )
    one, two = (t.scores(t.freeze(pixels), text, factors.slices()) for t in (early, whole))
    assert torch.equal(one.logits, two.logits)
    base = whole.scores(whole.freeze(pixels), text, {})
    assert not torch.allclose(one.logits, base.logits)


@torch.no_grad()
def test_the_scores_are_those_of_the_program() -> None:
    graph = tiny_graph()
    trainee = make_trainee(graph, [name for name, _ in graph.lora_sites])
    pixels = 255 * torch.rand(1, 3, 50, 70)
    rows = LabelRows.all_real(torch.nn.functional.normalize(torch.randn(4, graph.embedding_dim)))
    confidence, winner, _ = graph.decide(pixels, rows, {})
    logits = trainee.scores(trainee.freeze(pixels), rows, {}).logits
    fine = torch.nn.functional.interpolate(logits, scale_factor=2, mode="bilinear")
    assert winner.shape[1:] == trainee.target_px
    assert torch.equal(fine.argmax(1), winner)
    torch.testing.assert_close(fine.amax(1).sigmoid(), confidence)


def test_the_groups_are_the_first_words_of_the_sites() -> None:
    assert site_groups(tiny_graph()) == ("backbone", "neck", "embed")
    assert site_groups(catseg()) == ("image", "aggregator")


@pytest.mark.parametrize(
    ("groups", "names"),
    [
        (("embed",), {"embed"}),
        (("neck.lateral8", "embed"), {"neck.lateral8", "embed"}),
        (("backbone.blocks.17",), {"backbone.blocks.17.layers.2"}),
    ],
)
def test_sites_are_chosen_by_group(groups: tuple[str, ...], names: set[str]) -> None:
    assert {name for name, _ in choose_sites(tiny_graph(), groups)} == names


@pytest.mark.parametrize(
    ("group", "sentence"),
    [
        ("head", "no site is of the group 'head'; the groups of this package are backbone, neck"),
        ("backbone.blocks.1", "no site is of the group"),
        ("text", "'text' cannot be trained"),
    ],
)
def test_an_unknown_group_is_refused(group: str, sentence: str) -> None:
    with pytest.raises(OvsegError, match=sentence):
        choose_sites(tiny_graph(), ("neck", group))


def test_factors_start_from_the_base_and_repeat_with_the_seed() -> None:
    sites = choose_sites(tiny_graph(), ("embed",))
    one, two, other = (
        Factors(sites, 4, 8.0, 1),
        Factors(sites, 4, 8.0, 1),
        Factors(sites, 4, 8.0, 2),
    )
    assert torch.equal(one.a[0], two.a[0]) and not torch.equal(one.a[0], other.a[0])
    assert not one.b[0].any()
    assert one.a[0].abs().max() <= sites[0][1].c_in ** -0.5


def test_the_start_is_that_of_peft() -> None:
    peft = pytest.importorskip("peft", reason="peft is not installed; nothing here needs it")
    layer = torch.nn.Sequential(torch.nn.Linear(64, 8))
    config = peft.LoraConfig(r=4, lora_alpha=8, target_modules=["0"])
    state = peft.get_peft_model_state_dict(peft.get_peft_model(layer, config))
    assert set(state) == {f"base_model.model.0.lora_{x}.weight" for x in "AB"}
    assert state["base_model.model.0.lora_A.weight"].abs().max() <= 64**-0.5


def test_a_recipe_with_strange_fields_is_refused(tmp_path) -> None:
    from ovseg_train.lora.recipe import RECIPE_FILE

    path = tmp_path / "recipe.yaml"
    path.write_text(RECIPE_FILE.read_text().replace("patience: ", "patiance: "))
    with pytest.raises(OvsegError, match="missing or unknown: patiance, patience"):
        load_recipe("other", path)
    assert dataclasses.is_dataclass(load_recipe("other"))
