"""The TensorRT backend on a GPU that is none, against ONNX Runtime on the embedded package.

The engine is a double that computes with ONNX Runtime what lies at the addresses it was bound to;
the stream does its work only when somebody waits. What is shown is everything around the engine.
"""

from __future__ import annotations

import gc
import threading
import weakref
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from dlpack_frames import DLPackFrame
from host_engine import HostEngine
from host_gpu import HostGpu, host_facts
from host_library import USER_MANAGED, Bench

from ovseg_ros.adapters.mix import AdapterMix, LoraFactors
from ovseg_ros.engine.base import Backend, RawResult, TextRows, load_backend
from ovseg_ros.engine.choice import REFERENCE
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.errors import (
    AdapterError,
    BackendError,
    FrameError,
    GpuMemoryError,
    QueryError,
)
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace, LabelSpec

PROFILE = EngineProfile((64, 48), (3, 8), (4, 16))


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture(scope="module")
def reference(package: ModelPackage, tmp_path_factory) -> Iterator[Backend]:
    with load_backend(package, REFERENCE, 0, tmp_path_factory.mktemp("cache")) as backend:
        yield backend


@pytest.fixture
def bench(package: ModelPackage, tmp_path: Path) -> Iterator[Bench]:
    bench = Bench(package, PROFILE, tmp_path)
    yield bench
    assert not bench.gpu.leaks and bench.gpu.closed, "something was not given back"


def rows(package: ModelPackage, count: int, seed: int = 0) -> TextRows:
    rng = np.random.default_rng((count, seed))
    bank = rng.standard_normal((count, package.card.embedding_dim)).astype(np.float32)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    codes = np.arange(1, count + 1, dtype=np.uint8)
    return TextRows(bank, codes, np.zeros(count, np.float32))


def factors(package: ModelPackage, rank: int, seed: int = 0) -> LoraFactors:
    rng = np.random.default_rng((rank, seed))
    widths = package.card.lora_widths
    a, b = (rng.normal(0, 0.05, (rank, width)).astype(np.float32) for width in widths)
    return LoraFactors(a, b)


def image(seed: int = 0) -> np.ndarray:
    coarse = np.random.default_rng(seed).integers(0, 256, (1, 6, 8, 3), np.uint8)
    return np.repeat(np.repeat(coarse, 8, axis=1), 8, axis=2)


