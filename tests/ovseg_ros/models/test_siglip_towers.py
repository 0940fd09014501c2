"""Our SigLIP towers give what those of open_clip and timm give with the same weights."""

from __future__ import annotations

import importlib.util
import json
from functools import partial
from pathlib import Path

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

import torch.nn.functional as F  # noqa: E402
from open_clip_modules import open_clip_transformer  # noqa: E402
from timm_modules import timm_vision_transformer  # noqa: E402

from ovseg_ros.models.clip_block import Activation, DenseResidual  # noqa: E402
from ovseg_ros.models.lora import lora_sites, slice_factors  # noqa: E402
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig  # noqa: E402
from ovseg_ros.models.open_clip_configs import find_towers, plain_names  # noqa: E402
from ovseg_ros.models.siglip_image import SiglipImageConfig  # noqa: E402
from ovseg_ros.models.siglip_layout import from_siglip, siglip_shapes, to_siglip  # noqa: E402
from ovseg_ros.models.siglip_text import SiglipTextConfig  # noqa: E402
from ovseg_ros.text.siglip_tokenizer import Vocabulary  # noqa: E402

pytestmark = pytest.mark.torch
SIDE_PX, PATCH_PX, WIDTH, HEADS, LAYERS, RATIO = 20, 4, 32, 2, 3, 3.7362
TEXT_WIDTH, CONTEXT, TOKENS, EPS = 16, 12, 50, 1e-6
GELUS = {
    Activation.GELU: torch.nn.GELU,
    Activation.GELU_TANH: partial(torch.nn.GELU, approximate="tanh"),
}
both_activations = pytest.mark.parametrize("activation", list(GELUS))


def shake(module: torch.nn.Module) -> torch.nn.Module:
    """Return `module` with weights none of which is zero or one."""
    torch.manual_seed(0)
    with torch.no_grad():
        for parameter in module.parameters():
            parameter.add_(0.1 * torch.randn(parameter.shape))
    return module.eval()


@pytest.fixture
def image(monkeypatch: pytest.MonkeyPatch, activation: Activation) -> torch.nn.Module:
    """timm's tower, as it builds those called siglip."""
    timm = timm_vision_transformer(monkeypatch)
    tower = timm.VisionTransformer(
        img_size=SIDE_PX, patch_size=PATCH_PX, embed_dim=WIDTH, depth=LAYERS, num_heads=HEADS,
        mlp_ratio=RATIO, class_token=False, global_pool="map", num_classes=0,
        act_layer=activation.value,
    )  # fmt: skip
    return shake(tower)


@pytest.fixture
def text(monkeypatch: pytest.MonkeyPatch, activation: Activation) -> torch.nn.Module:
    """open_clip's tower, as its configurations of SigLIP ask for it."""
    theirs = open_clip_transformer(monkeypatch)
    tower = theirs.TextTransformer(
        context_length=CONTEXT, vocab_size=TOKENS, width=TEXT_WIDTH, heads=HEADS, layers=LAYERS,
        mlp_ratio=RATIO, output_dim=WIDTH, no_causal_mask=True, pool_type="last", proj_bias=True,
        act_layer=GELUS[activation], norm_layer=partial(theirs.LayerNorm, eps=EPS),
    )  # fmt: skip
    return shake(tower)


def published(image: torch.nn.Module, text: torch.nn.Module) -> dict[str, torch.Tensor]:
    """Return the weights as open_clip saves them."""
    return {
        "logit_scale": torch.tensor(4.7),
        "logit_bias": torch.tensor(-12.9),
        **{f"visual.trunk.{k}": v for k, v in image.state_dict().items()},
        **{f"text.{k}": v for k, v in text.state_dict().items()},
    }


@pytest.fixture
def network(image: torch.nn.Module, text: torch.nn.Module, activation: Activation) -> MaskClip:
    """Our towers with the same weights."""
    grid = SIDE_PX // PATCH_PX
    config = MaskClipConfig(
        SiglipImageConfig(LAYERS, WIDTH, HEADS, PATCH_PX, grid, activation, RATIO),
        SiglipTextConfig(
            LAYERS, TEXT_WIDTH, HEADS, WIDTH, TOKENS, Vocabulary.C4_EN, "someone/siglip",
            CONTEXT, activation, RATIO,
        ),
    )  # fmt: skip
    network = MaskClip(config).eval()
    weights = published(image, text)
    assert {k: tuple(v.shape) for k, v in weights.items()} == siglip_shapes(network)
    network.load_state_dict(from_siglip(network, weights))
    return network


@torch.no_grad()
@both_activations
def test_the_vector_of_the_image(image: torch.nn.Module, network: MaskClip) -> None:
    x = torch.randn(2, 3, SIDE_PX, SIDE_PX)
    found = network.features(x, {})
    assert found.dense.shape == (2, 26, WIDTH)
    assert torch.allclose(found.dense[:, 0], image(x), atol=1e-5)


@torch.no_grad()
@both_activations
def test_a_patch_is_pooled_as_if_it_were_alone(image: torch.nn.Module, network: MaskClip) -> None:
    x = torch.randn(2, 3, SIDE_PX, SIDE_PX)
    tokens = image.forward_features(x)
    wanted = torch.stack([image.attn_pool(tokens[:, i : i + 1]) for i in range(25)], 1)
    found = network.features(x, {})
    assert torch.allclose(found.dense[:, 1:], wanted, atol=1e-5)
    assert torch.equal(network.to_map(found, x)[0, :, 1, 3], found.dense[0, 1 + 5 + 3])


