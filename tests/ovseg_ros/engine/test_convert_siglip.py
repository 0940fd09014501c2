"""Networks over SigLIP become packages that run without torch, with a tokenizer that is given."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from small_siglip_tokenizer import PIECES, write_siglip_tokenizer  # noqa: E402

from ovseg_ros.cli import main  # noqa: E402
from ovseg_ros.engine import convert  # noqa: E402
from ovseg_ros.engine.convertible import Variant, convertible  # noqa: E402
from ovseg_ros.engine.export import Trial, check_graph  # noqa: E402
from ovseg_ros.errors import PackageError  # noqa: E402
from ovseg_ros.models import registry  # noqa: E402
from ovseg_ros.models.catseg import CatSeg, CatSegConfig  # noqa: E402
from ovseg_ros.models.catseg_siglip_layout import from_published, to_published  # noqa: E402
from ovseg_ros.models.clip_block import Activation  # noqa: E402
from ovseg_ros.models.cost_aggregation import HeadConfig  # noqa: E402
from ovseg_ros.models.deterministic import deterministic_weights  # noqa: E402
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig  # noqa: E402
from ovseg_ros.models.siglip_image import SiglipImageConfig  # noqa: E402
from ovseg_ros.models.siglip_text import SiglipTextConfig  # noqa: E402
from ovseg_ros.packages import SEGMENTER_NAME, ModelPackage  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_ros.text.siglip_tokenizer import Vocabulary  # noqa: E402
from ovseg_ros.text.tower import TextTower  # noqa: E402

pytestmark = pytest.mark.torch
IMAGE = SiglipImageConfig(3, 32, 2, patch_px=4, grid=5)
TEXT = SiglipTextConfig(
    2, 16, 2, embedding_dim=32, tokens=4 + len(PIECES), vocabulary=Vocabulary.GEMMA,
    repository="someone/siglip", context=12, activation=Activation.GELU_TANH,
)  # fmt: skip
MASKCLIP = MaskClipConfig(IMAGE, TEXT, internal_size_px=(16, 24), mean=(127.5,) * 3)
CATSEG = CatSegConfig(
    IMAGE, TEXT, HeadConfig(embedding_dim=32, side=8, window=4),
    clip_side_px=32, guidance_blocks=(0, 1),
)  # fmt: skip
NAME = "small"
networks = pytest.mark.parametrize("config", [MASKCLIP, CATSEG], ids=["maskclip", "catseg"])


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch, config: MaskClipConfig | CatSegConfig) -> None:
    monkeypatch.setitem(registry.NETWORKS, NAME, config)


@pytest.fixture
def tokenizer(tmp_path: Path) -> Path:
    path = tmp_path / "published.json"
    write_siglip_tokenizer(path, Vocabulary.GEMMA)
    return path


@networks
def test_weights_become_a_package_that_runs_without_torch(tmp_path: Path, tokenizer: Path) -> None:
    parts = convertible(NAME, Variant())
    network, file, out = parts.network, tmp_path / "weights.pt", tmp_path / "package"
    weights = deterministic_weights(parts.layout.shapes)
    constants = to_published(network) if isinstance(network, CatSeg) else {}
    torch.save({**constants, **weights}, file)
    arguments = ["--weights", str(file), "--tokenizer", str(tokenizer), "--out", str(out)]
    assert main(["convert", NAME, *arguments]) == 0
    card = ModelPackage.load(out).card
    assert any(site.name.endswith("attn_pool.mlp.fc1") for site in card.lora_sites)
    assert len({site.name for site in card.lora_sites}) == len(card.lora_sites)
    assert card.text_lora_sites[0].name.endswith("text.transformer.resblocks.0.attn.q_proj")
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    with Segmenter.open(out, "road; traffic light") as segmenter:
        found = segmenter.infer(frame)
    assert set(np.unique(found.label_mask)) <= {0, 1, 2}
    assert found.embedding.shape == (64,)
    assert_runs_without_torch(out)
    network.load_state_dict(parts.layout.to_ours(weights))
    check_graph(parts.graph, out / SEGMENTER_NAME, (Trial(48, 64, 1, 0), Trial(50, 37, 40, 3)))
    assert_text_equals_torch(network, out)


def assert_runs_without_torch(package: Path) -> None:
    program = (
        "import sys, numpy as np\n"
        "from ovseg_ros.segmenter import Segmenter\n"
        f"segmenter = Segmenter.open({str(package)!r}, 'road; car')\n"
        "segmenter.infer(np.zeros((32, 32, 3), np.uint8))\n"
        "assert 'torch' not in sys.modules and 'open_clip' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


def assert_text_equals_torch(network: CatSeg | MaskClip, package: Path) -> None:
    tower = TextTower.load(package)
    texts = ["a photo of a car", "Traffic_light!", "light " * 30]
    ids = tower.tokenizer.encode(texts)
    assert ids.shape == (3, TEXT.context)
    with torch.no_grad():
        wanted = network.encode_text(torch.from_numpy(ids), {}).numpy()
    assert np.allclose(tower.encode(texts), wanted, atol=1e-5)


@pytest.mark.parametrize("config", [CATSEG])
def test_a_checkpoint_over_siglip_loses_nothing() -> None:
    network = CatSeg(CATSEG).eval()
    weights = to_published(network)
    towers = "sem_seg_head.predictor.clip_model."
    assert f"{towers}visual.trunk.blocks.2.attn.qkv.weight" in weights
    assert f"{towers}text.transformer.resblocks.1.attn.in_proj_bias" in weights
    assert f"{towers}logit_bias" in weights
    ours = from_published(network, weights)
    state = network.state_dict()
    assert ours.keys() == state.keys()
    assert all(torch.equal(ours[name], state[name]) for name in state)


@pytest.mark.parametrize("config", [MASKCLIP])
def test_a_tokenizer_is_asked_for_where_it_is_needed(tmp_path: Path, tokenizer: Path) -> None:
    out = tmp_path / "package"
    with pytest.raises(PackageError, match="give --tokenizer the tokenizer.json.*someone/siglip"):
        convert.convert_deterministic(NAME, out, Variant())
    with pytest.raises(PackageError, match="leave --tokenizer out"):
        convert.convert_deterministic("maskclip-b16", out, Variant(), tokenizer)
    assert not out.exists()


@pytest.mark.parametrize("config", [MASKCLIP])
def test_the_command_names_the_tokenizer(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["convert", NAME, "--deterministic", "--out", str(tmp_path / "package")]
    assert main(arguments) == 2
    assert "someone/siglip" in capsys.readouterr().err
