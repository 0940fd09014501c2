"""Packages made of CAT-Seg weights run without torch; what does not fit is refused, all named."""

from __future__ import annotations

import pickle
import subprocess
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

import onnx_ir  # noqa: E402
from small_networks import SMALL, build  # noqa: E402

from ovseg_ros.engine import convert  # noqa: E402
from ovseg_ros.engine.base import load_backend  # noqa: E402
from ovseg_ros.engine.choice import REFERENCE, ProgramPrecision  # noqa: E402
from ovseg_ros.engine.convertible import Variant  # noqa: E402
from ovseg_ros.engine.export import (  # noqa: E402
    INPUTS,
    OUTPUTS,
    Trial,
    check_graph,
    export_graph,
    random_inputs,
    save_program,
)
from ovseg_ros.errors import PackageError, WeightsError  # noqa: E402
from ovseg_ros.models import registry  # noqa: E402
from ovseg_ros.models.catseg_graph import CatSegGraph  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.catseg_layout import to_published  # noqa: E402
from ovseg_ros.models.deterministic import deterministic_weights  # noqa: E402
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig  # noqa: E402
from ovseg_ros.models.maskclip_graph import MaskClipGraph  # noqa: E402
from ovseg_ros.models.open_clip_layout import open_clip_shapes  # noqa: E402
from ovseg_ros.models.steps import Steps  # noqa: E402
from ovseg_ros.packages import ModelPackage, seal  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402

pytestmark = pytest.mark.torch
NAME = "small"


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register CAT-Seg at a size that tests can afford to export."""
    monkeypatch.setitem(registry.NETWORKS, NAME, SMALL)


@pytest.fixture(scope="module")
def checkpoint(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A file as detectron2 writes it."""
    path = tmp_path_factory.mktemp("weights") / "model.pth"
    torch.save({"model": to_published(build()), "iteration": 7}, path)
    return path


@pytest.fixture
def package(checkpoint: Path, tmp_path: Path) -> Path:
    """The checkpoint, converted."""
    out = tmp_path / "package"
    convert.convert_checkpoint(NAME, checkpoint, out, Variant())
    assert [p.name for p in tmp_path.iterdir()] == ["package"]
    return out


