"""The program of a text tower: equal to torch, with LoRA factors and without."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from ovseg_ros.adapters.mix import LoraFactors  # noqa: E402
from ovseg_ros.engine.export import save_program  # noqa: E402
from ovseg_ros.engine.export_text import (  # noqa: E402
    INPUTS,
    OUTPUT,
    TRIALS,
    TextTrial,
    check_text,
    export_text,
    random_inputs,
)
from ovseg_ros.errors import AdapterError, PackageError  # noqa: E402
from ovseg_ros.models.clip_text import ClipTextTower, TextTowerConfig  # noqa: E402
from ovseg_ros.models.clip_text_graph import ClipTextGraph  # noqa: E402
from ovseg_ros.models.deterministic import deterministic_weights  # noqa: E402
from ovseg_ros.text import TextTower  # noqa: E402
from ovseg_ros.text.clip_tokenizer import clip_tokenizer  # noqa: E402

pytestmark = pytest.mark.torch
TEXTS = ("a photo of a red car behind a tree", "sky", "traffic sign")
# Two blocks: four projections of 16 and one of 64 channels in, the same out.
WIDTHS = (2 * (4 * 16 + 64), 2 * (4 * 16 + 64))


def build() -> ClipTextGraph:
    tower = ClipTextTower(TextTowerConfig(2, 16, 2, embedding_dim=16)).eval()
    shapes = {name: tuple(value.shape) for name, value in tower.state_dict().items()}
    tower.load_state_dict(deterministic_weights(shapes))
    return ClipTextGraph(tower).eval()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with an exported text tower and its tokenizer."""
    made = tmp_path_factory.mktemp("text")
    export_text(build(), clip_tokenizer(), made)
    assert [path.name for path in made.iterdir()] == ["text.onnx"]
    clip_tokenizer().save(made / "tokenizer.json")
    return made


@pytest.fixture(scope="module")
def tower(folder: Path) -> TextTower:
    return TextTower.load(folder)


def factors_of(rank: int, widths: tuple[int, int] = WIDTHS) -> LoraFactors:
    rng = np.random.default_rng(rank)
    a, b = (rng.normal(0, 0.3, (rank, width)).astype(np.float32) for width in widths)
    return LoraFactors(a, b)


def by_torch(factors: LoraFactors | None) -> np.ndarray:
    """Encode TEXTS; None is the tower without any factors, as it was before it took some."""
    graph, ids = build(), torch.from_numpy(clip_tokenizer().encode(TEXTS))
    with torch.no_grad():
        if factors is None:
            return torch.nn.functional.normalize(graph.tower(ids, {}), dim=-1).numpy()
        return graph(ids, torch.from_numpy(factors.a), torch.from_numpy(factors.b)).numpy()


def test_no_factors_and_rank_zero_are_the_base_tower(tower: TextTower) -> None:
    assert tower.lora_widths == WIDTHS
    np.testing.assert_allclose(tower.encode(TEXTS), by_torch(None), atol=1e-5)
    assert np.array_equal(tower.encode(TEXTS), tower.encode(TEXTS, factors_of(0)))


@pytest.mark.parametrize("rank", [1, 2, 9])
def test_factors_change_the_vectors_as_torch_does(tower: TextTower, rank: int) -> None:
    base, factors = tower.encode(TEXTS), factors_of(rank)
    found = tower.encode(TEXTS, factors)
    np.testing.assert_allclose(found, by_torch(factors), atol=1e-5)
    assert (np.abs(found - base).max(1) > 0.01).all()
    assert np.array_equal(base, tower.encode(TEXTS)), "factors leave no trace"


@pytest.mark.parametrize("widths", [(WIDTHS[0] - 1, WIDTHS[1]), (WIDTHS[0], 7)])
def test_factors_of_other_widths_are_refused(tower: TextTower, widths: tuple[int, int]) -> None:
    sentence = f"widths {widths[0]} and {widths[1]} were given; .* {WIDTHS[0]} and {WIDTHS[1]}"
    with pytest.raises(AdapterError, match=sentence):
        tower.encode(TEXTS, factors_of(2, widths))


@pytest.mark.parametrize("damage", [lambda w: w.neg_(), lambda w: w.fill_(float("nan"))])
def test_a_program_that_differs_from_torch_is_refused(folder: Path, damage) -> None:
    graph = build()
    check_text(graph, clip_tokenizer(), folder / "text.onnx", TRIALS)
    with torch.no_grad():
        damage(graph.tower.text_projection)
    with pytest.raises(PackageError, match=r"differs from torch on .*was wanted"):
        check_text(graph, clip_tokenizer(), folder / "text.onnx", TRIALS)


def test_a_refused_program_leaves_nothing_behind(tmp_path: Path) -> None:
    graph = build()
    torch.nn.init.constant_(graph.tower.text_projection, float("nan"))
    with pytest.raises(PackageError, match="differs from torch"):
        export_text(graph, clip_tokenizer(), tmp_path)
    assert not list(tmp_path.iterdir())


def test_a_tower_exported_for_one_rank_is_refused(folder: Path, tmp_path: Path) -> None:
    graph, dynamic = build(), torch.export.Dim.DYNAMIC
    inputs = random_inputs(graph, clip_tokenizer(), TextTrial(TEXTS, 4))
    free = ({0: dynamic, 1: dynamic}, None, None)
    save_program(graph, inputs, INPUTS, (OUTPUT,), free, tmp_path / "text.onnx")
    (tmp_path / "tokenizer.json").write_bytes((folder / "tokenizer.json").read_bytes())
    with pytest.raises(PackageError, match=r"text\.onnx takes .*\[4, 256\].* rank .* convert it"):
        TextTower.load(tmp_path)
