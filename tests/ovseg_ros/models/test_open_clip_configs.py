"""Networks over any plain CLIP of open_clip, by its name there."""

from __future__ import annotations

import importlib.util

import pytest

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
if importlib.util.find_spec("open_clip") is None:
    pytest.skip("open_clip_torch is not installed; run `make build-torch`", allow_module_level=True)

from ovseg_ros.errors import PackageError  # noqa: E402
from ovseg_ros.models.clip_block import Activation  # noqa: E402
from ovseg_ros.models.open_clip_configs import find_towers, plain_names  # noqa: E402
from ovseg_ros.models.registry import find_network  # noqa: E402
from ovseg_ros.models.siglip_image import SiglipImageConfig  # noqa: E402
from ovseg_ros.models.siglip_text import SiglipTextConfig  # noqa: E402
from ovseg_ros.text.siglip_tokenizer import Vocabulary  # noqa: E402


@pytest.mark.parametrize(
    ("name", "same"),
    [
        ("catseg:ViT-B-16-quickgelu", "catseg-base"),
        ("catseg:ViT-L-14-336-quickgelu", "catseg-large"),
        ("maskclip:ViT-B-16-quickgelu", "maskclip-b16"),
        ("maskclip:ViT-B-16", "maskclip-b16-laion"),
    ],
)
def test_the_published_networks_are_cases_of_any_clip(name: str, same: str) -> None:
    assert find_network(name) == find_network(same)


@pytest.mark.parametrize(
    ("name", "layers", "heads", "hidden", "activation"),
    [
        ("ViT-H-14-378-quickgelu", 32, 16, 5120, Activation.QUICK_GELU),  # DFN5B
        ("ViT-bigG-14", 48, 16, 8192, Activation.GELU),
        ("ViT-B-32", 12, 12, 3072, Activation.GELU),
    ],
)
def test_dimensions(
    name: str, layers: int, heads: int, hidden: int, activation: Activation
) -> None:
    image = find_towers(name).image
    found = image.layers, image.heads, int(image.width * image.mlp_ratio), image.activation
    assert found == (layers, heads, hidden, activation)


@pytest.mark.parametrize(
    ("name", "layers", "width", "grid", "activation", "vocabulary"),
    [
        ("ViT-B-16-SigLIP-384", 12, 768, 24, Activation.GELU, Vocabulary.C4_EN),
        ("ViT-SO400M-14-SigLIP-384", 27, 1152, 27, Activation.GELU, Vocabulary.C4_EN),
        ("ViT-B-16-SigLIP2-384", 12, 768, 24, Activation.GELU, Vocabulary.GEMMA),
        ("ViT-B-32-SigLIP2-256", 12, 768, 8, Activation.GELU_TANH, Vocabulary.GEMMA),
        ("ViT-gopt-16-SigLIP2-256", 40, 1536, 16, Activation.GELU_TANH, Vocabulary.GEMMA),
    ],
)
def test_dimensions_of_siglip(
    name: str,
    layers: int,
    width: int,
    grid: int,
    activation: Activation,
    vocabulary: Vocabulary,
) -> None:
    towers = find_towers(name)
    image, text = towers.image, towers.text
    assert isinstance(image, SiglipImageConfig) and isinstance(text, SiglipTextConfig)
    found = image.layers, image.width, image.grid, image.activation
    assert found == (layers, width, grid, activation)
    assert image.embedding_dim == text.embedding_dim == width
    assert (text.vocabulary, text.context) == (vocabulary, 64)
    assert text.repository.startswith("timm/ViT-")


@pytest.mark.parametrize("family", ["catseg", "maskclip"])
def test_pixels_of_siglip_run_from_minus_one_to_one(family: str) -> None:
    config = find_network(f"{family}:ViT-B-16-SigLIP-384")
    assert config.mean == config.std == (127.5, 127.5, 127.5)
    assert find_network(f"{family}:ViT-B-16").mean != config.mean


@pytest.mark.parametrize("name", plain_names())
@pytest.mark.parametrize("family", ["catseg", "maskclip"])
def test_the_frame_of_every_plain_clip_is_whole_patches(family: str, name: str) -> None:
    config = find_network(f"{family}:{name}")
    patch = config.image.patch_px
    if family == "catseg":
        assert config.clip_side_px == 24 * patch
        assert 0 < config.guidance_blocks[0] < config.guidance_blocks[1] < config.image.layers - 1
    else:
        assert all(side % patch == 0 for side in config.internal_size_px)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("maskclip:ViT-Z-99", "open_clip has no 'ViT-Z-99'.*ViT-B-16-quickgelu"),
        ("catseg:RN50", "no transformer"),
        ("maskclip:ViT-L-14-CLIPA-336", r"text_cfg\.hf_tokenizer_name.*those that are: ViT-B-16"),
        ("maskclip:ViT-B-16-SigLIP-i18n-256", r"text_cfg\.vocab_size 250000"),
        ("catseg:ViT-SO400M-16-SigLIP-i18n-256", r"text_cfg\.proj_type.*text_cfg\.proj_bias None"),
        ("maskclip:nllb-clip-base-siglip", r"text_cfg\.hf_model_name"),
        ("dinoclip:ViT-B-16", "catseg:TOWER, maskclip:TOWER"),
    ],
)
def test_what_is_not_plain_is_refused(name: str, sentence: str) -> None:
    with pytest.raises(PackageError, match=sentence):
        find_network(name)