def test_a_checkpoint_becomes_a_package_that_runs_without_torch(package: Path) -> None:
    card = ModelPackage.load(package).card
    assert card.templates == ("A photo of a {} in the scene",)
    assert all(site.name.startswith("sem_seg_head.predictor") for site in card.lora_sites)
    assert card.text_lora_sites[0].name.endswith("clip_model.transformer.resblocks.0.attn.q_proj")
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    with Segmenter.open(package, "road; car; !sky") as segmenter:
        found = segmenter.infer(frame)
        # Text bank and card agree on the widths of the text tower's factors, or it would not open.
        assert card.text_lora_widths == (256, 256)
        assert segmenter.text_bank.is_trained("any words at all")
    assert found.label_mask.shape == (48, 64)
    assert found.embedding.shape == (64,)
    assert set(np.unique(found.label_mask)) <= {0, 1, 2}
    program = (
        "import sys, numpy as np\n"
        "from ovseg_ros.segmenter import Segmenter\n"
        f"segmenter = Segmenter.open({str(package)!r}, 'road; car')\n"
        "segmenter.infer(np.zeros((32, 32, 3), np.uint8))\n"
        "assert 'torch' not in sys.modules and 'open_clip' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


ONE_VIEW = (Trial(48, 64, 1, 0), Trial(50, 37, 40, 3), Trial(96, 32, 255, 1))


FIVE_VIEWS = (Trial(48, 64, 3, 0), Trial(40, 70, 5, 2))
SINGLE, HALF = ProgramPrecision


# An export takes twenty seconds, so not every variant is made in both precisions.
@pytest.mark.parametrize(
    ("variant", "trials", "precision"),
    [
        pytest.param(Variant(), ONE_VIEW, SINGLE, id="one view"),
        pytest.param(Variant(), ONE_VIEW, HALF, id="one view in half"),
        pytest.param(Variant(most_labels=6), ONE_VIEW, HALF, id="promising labels in half"),
        pytest.param(Variant(steps=Steps.AT_ONCE), ONE_VIEW, SINGLE, id="labels at once"),
        pytest.param(Variant(steps=Steps.AT_ONCE), ONE_VIEW, HALF, id="labels at once in half"),
        pytest.param(Variant(Views.SLIDING), FIVE_VIEWS, SINGLE, id="five views"),
    ],
)
def test_the_program_equals_torch(
    variant: Variant, trials: tuple[Trial, ...], precision: ProgramPrecision, tmp_path: Path
) -> None:
    network, path = build(variant.steps), tmp_path / "segmenter.onnx"
    graph = CatSegGraph(network, variant.views, variant.most_labels).eval()
    export_graph(graph, path, precision)
    kinds = {node.op_type for node in onnx_ir.load(path).graph}
    assert ("Loop" in kinds) == (variant.steps is Steps.ONE_BY_ONE) and "Scan" not in kinds
    check_graph(graph, path, trials, precision)
    with torch.no_grad():
        network.aggregator.head.weight.neg_()
    with pytest.raises(PackageError, match="differs from torch"):
        check_graph(graph, path, trials, precision)


def test_a_half_package_runs_like_the_other(
    package: Path, checkpoint: Path, tmp_path: Path
) -> None:
    half, variant = tmp_path / "half", Variant(precision=ProgramPrecision.FP16)
    convert.convert_checkpoint(NAME, checkpoint, half, variant)
    cards = [ModelPackage.load(folder).card.raw for folder in (package, half)]
    assert [card["precision"] for card in cards] == ["fp32", "fp16"]
    assert cards[0]["float32_islands"] == []
    assert "LayerNormalization" in cards[1]["float32_islands"]
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    found = []
    for folder in (package, half):
        with Segmenter.open(folder, "road; car; !sky") as segmenter:
            found.append(segmenter.infer(frame))
    assert np.mean(found[0].label_mask != found[1].label_mask) < 0.05
    np.testing.assert_allclose(found[0].embedding, found[1].embedding, atol=2e-3)


# The smaller factor keeps the weights themselves within float16.
@pytest.mark.parametrize("factor", [1e5, 1e7])
@pytest.mark.filterwarnings("ignore:overflow encountered in cast")
def test_a_network_beyond_the_range_of_half_is_refused(
    checkpoint: Path, tmp_path: Path, factor: float
) -> None:
    weights = torch.load(checkpoint, weights_only=True)["model"]
    key = "sem_seg_head.predictor.clip_model.visual.transformer.resblocks.1.mlp.c_proj.weight"
    file, variant = tmp_path / "large.pth", Variant(precision=ProgramPrecision.FP16)
    torch.save({"model": {**weights, key: weights[key] * factor}}, file)
    with pytest.raises(PackageError, match=r"blocks\.1\.mlp.*65504.*--precision fp32"):
        convert.convert_checkpoint(NAME, file, tmp_path / "half", variant)
    assert [p.name for p in tmp_path.iterdir()] == ["large.pth"]


@pytest.mark.parametrize(
    ("name", "variant", "sentence"),
    [
        (NAME, Variant(Views.SLIDING, 6), "take a single view, or all labels"),
        ("maskclip-b16", Variant(most_labels=6), "aggregates nothing"),
    ],
)
def test_a_variant_that_a_network_does_not_have(
    name: str, variant: Variant, sentence: str, tmp_path: Path
) -> None:
    with pytest.raises(PackageError, match=sentence):
        convert.convert_deterministic(name, tmp_path / "package", variant)


def test_a_program_exported_for_one_number_of_labels_and_one_rank_is_refused(
    tiny_package: Path, tmp_path: Path
) -> None:
    config = MaskClipConfig(SMALL.image, SMALL.text, internal_size_px=(16, 24))
    graph = MaskClipGraph(MaskClip(config)).eval()
    inputs = random_inputs(graph, Trial(48, 64, 8, 4))
    save_program(graph, inputs, INPUTS, OUTPUTS, None, tmp_path / "segmenter.onnx")
    sites = [{"name": n, "c_in": s.c_in, "c_out": s.c_out} for n, s in graph.lora_sites]
    card = ModelPackage.load(tiny_package).card.raw
    seal(tmp_path, {**card, "embedding_dim": graph.embedding_dim, "lora_sites": sites})
    with pytest.raises(
        PackageError, match=r"segmenter\.onnx .*convert the package again"
    ) as refusal:
        load_backend(ModelPackage.load(tmp_path), REFERENCE, 1, tmp_path)
    assert "no other number of labels than 8 would run" in str(refusal.value)
    assert "no other number of LoRA ranks than 4 would run" in str(refusal.value)


def spoiled(weights: dict[str, torch.Tensor], how: str) -> dict[str, torch.Tensor]:
    key = "sem_seg_head.predictor.transformer.head.bias"
    if how == "missing":
        return {k: v for k, v in weights.items() if k != key}
    if how == "extra":
        return {**weights, "backbone.stem.weight": torch.zeros(2)}
    if how == "shape":
        return {**weights, key: torch.zeros(3)}
    if how == "integer":
        return {**weights, key: torch.tensor([3], dtype=torch.int8)}
    return {**weights, key: torch.tensor([float("nan")])}


@pytest.mark.parametrize(
    ("how", "named"),
    [
        ("missing", r"missing \(1\):\n.*transformer\.head\.bias"),
        ("extra", r"not part of the network \(1\):\n.*backbone\.stem\.weight"),
        ("shape", r"\[3\] was found, \[1\] was wanted"),
        ("integer", r"transformer\.head\.bias: int8 was found, float32 was wanted"),
        ("nan", r"earlier checkpoint(?s:.*)transformer\.head\.bias: 1 of 1 values"),
    ],
)
def test_weights_that_do_not_fit_leave_nothing_behind(
    checkpoint: Path, tmp_path: Path, how: str, named: str
) -> None:
    weights = torch.load(checkpoint, weights_only=True)["model"]
    bad = tmp_path / "bad.pth"
    torch.save({"model": spoiled(weights, how)}, bad)
    with pytest.raises(WeightsError, match=rf"bad\.pth (?s:.*){named}"):
        convert.convert_checkpoint(NAME, bad, tmp_path / "package", Variant())
    assert [p.name for p in tmp_path.iterdir()] == ["bad.pth"]


@pytest.mark.parametrize("precision", ProgramPrecision)
def test_clip_weights_alone_become_a_package(
    precision: ProgramPrecision, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = MaskClipConfig(SMALL.image, SMALL.text, internal_size_px=(16, 24))
    monkeypatch.setitem(registry.NETWORKS, NAME, config)
    weights = deterministic_weights(open_clip_shapes(MaskClip(config)))
    numbers = {"input_resolution": torch.tensor(20), "context_length": torch.tensor(77)}
    torch.save({**weights, **numbers}, tmp_path / "clip.pt")
    out = tmp_path / "package"
    convert.convert_checkpoint(NAME, tmp_path / "clip.pt", out, Variant(precision=precision))
    assert ModelPackage.load(out).card.confidence_kind == "softmax"
    frame = np.random.default_rng(0).integers(0, 256, (48, 64, 3), np.uint8)
    with Segmenter.open(out, "road; car") as segmenter:
        found = segmenter.infer(frame)
    assert set(np.unique(found.label_mask)) <= {1, 2}
    assert found.confidence.min() >= 127, "one of two labels has at least half"


def test_a_clip_of_another_width_is_refused(
    checkpoint: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wide = replace(SMALL, image=replace(SMALL.image, width=64))
    monkeypatch.setitem(registry.NETWORKS, NAME, wide)
    found, wanted = r"\[26, 32\] was found", r"\[26, 64\] was wanted"
    key = r"clip_model\.visual\.positional_embedding"
    with pytest.raises(WeightsError, match=rf"model\.pth (?s:.*){key}: {found}, {wanted}"):
        convert.convert_checkpoint(NAME, checkpoint, tmp_path / "package", Variant())
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("spoil", "sentence"),
    [
        (lambda whole: pickle.dumps(print), "is refused: its pickle asks for"),
        (lambda whole: whole[: len(whole) // 2], "truncated or damaged.*fetch it again"),
        (lambda whole: b"", "is empty; fetch it again"),
    ],
)
def test_a_file_that_is_no_checkpoint_leaves_nothing_behind(
    checkpoint: Path, tmp_path: Path, spoil: Callable[[bytes], bytes], sentence: str
) -> None:
    bad = tmp_path / "bad.pth"
    bad.write_bytes(spoil(checkpoint.read_bytes()))
    with pytest.raises(WeightsError, match=rf"bad\.pth .*{sentence}"):
        convert.convert_checkpoint(NAME, bad, tmp_path / "package", Variant())
    assert [p.name for p in tmp_path.iterdir()] == ["bad.pth"]


def test_a_folder_that_is_taken_stays_as_it_is(checkpoint: Path, tmp_path: Path) -> None:
    (tmp_path / "package").mkdir()
    with pytest.raises(PackageError, match="exists already"):
        convert.convert_checkpoint(NAME, checkpoint, tmp_path / "package", Variant())
    with pytest.raises(PackageError, match="catseg-base, catseg-large, maskclip"):
        convert.convert_deterministic("catseg-huge", tmp_path / "other", Variant())