def assert_same(wanted: RawResult, found: RawResult) -> None:
    assert found.mask.dtype == found.confidence.dtype == np.uint8
    assert found.mask.shape == wanted.mask.shape
    np.testing.assert_array_equal(found.mask, wanted.mask)
    assert np.abs(found.confidence.astype(int) - wanted.confidence).max() <= 1
    np.testing.assert_allclose(found.embedding, wanted.embedding, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("rank", [0, 1, 4, 5, 16])
@pytest.mark.parametrize("labels", [1, 2, 3, 4, 8])
def test_results_are_those_of_the_reference_at_every_edge_of_a_bucket(
    bench: Bench, reference: Backend, labels: int, rank: int
) -> None:
    results = []
    with bench.open() as engine:
        for each in (reference, engine):
            each.set_text(rows(bench.package, labels))
            each.set_adapter(factors(bench.package, rank) if rank else None)
            results.append(each.infer(image()))
    assert_same(*results)
    assert len(np.unique(results[0].mask)) > 1 or labels == 1, "a mask that shows nothing"


def test_queries_and_adapters_come_and_go_between_frames_without_a_trace(
    bench: Bench, reference: Backend
) -> None:
    steps = [(2, 0), (8, 0), (8, 16), (1, 3), (3, 3), (8, 0), (2, 0)]
    results: dict[tuple[int, int], RawResult] = {}
    with bench.open() as engine:
        for labels, rank in steps * 2:
            found = []
            for each in (reference, engine):
                each.set_text(rows(bench.package, labels))
                each.set_adapter(factors(bench.package, rank) if rank else None)
                found.append(each.infer(image(labels)))
            assert_same(*found)
            before = results.setdefault((labels, rank), found[1])
            assert np.array_equal(before.mask, found[1].mask)
            assert np.array_equal(before.confidence, found[1].confidence)
            assert np.array_equal(before.embedding, found[1].embedding)


def test_one_adapter_replaces_another_of_the_same_size(bench: Bench) -> None:
    with bench.open() as engine:
        engine.set_text(rows(bench.package, 3))

        def confidence(seed: int | None) -> np.ndarray:
            engine.set_adapter(None if seed is None else factors(bench.package, 4, seed))
            return engine.infer(image()).confidence

        base, first, second = confidence(None), confidence(1), confidence(2)
        assert not np.array_equal(base, first) and not np.array_equal(first, second)
        assert np.array_equal(first, confidence(1)) and np.array_equal(base, confidence(None))


def test_a_query_set_over_and_over_before_a_frame_is_the_last_one(
    bench: Bench, reference: Backend
) -> None:
    last = rows(bench.package, 3, seed=4)
    with bench.open() as engine:
        for seed in range(5):
            engine.set_text(rows(bench.package, 3, seed))
            engine.set_adapter(factors(bench.package, 4, seed))
        reference.set_text(last)
        reference.set_adapter(factors(bench.package, 4, 4))
        assert_same(reference.infer(image()), engine.infer(image()))


def test_a_result_stays_as_it_was_when_the_next_frame_comes(bench: Bench) -> None:
    with bench.open() as engine:
        engine.set_text(rows(bench.package, 3))
        first = engine.infer(image(1))
        kept = replace(first, mask=first.mask.copy(), embedding=first.embedding.copy())
        engine.infer(image(2))
        assert np.array_equal(first.mask, kept.mask)
        assert np.array_equal(first.embedding, kept.embedding)
    assert np.array_equal(first.embedding, kept.embedding), "it outlives the engine"


@pytest.mark.cuda_core
def test_frames_come_in_any_layout_and_from_other_libraries(
    bench: Bench, reference: Backend
) -> None:
    wide = np.concatenate([image(3), image(4)], axis=2)
    left = wide[:, :, :64]
    bgr = np.ascontiguousarray(image(5)[..., ::-1])[..., ::-1]
    on_gpu = DLPackFrame(image(6))
    reference.set_text(rows(bench.package, 3))
    reference.set_adapter(None)
    with bench.open() as engine:
        engine.set_text(rows(bench.package, 3))
        for sent, plain in ((left, image(3)), (bgr, image(5)), (on_gpu, image(6))):
            assert_same(reference.infer(plain), engine.infer(sent))
    assert on_gpu.streams == [bench.gpu.stream]


def test_each_bucket_is_recorded_once_and_a_frame_is_one_launch(bench: Bench) -> None:
    with bench.open() as engine:
        assert len(bench.engine.contexts) == len(PROFILE.buckets)
        assert all(context.how == USER_MANAGED for context in bench.engine.contexts)
        engine.set_text(rows(bench.package, 3))
        bench.gpu.launches = bench.gpu.copies = 0
        for count in (1, 2):
            engine.infer(image(count))
            assert (bench.gpu.launches, bench.gpu.copies) == (count, count)


def test_what_cannot_be_recorded_is_handed_over_as_it_is(bench: Bench, reference: Backend) -> None:
    reference.set_text(rows(bench.package, 3))
    reference.set_adapter(None)
    with bench.open(capturable=False) as engine:
        engine.set_text(rows(bench.package, 3))
        assert_same(reference.infer(image()), engine.infer(image()))
    assert bench.gpu.launches == 0


def test_the_library_for_rtx_records_by_itself_and_keeps_what_it_compiled(
    package: ModelPackage, tmp_path: Path, reference: Backend
) -> None:
    reference.set_text(rows(package, 3))
    reference.set_adapter(None)
    for attempt, accepted in enumerate((None, True)):
        bench = Bench(package, PROFILE, tmp_path, rtx=True)
        with bench.open(capturable=True) as engine:
            engine.set_text(rows(package, 3))
            assert_same(reference.infer(image()), engine.infer(image()))
            config = bench.engine.contexts[0].how
            assert config.cache.accepted is accepted, f"attempt {attempt}"
        assert bench.gpu.launches == 0, "two recordings, one within the other"
        assert config.strategy == USER_MANAGED
        assert config.cuda_graph_strategy == "whole graph"
        assert config.dynamic_shapes_kernel_specialization_strategy == "eager"
        assert not bench.gpu.leaks


def test_kernels_that_do_not_fit_are_compiled_again(package: ModelPackage, tmp_path: Path) -> None:
    path = tmp_path / "runtime" / "kernels.bin"
    path.parent.mkdir()
    path.write_bytes(b"of another driver")
    with Bench(package, PROFILE, tmp_path, rtx=True).open():
        assert path.read_bytes() == b"compiled kernels"


def test_a_cache_that_cannot_be_written_is_no_fault(package: ModelPackage, tmp_path: Path) -> None:
    (tmp_path / "runtime").write_text("a file where a folder was wanted")
    with Bench(package, PROFILE, tmp_path, rtx=True).open() as engine:
        engine.set_text(rows(package, 1))
        engine.infer(image())


@pytest.mark.cuda_core
def test_a_gpu_that_shares_the_memory_of_the_host_gets_no_copies(
    package: ModelPackage, tmp_path: Path, reference: Backend
) -> None:
    bench = Bench(package, PROFILE, tmp_path, HostGpu(host_facts(integrated=True)))
    reference.set_text(rows(package, 8))
    reference.set_adapter(None)
    with bench.open() as engine:
        engine.set_text(rows(package, 8))
        bench.gpu.copies = 0
        assert_same(reference.infer(image(1)), engine.infer(image(1)))
        assert bench.gpu.copies == 0
        assert_same(reference.infer(image(2)), engine.infer(DLPackFrame(image(2))))
    assert not bench.gpu.leaks


def test_capabilities_say_what_the_engine_was_built_for(bench: Bench) -> None:
    with bench.open() as engine:
        found = engine.capabilities
    assert (found.device, found.dtype) == ("cuda:0 Host double", "float16")
    assert (found.label_capacity, found.camera_px, found.profile) == (8, (64, 48), PROFILE)
    assert str(engine.choice) == "tensorrt fp16"


def test_what_the_engine_has_no_room_for_is_refused_and_the_old_stays(
    bench: Bench, reference: Backend
) -> None:
    with bench.open() as engine:
        with pytest.raises(BackendError, match="call set_text"):
            engine.infer(image())
        for each in (reference, engine):
            each.set_text(rows(bench.package, 2))
            each.set_adapter(factors(bench.package, 4))
        with pytest.raises(BackendError, match=r"at most 8: .* ovseg build --labels 3,8,9"):
            engine.set_text(rows(bench.package, 9))
        with pytest.raises(BackendError, match=r"at most 16: .* ovseg build --rank 4,16,17"):
            engine.set_adapter(factors(bench.package, 17))
        with pytest.raises(AdapterError, match="widths 2 and 3"):
            engine.set_adapter(LoraFactors(np.zeros((1, 2), "f4"), np.zeros((1, 3), "f4")))
        assert_same(reference.infer(image()), engine.infer(image()))


@pytest.mark.parametrize(
    ("shape", "message"),
    [
        ((1, 48, 80, 3), r"80x48 px was given, .* for 64x48; .* ovseg build --camera 80x48"),
        ((1, 64, 48, 3), "48x64 px was given"),
        ((2, 48, 64, 3), "a batch of 2 frames"),
        ((48, 64, 3), r"uint8 \[B, H, W, 3\] RGB was wanted"),
    ],
)
def test_frames_of_another_size_are_refused(bench: Bench, shape: tuple, message: str) -> None:
    with bench.open() as engine:
        engine.set_text(rows(bench.package, 3))
        with pytest.raises(FrameError, match=message):
            engine.infer(np.zeros(shape, np.uint8))
        engine.infer(image())


def test_closing_twice_is_harmless_and_nothing_keeps_the_engine(bench: Bench) -> None:
    backend = bench.open()
    backend.set_text(rows(bench.package, 3))
    backend.infer(image())
    engine = weakref.ref(bench.engine)
    bench.engine = None
    backend.close()
    backend.close()
    gc.collect()
    assert engine() is None and not bench.gpu.leaks


def test_frames_may_come_from_another_thread(bench: Bench) -> None:
    with bench.open() as engine:
        engine.set_text(rows(bench.package, 3))
        wanted, found = engine.infer(image()), []
        thread = threading.Thread(target=lambda: found.append(engine.infer(image())))
        thread.start()
        thread.join()
        assert_same(wanted, found[0])


def test_without_room_nothing_is_kept_and_the_message_says_how_much_is_missing(
    package: ModelPackage, tmp_path: Path
) -> None:
    used = Bench(package, PROFILE, tmp_path)
    with used.open():
        needed = sum(block.size for block in used.gpu.blocks)
    for share in (0.0, 0.3, 0.6, 0.99):
        bench = Bench(package, PROFILE, tmp_path, HostGpu(budget=int(needed * share)))
        with pytest.raises(GpuMemoryError, match=r"wants \d+ MB of GPU memory, \d+ of \d+ MB"):
            bench.open()
        assert not bench.gpu.leaks and bench.gpu.closed


@pytest.mark.parametrize("at", [0, 2])
@pytest.mark.parametrize(
    ("said", "kind"),
    [
        ("[executionContext.cpp] Error Code 2: OutOfMemory (requested 9 bytes)", GpuMemoryError),
        ("Error Code 1: Cuda Runtime (out of memory)", GpuMemoryError),
        ("Error Code 3: API Usage Error", BackendError),
    ],
)
def test_a_context_that_the_library_does_not_make_is_refused_in_its_words(
    package: ModelPackage, tmp_path: Path, monkeypatch, at: int, said: str, kind: type
) -> None:
    bench = Bench(package, PROFILE, tmp_path)
    plain = HostEngine.create_execution_context

    def failing(engine: HostEngine, how: object) -> object:
        made = plain(engine, how)
        if made is None:
            bench.library.messages.add(said)
        return made

    monkeypatch.setattr(HostEngine, "create_execution_context", failing)
    with pytest.raises(BackendError) as caught:
        bench.open(context_fails_at=at)
    assert type(caught.value) is kind and said in str(caught.value)
    assert not bench.gpu.leaks and bench.gpu.closed


def test_the_segmenter_refuses_what_the_engine_has_no_room_for_when_it_is_asked(
    bench: Bench,
) -> None:
    text = TextBank.load(bench.package)
    labels = [LabelSpec(f"thing {number}") for number in range(9)]
    with Segmenter(bench.package, bench.open(), text, IdSpace.MONO8) as segmenter:
        kept = segmenter.set_labels(labels[:8])
        with pytest.raises(QueryError, match=r"at most 8: .* ovseg build --labels 3,8,9"):
            segmenter.set_labels(labels)
        with pytest.raises(QueryError, match="model package takes at most 254"):
            segmenter.set_labels([LabelSpec(f"thing {number}") for number in range(255)])
        with pytest.raises(AdapterError, match=r"ovseg build --rank 4,16,20"):
            segmenter.set_adapter(AdapterMix(factors=factors(bench.package, 20)))
        result = segmenter.infer(image()[0])
        assert result.vocabulary is kept and result.label_mask.shape == (48, 64)
        assert segmenter.adapter_mix.factors is None
