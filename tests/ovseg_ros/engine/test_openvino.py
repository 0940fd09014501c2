"""The OpenVINO backend against ONNX Runtime on the embedded package, and its refusals."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from engine_inputs import random_factors, random_images, random_rows

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.check.comparison import cosine
from ovseg_ros.engine.base import Backend, RawResult, load_backend
from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision
from ovseg_ros.engine.openvino import import_openvino, require_precision
from ovseg_ros.errors import AdapterError, BackendError, PackageError
from ovseg_ros.packages import ModelPackage, seal

FP32 = EngineChoice(BackendName.OPENVINO, Precision.FP32)
needs_openvino = pytest.mark.openvino


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(scope="module")
def engines(package: ModelPackage, tmp_path_factory) -> Iterator[tuple[Backend, Backend]]:
    cache = tmp_path_factory.mktemp("cache")
    with (
        load_backend(package, REFERENCE, 0, cache) as reference,
        load_backend(package, FP32, 0, cache) as candidate,
    ):
        yield reference, candidate


def assert_same(wanted: RawResult, found: RawResult) -> None:
    assert found.mask.shape == wanted.mask.shape and found.mask.dtype == np.uint8
    assert found.confidence.dtype == np.uint8
    assert (found.mask == wanted.mask).mean() > 0.999
    assert np.abs(found.confidence.astype(int) - wanted.confidence).mean() < 0.1
    np.testing.assert_allclose(found.embedding, wanted.embedding, rtol=1e-3, atol=1e-4)


@needs_openvino
@pytest.mark.parametrize(
    ("frames", "size", "labels", "rank"),
    [
        (1, (480, 640), 6, 0),
        (1, (481, 333), 1, 1),
        (2, (60, 80), 254, 4),
        (1, (1, 1), 3, 16),
    ],
)
def test_fp32_gives_what_the_reference_gives(
    package: ModelPackage,
    engines: tuple[Backend, Backend],
    frames: int,
    size: tuple[int, int],
    labels: int,
    rank: int,
) -> None:
    images, rows = random_images(frames, size), random_rows(package, labels)
    results = []
    for engine in engines:
        engine.set_text(rows)
        engine.set_adapter(random_factors(package, rank))
        results.append(engine.infer(images))
    assert_same(*results)


@needs_openvino
def test_adapters_come_and_go_without_a_trace(package, engines) -> None:
    engine, images = engines[1], random_images(1, (96, 128))
    engine.set_text(random_rows(package, 5))

    def confidence(seed: int | None) -> np.ndarray:
        engine.set_adapter(None if seed is None else random_factors(package, 4, seed))
        return engine.infer(images).confidence

    base, first, second = confidence(None), confidence(1), confidence(2)
    assert not np.array_equal(base, first) and not np.array_equal(first, second)
    assert np.array_equal(first, confidence(1))
    assert np.array_equal(base, confidence(None))


@needs_openvino
def test_bf16_rounds_what_it_computes_but_no_id(package: ModelPackage, engines, tmp_path) -> None:
    if "BF16" not in import_openvino().Core().get_property("CPU", "OPTIMIZATION_CAPABILITIES"):
        pytest.skip("this processor has no bf16 instructions")
    images, rows = random_images(1, (120, 160)), random_rows(package, 200)
    choice = EngineChoice(BackendName.OPENVINO, Precision.BF16)
    with load_backend(package, choice, 0, tmp_path) as engine:
        results = []
        for each in (engines[0], engine):
            each.set_text(rows)
            each.set_adapter(None)
            results.append(each.infer(images))
    wanted, found = results
    assert set(np.unique(found.mask)) <= set(rows.codes.tolist())
    assert cosine(wanted.embedding[0], found.embedding[0]) > 0.95
    assert not np.array_equal(wanted.embedding, found.embedding), "bf16 is not fp32"


@needs_openvino
def test_a_result_stays_as_it_was_when_the_next_frame_comes(package, engines) -> None:
    engine = engines[1]
    engine.set_text(random_rows(package, 4))
    engine.set_adapter(None)
    first = engine.infer(random_images(1, (64, 64)))
    kept = first.embedding.copy()
    engine.infer(np.zeros((1, 64, 64, 3), np.uint8))
    assert np.array_equal(first.embedding, kept)


@needs_openvino
def test_misuse_is_refused(package: ModelPackage, tmp_path: Path) -> None:
    with load_backend(package, FP32, 1, tmp_path) as engine:
        with pytest.raises(BackendError, match="call set_text"):
            engine.infer(np.zeros((1, 8, 8, 3), np.uint8))
        narrow = LoraFactors(np.zeros((1, 2), np.float32), np.zeros((1, 3), np.float32))
        with pytest.raises(AdapterError, match="widths 2 and 3"):
            engine.set_adapter(narrow)


@needs_openvino
def test_a_graph_that_is_none_is_refused(tmp_path: Path, package: ModelPackage) -> None:
    folder = tmp_path / "package"
    folder.mkdir()
    (folder / "segmenter.onnx").write_bytes(b"no graph")
    seal(folder, package.card.raw)
    with pytest.raises(PackageError, match=r"segmenter\.onnx cannot be read by OpenVINO"):
        load_backend(ModelPackage.load(folder), FP32, 0, tmp_path)


class OldProcessor:
    """What openvino.Core reports of a processor without bf16."""

    def get_property(self, device: str, name: str) -> object:
        facts = {"OPTIMIZATION_CAPABILITIES": ["FP32", "INT8"], "FULL_DEVICE_NAME": "Old One"}
        return facts[name]


@pytest.mark.parametrize("precision", [Precision.FP32, Precision.INT8])
def test_a_precision_the_processor_has_is_accepted(precision: Precision) -> None:
    require_precision(OldProcessor(), precision)


def test_a_precision_the_processor_lacks_is_refused_with_those_it_has() -> None:
    with pytest.raises(BackendError, match=r"\(Old One\) has no .* bf16 .* from fp32, int8"):
        require_precision(OldProcessor(), Precision.BF16)


@pytest.mark.parametrize(
    ("blocked", "printed"),
    [
        pytest.param("'openvino'", "pip install 'ovseg_ros[openvino]'", id="not installed"),
        pytest.param("", "silent", id="no telemetry", marks=needs_openvino),
    ],
)
def test_importing_openvino(blocked: str, printed: str) -> None:
    program = (
        "import sys\n"
        f"sys.modules.update(dict.fromkeys([{blocked}]))\n"
        "from ovseg_ros.engine.openvino import import_openvino\n"
        "try: import_openvino()\n"
        "except Exception as error: print(error)\n"
        "print('silent' if sys.modules.get('openvino_telemetry') is None else 'talks')\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True)
    assert printed in done.stdout, done.stderr