@torch.no_grad()
@both_activations
def test_blocks_and_stem_of_the_image_tower(image: torch.nn.Module, network: MaskClip) -> None:
    inputs: list[torch.Tensor] = []
    for block in (*image.blocks, image.norm):
        block.register_forward_pre_hook(lambda _, args: inputs.append(args[0]))
    x = torch.randn(2, 3, SIDE_PX, SIDE_PX)
    image(x)
    found = network.image(x, {}, DenseResidual.CLASS_TOKEN, wanted=(0, 2))
    ours = (found.stem, *found.blocks)
    for mine, wanted in zip(ours, (inputs[0], inputs[1], inputs[3]), strict=True):
        assert torch.allclose(mine, wanted, atol=1e-5)


@torch.no_grad()
@both_activations
def test_the_text_tower(text: torch.nn.Module, network: MaskClip) -> None:
    ids = torch.ones(3, CONTEXT, dtype=torch.long)
    for row, length in zip(ids, (3, 5, CONTEXT), strict=True):
        row[:length] = torch.randint(2, TOKENS, (length,))
    wanted = text(ids)
    assert torch.allclose(network.text(ids, {}), wanted, atol=1e-5)
    assert torch.allclose(network.encode_text(ids, {}), F.normalize(wanted, dim=-1), atol=1e-5)
    ids[0, -1] = 7
    assert not torch.allclose(network.text(ids, {})[0], wanted[0], atol=1e-3), "padding is read"


@torch.no_grad()
@both_activations
def test_nothing_is_lost_between_the_layouts(
    image: torch.nn.Module, text: torch.nn.Module, network: MaskClip
) -> None:
    weights, back = published(image, text), to_siglip(network)
    assert weights.keys() == back.keys()
    assert all(torch.equal(weights[key], back[key]) for key in weights)


@torch.no_grad()
@pytest.mark.parametrize("activation", [Activation.GELU])
def test_the_other_activation_is_another_network(image: torch.nn.Module, network: MaskClip) -> None:
    x = torch.randn(1, 3, SIDE_PX, SIDE_PX)
    for module in network.modules():
        if hasattr(module, "activation"):
            module.activation = Activation.GELU_TANH
    assert not torch.allclose(network.features(x, {}).dense[:, 0], image(x), atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("activation", [Activation.GELU])
def test_adapters_change_the_blocks_and_the_pooling(network: MaskClip) -> None:
    x = torch.randn(1, 3, SIDE_PX, SIDE_PX)
    before = network.features(x, {})
    named = list(lora_sites(network.image))
    assert {name for name, _ in named if "attn_pool" in name} == {
        "attn_pool.v_proj", "attn_pool.mlp.c_fc", "attn_pool.mlp.c_proj",
    }  # fmt: skip
    assert len(named) == 5 * LAYERS + 3
    sites = [site for _, site in named]
    a = torch.randn(2, sum(site.c_in for site in sites))
    b = 0.1 * torch.randn(2, sum(site.c_out for site in sites))
    after = network.features(x, slice_factors(sites, a, b))
    assert torch.equal(after.stem, before.stem), "the scene does not depend on the adapter"
    assert not torch.allclose(after.dense, before.dense, atol=1e-3)


@torch.no_grad()
@pytest.mark.parametrize("activation", [Activation.GELU])
def test_another_frame_than_the_trained_square(network: MaskClip) -> None:
    x = torch.randn(1, 3, 4 * PATCH_PX, 7 * PATCH_PX)
    found = network.features(x, {})
    assert found.dense.shape == (1, 29, WIDTH)
    assert network.to_map(found, x).shape == (1, WIDTH, 4, 7)


def configurations() -> dict[str, dict]:
    """Return open_clip's descriptions of the SigLIP models that we take."""
    spec = importlib.util.find_spec("open_clip")
    if spec is None or not spec.submodule_search_locations:
        return {}
    folder = Path(spec.submodule_search_locations[0]) / "model_configs"
    names = [name for name in plain_names() if "SigLIP" in name]
    return {name: json.loads((folder / f"{name}.json").read_text()) for name in names}


@pytest.mark.parametrize(("name", "found"), configurations().items())
def test_dimensions_are_those_of_timm_and_open_clip(
    monkeypatch: pytest.MonkeyPatch, name: str, found: dict
) -> None:
    timm = timm_vision_transformer(monkeypatch)
    towers, written = find_towers(name), found["text_cfg"]
    theirs = open_clip_transformer(monkeypatch)
    same = ("context_length", "width", "heads", "layers", "pool_type", "proj_bias")
    ratio = written.get("mlp_ratio", 4.0)
    with torch.device("meta"):
        network = MaskClip(MaskClipConfig(towers.image, towers.text))
        image = getattr(timm, found["vision_cfg"]["timm_model_name"])(num_classes=0)
        text = theirs.TextTransformer(
            **{key: written[key] for key in same}, vocab_size=written["vocab_size"],
            output_dim=found["embed_dim"], mlp_ratio=ratio, no_causal_mask=True,
        )  # fmt: skip
    wanted = {f"visual.trunk.{k}": tuple(v.shape) for k, v in image.state_dict().items()}
    wanted |= {f"text.{k}": tuple(v.shape) for k, v in text.state_dict().items()}
    wanted |= {"logit_scale": (), "logit_bias": ()}
    assert siglip_shapes(network) == wanted
    assert image.blocks[0].attn.num_heads == towers.image.heads
    assert image.blocks[0].norm1.eps == image.attn_pool.norm.eps == EPS
    x = torch.randn(9)
    for mlp in (image.blocks[0].mlp, image.attn_pool.mlp):
        assert torch.equal(mlp.act(x), towers.image.activation(x))
    act = torch.nn.GELU(**written.get("act_kwargs", {}))
    assert torch.equal(act(x), towers.text.activation(x))
