"""Our CLIP towers give what open_clip's own modules give with the same weights."""

from __future__ import annotations

from functools import partial
from types import ModuleType

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

import torch.nn.functional as F  # noqa: E402
from open_clip_modules import open_clip_transformer  # noqa: E402

from ovseg_ros.models.clip_block import Activation, DenseResidual  # noqa: E402
from ovseg_ros.models.clip_image import ImageTowerConfig  # noqa: E402
from ovseg_ros.models.clip_text import TextTowerConfig  # noqa: E402
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig  # noqa: E402
from ovseg_ros.models.open_clip_layout import from_open_clip, open_clip_shapes  # noqa: E402

pytestmark = pytest.mark.torch
SIDE_PX, PATCH_PX, WIDTH, HEADS, LAYERS, DIM = 20, 4, 32, 2, 3, 16
CONTEXT, VOCABULARY = 12, 50


@pytest.fixture
def theirs(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    return open_clip_transformer(monkeypatch)


def towers(theirs: ModuleType, activation: Activation) -> tuple[torch.nn.Module, torch.nn.Module]:
    """Return open_clip's image and text towers with random weights."""
    act = {
        Activation.QUICK_GELU: theirs.QuickGELU,
        Activation.GELU: torch.nn.GELU,
        Activation.GELU_TANH: partial(torch.nn.GELU, approximate="tanh"),
    }[activation]
    torch.manual_seed(0)
    image = theirs.VisionTransformer(
        image_size=SIDE_PX, patch_size=PATCH_PX, width=WIDTH, layers=LAYERS, heads=HEADS,
        mlp_ratio=4.0, output_dim=DIM, act_layer=act,
    )  # fmt: skip
    text = theirs.TextTransformer(
        context_length=CONTEXT, vocab_size=VOCABULARY, width=WIDTH, heads=HEADS, layers=LAYERS,
        output_dim=DIM, act_layer=act,
    )  # fmt: skip
    with torch.no_grad():
        for module in (image, text):
            for parameter in module.parameters():
                parameter.add_(0.05 * torch.randn(parameter.shape))
    return image.eval(), text.eval()


def ours(image: torch.nn.Module, text: torch.nn.Module, activation: Activation) -> MaskClip:
    """Return our towers with the same weights."""
    grid = SIDE_PX // PATCH_PX
    config = MaskClipConfig(
        ImageTowerConfig(LAYERS, WIDTH, HEADS, PATCH_PX, grid, DIM, activation),
        TextTowerConfig(LAYERS, WIDTH, HEADS, DIM, VOCABULARY, CONTEXT, activation),
    )
    network = MaskClip(config).eval()
    weights = {f"visual.{k}": v for k, v in image.state_dict().items()}
    weights |= {k: v for k, v in text.state_dict().items() if k != "attn_mask"}
    weights["logit_scale"] = torch.zeros(())
    assert {k: tuple(v.shape) for k, v in weights.items()} == open_clip_shapes(network)
    network.load_state_dict(from_open_clip(network, weights))
    return network


@torch.no_grad()
@pytest.mark.parametrize("activation", list(Activation))
def test_blocks_of_the_image_tower(theirs: ModuleType, activation: Activation) -> None:
    image, text = towers(theirs, activation)
    outputs: list[torch.Tensor] = []
    for block in image.transformer.resblocks:
        block.register_forward_hook(lambda _, __, out: outputs.append(out))
    x = torch.randn(2, 3, SIDE_PX, SIDE_PX)
    image(x)
    network = ours(image, text, activation)
    found = network.image(x, {}, DenseResidual.OWN_TOKEN, wanted=(0, 1))
    for number in (0, 1):
        wanted = outputs[number]
        if wanted.shape[0] != len(x):
            wanted = wanted.transpose(0, 1)
        assert torch.allclose(found.blocks[number], wanted[:, 1:], atol=1e-5)


@torch.no_grad()
@pytest.mark.parametrize("activation", list(Activation))
def test_the_text_tower(theirs: ModuleType, activation: Activation) -> None:
    image, text = towers(theirs, activation)
    network = ours(image, text, activation)
    ids = torch.zeros(3, CONTEXT, dtype=torch.long)
    for row, length in zip(ids, (3, 5, CONTEXT), strict=True):
        row[:length] = torch.randint(1, VOCABULARY - 1, (length,))
        row[length - 1] = VOCABULARY - 1
    wanted = F.normalize(text(ids), dim=-1)
    assert torch.allclose(network.encode_text(ids, {}), wanted, atol=1e-5)


@torch.no_grad()
def test_a_wrong_activation_is_noticed(theirs: ModuleType) -> None:
    image, text = towers(theirs, Activation.GELU)
    network = ours(image, text, Activation.QUICK_GELU)
    ids = torch.full((1, CONTEXT), VOCABULARY - 1)
    wanted = F.normalize(text(ids), dim=-1)
    assert not torch.allclose(network.encode_text(ids, {}), wanted, atol=1e-4)
