"""The torch backend against ONNX Runtime on the processor, and its refusals; GPUs are not here."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("onnx", reason="onnx is not installed; run `make build-torch`")
pytest.importorskip("safetensors")

from engine_inputs import random_factors, random_images, random_rows  # noqa: E402
from small_networks import SMALL  # noqa: E402
from torch_packages import (  # noqa: E402
    SMALL_NETWORK,
    small_catseg_graph,
    tiny_graph,
    write_package,
)

from ovseg_ros.adapters.mix import LoraFactors  # noqa: E402
from ovseg_ros.engine.base import Backend, RawResult, TextRows, load_backend  # noqa: E402
from ovseg_ros.engine.choice import (  # noqa: E402
    REFERENCE,
    BackendName,
    EngineChoice,
    Precision,
)
from ovseg_ros.engine.torch import Launch, TorchBackend  # noqa: E402
from ovseg_ros.engine.torch_weights import TORCH_WEIGHTS_NAME  # noqa: E402
from ovseg_ros.engine.verdicts import identity_of  # noqa: E402
from ovseg_ros.errors import (  # noqa: E402
    AdapterError,
    BackendError,
    MissingExtraError,
    PackageError,
)
from ovseg_ros.models import registry  # noqa: E402
from ovseg_ros.packages import ModelPackage, seal  # noqa: E402

pytestmark = pytest.mark.torch
ON_CPU = EngineChoice(BackendName.TORCH, Precision.FP32, "cpu")
ON_GPU = EngineChoice(BackendName.TORCH, Precision.FP16, "cuda")


@pytest.fixture(scope="module", params=["tiny", "CAT-Seg"])
def package(request: pytest.FixtureRequest, tmp_path_factory) -> ModelPackage:
    """A package of each kind of network."""
    make = {"tiny": tiny_graph, "CAT-Seg": small_catseg_graph}[request.param]
    return write_package(make(), tmp_path_factory.mktemp("package"))


@pytest.fixture(autouse=True)
def small_network(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(registry.NETWORKS, SMALL_NETWORK, SMALL)


def assert_same(wanted: RawResult, found: RawResult) -> None:
    assert found.mask.shape == wanted.mask.shape
    assert found.mask.dtype == found.confidence.dtype == np.uint8
    assert (found.mask == wanted.mask).mean() > 0.998
    assert np.abs(found.confidence.astype(int) - wanted.confidence).mean() < 0.1
    np.testing.assert_allclose(found.embedding, wanted.embedding, atol=1e-4)


def results(
    engine: Backend, rows: TextRows, factors: LoraFactors | None, images: np.ndarray
) -> RawResult:
    engine.set_text(rows)
    engine.set_adapter(factors)
    return engine.infer(images)


@pytest.mark.parametrize("launch", [Launch.EAGER, Launch.GRAPH])
def test_it_gives_what_the_reference_gives(
    package: ModelPackage, launch: Launch, tmp_path: Path
) -> None:
    with (
        load_backend(package, REFERENCE, 0, tmp_path) as reference,
        TorchBackend(package, ON_CPU, launch) as candidate,
    ):
        assert candidate.capabilities.device == "cpu"
        assert candidate.capabilities.dtype == "float32"
        for frames, size, labels, rank in (
            (1, (48, 64), 8, 0),
            (1, (61, 33), 32, 1),
            (2, (30, 40), 8, 20),
            (1, (48, 64), 32, 3),
        ):
            rows = random_rows(package, labels)
            factors = random_factors(package, rank) if rank else None
            images = random_images(frames, size)
            wanted, found = (
                results(engine, rows, factors, images) for engine in (reference, candidate)
            )
            assert_same(wanted, found)


def test_padded_labels_change_nothing(package: ModelPackage, tmp_path: Path) -> None:
    images = random_images(1, (48, 64))
    with (
        load_backend(package, REFERENCE, 0, tmp_path) as reference,
        TorchBackend(package, ON_CPU, Launch.GRAPH) as candidate,
    ):
        for labels in (1, 3, 40):
            rows = random_rows(package, labels)
            assert_same(*(results(e, rows, None, images) for e in (reference, candidate)))


@pytest.mark.parametrize("launch", [Launch.EAGER, Launch.GRAPH])
def test_adapters_and_texts_leave_nothing_behind(package: ModelPackage, launch: Launch) -> None:
    images = random_images(1, (48, 64))
    with TorchBackend(package, ON_CPU, launch) as engine:
        first, second = random_factors(package, 4, 1), random_factors(package, 20, 2)
        rows = random_rows(package, 8)
        before = results(engine, rows, first, images)
        other = results(engine, random_rows(package, 32), second, images)
        after = results(engine, rows, first, images)
        assert np.array_equal(before.embedding, other.embedding), "it must not see the adapter"
        assert not np.array_equal(before.confidence, other.confidence)
        for one, again in zip(vars(before).values(), vars(after).values(), strict=True):
            assert np.array_equal(one, again)


def test_a_result_stays_as_it_was(package: ModelPackage) -> None:
    with TorchBackend(package, ON_CPU, Launch.GRAPH) as engine:
        first = results(engine, random_rows(package, 8), None, random_images(1, (48, 64)))
        kept = first.confidence.copy()
        engine.infer(np.zeros((1, 48, 64, 3), np.uint8))
        assert np.array_equal(first.confidence, kept)


def test_the_caller_may_write_into_what_it_gave(package: ModelPackage) -> None:
    images, rows = random_images(1, (48, 64)), random_rows(package, 8)
    factors = random_factors(package, 2)
    with TorchBackend(package, ON_CPU) as engine:
        before = results(engine, rows, factors, images)
        rows.bank[:], factors.a[:] = 0, 0
        assert np.array_equal(engine.infer(images).confidence, before.confidence)


def test_a_verdict_is_about_version_weights_and_device(
    package: ModelPackage, tmp_path: Path
) -> None:
    identity = identity_of(package, ON_CPU, tmp_path)
    assert identity.backend_version == torch.__version__
    assert identity.device == "cpu" and identity.camera == ""
    assert len(identity.model_sha256) == 64
    assert identity.model_sha256 not in package.card.files.values()


def test_what_cannot_run_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    with load_backend(package, ON_CPU, 0, tmp_path) as engine:
        with pytest.raises(BackendError, match="no labels are set"):
            engine.infer(np.zeros((1, 4, 4, 3), np.uint8))
        with pytest.raises(AdapterError, match="LoRA factors of widths 3 and 4"):
            engine.set_adapter(LoraFactors(np.zeros((1, 3), np.float32), np.zeros((1, 4), "f4")))


@pytest.mark.skipif(torch.cuda.is_available(), reason="there is a GPU here")
@pytest.mark.parametrize("open_it", [TorchBackend, lambda p, c: identity_of(p, c, Path())])
def test_without_a_gpu_the_refusal_says_how_to_use_the_processor(
    package: ModelPackage, open_it: Callable[[ModelPackage, EngineChoice], object]
) -> None:
    with pytest.raises(
        BackendError, match=r"torch fp16 needs an NVIDIA GPU.*--precision fp32 --device cpu"
    ):
        open_it(package, ON_GPU)


def test_a_package_without_weights_for_torch_is_refused(
    package: ModelPackage, tmp_path: Path
) -> None:
    for file in package.folder.iterdir():
        if file.name != TORCH_WEIGHTS_NAME:
            (tmp_path / file.name).write_bytes(file.read_bytes())
    seal(tmp_path, {k: v for k, v in package.card.raw.items() if k != "files"})
    older = ModelPackage.load(tmp_path)
    for refused in (
        lambda: TorchBackend(older, ON_CPU),
        lambda: identity_of(older, ON_CPU, Path()),
    ):
        with pytest.raises(PackageError, match="has no torch_weights.*convert it again"):
            refused()


def test_without_torch_the_extra_is_named(
    package: ModelPackage, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(MissingExtraError, match=r"ovseg_ros\[torch\]"):
        TorchBackend(package, ON_CPU)
