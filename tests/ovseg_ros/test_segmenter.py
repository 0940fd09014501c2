"""The segmenter on the embedded default: masks, queries, thresholds, adapters, threads."""

from __future__ import annotations

import threading
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from ovseg_ros import segmenter as segmenter_module
from ovseg_ros.adapters.mix import AdapterMix, LoraFactors
from ovseg_ros.engine.base import Backend, load_backend
from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice, Precision
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.errors import AdapterError, FrameError, GpuMemoryError, OvsegError, QueryError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace, LabelSpec


@pytest.fixture(scope="module")
def segmenter(tiny_package: Path) -> Iterator[Segmenter]:
    with Segmenter.open(tiny_package) as opened:
        yield opened


@pytest.fixture(scope="module")
def image() -> np.ndarray:
    """Sky above, grass below, with noise, so that labels differ."""
    rng = np.random.default_rng(0)
    picture = np.zeros((240, 320, 3), np.uint8)
    picture[:120], picture[120:] = (120, 170, 230), (60, 130, 50)
    return np.clip(picture + rng.integers(-20, 20, picture.shape), 0, 255).astype(np.uint8)


@pytest.mark.parametrize("size", [(240, 320), (480, 640), (1080, 1920), (33, 57), (1, 1)])
def test_mask_and_confidence_have_the_size_of_the_frame(
    segmenter: Segmenter, size: tuple[int, int]
) -> None:
    segmenter.set_query("sky; grass; car")
    result = segmenter.infer(np.full((*size, 3), 128, np.uint8))
    assert result.label_mask.shape == result.confidence.shape == size
    assert result.label_mask.dtype == result.confidence.dtype == np.uint8


def test_only_ids_of_the_query_appear_and_confidence_is_zero_without_label(
    segmenter: Segmenter, image: np.ndarray
) -> None:
    vocabulary = segmenter.set_query("grass=0.5; sky=0.5; !road")
    result = segmenter.infer(image)
    assert set(np.unique(result.label_mask)) <= {0, *vocabulary.by_id()}
    assert not result.confidence[result.label_mask == 0].any()
    assert result.vocabulary is vocabulary


def test_thresholds_bound_the_confidence(segmenter: Segmenter, image: np.ndarray) -> None:
    segmenter.set_query("grass=0; sky=0")
    everything = segmenter.infer(image)
    assert (everything.label_mask > 0).all()
    segmenter.set_query("grass=0.6; sky=0.6")
    some = segmenter.infer(image)
    assert some.confidence[some.label_mask > 0].min(initial=255) >= 0.6 * 255 - 1
    assert ((some.label_mask > 0) == (everything.confidence >= 0.6 * 255 + 0.5)).mean() > 0.99


def test_the_order_of_labels_does_not_matter(segmenter: Segmenter, image: np.ndarray) -> None:
    segmenter.set_query("sky=0; grass=0; car=0; building=0")
    first = segmenter.infer(image).label_mask
    segmenter.set_query("building=0; car=0; grass=0; sky=0")
    assert (segmenter.infer(image).label_mask == first).mean() > 0.9999


def test_a_refused_query_leaves_the_old_one(segmenter: Segmenter) -> None:
    before = segmenter.set_query("sky; grass")
    with pytest.raises(QueryError):
        segmenter.set_query("sky; sky")
    assert segmenter.vocabulary is before


def test_more_labels_than_the_package_takes_are_refused_with_both_numbers(
    segmenter: Segmenter,
) -> None:
    before = segmenter.set_query("sky; grass")
    with pytest.raises(QueryError, match=r"has 255 labels but .* takes at most 254; ask for fewer"):
        segmenter.set_query("; ".join(f"thing {i}" for i in range(255)))
    assert segmenter.vocabulary is before


def test_ids_above_255_need_mono16(tiny_package: Path, image: np.ndarray) -> None:
    with Segmenter.open(tiny_package, id_space=IdSpace.MONO16) as wide:
        for start in (0, 200):
            wide.set_query(";".join(f"thing {i}" for i in range(start, start + 200)))
        wide.set_query("sky=0; grass=0")
        result = wide.infer(image)
    assert result.label_mask.dtype == np.uint16
    assert set(np.unique(result.label_mask)) <= set(result.vocabulary.by_id())
    assert min(result.vocabulary.by_id()) > 255


def random_factors(segmenter: Segmenter, rank: int) -> LoraFactors:
    rng = np.random.default_rng(rank)
    a, b = (
        (0.1 * rng.standard_normal((rank, width))).astype(np.float32)
        for width in segmenter.package.card.lora_widths
    )
    return LoraFactors(a, b)


def test_adapters_change_the_mask_and_go_away_without_a_trace(
    segmenter: Segmenter, image: np.ndarray
) -> None:
    segmenter.set_query("sky=0; grass=0; road=0; building=0")
    segmenter.set_adapter(AdapterMix())
    base = segmenter.infer(image)
    segmenter.set_adapter(AdapterMix(factors=random_factors(segmenter, 8)))
    changed = segmenter.infer(image)
    segmenter.set_adapter(AdapterMix())
    again = segmenter.infer(image)
    assert (changed.confidence != base.confidence).any()
    assert np.array_equal(changed.embedding, base.embedding)
    assert np.array_equal(again.label_mask, base.label_mask)
    assert np.array_equal(again.confidence, base.confidence)


def test_rank_zero_is_the_base_model(segmenter: Segmenter, image: np.ndarray) -> None:
    segmenter.set_adapter(AdapterMix())
    base = segmenter.infer(image)
    segmenter.set_adapter(AdapterMix(factors=random_factors(segmenter, 0)))
    assert np.array_equal(segmenter.infer(image).confidence, base.confidence)
    segmenter.set_adapter(AdapterMix())


def test_factors_of_another_network_are_refused(segmenter: Segmenter) -> None:
    strange = LoraFactors(np.zeros((4, 7), np.float32), np.zeros((4, 9), np.float32))
    with pytest.raises(AdapterError, match="widths 7 and 9"):
        segmenter.backend.set_adapter(strange)


@pytest.mark.parametrize(
    "frame",
    [
        np.zeros((4, 4), np.uint8),
        np.zeros((4, 4, 4), np.uint8),
        np.zeros((4, 4, 3), np.float32),
        np.zeros((0, 4, 3), np.uint8),
        np.zeros((1, 9000, 3), np.uint8),
    ],
)
def test_frames_that_are_refused(segmenter: Segmenter, frame: np.ndarray) -> None:
    segmenter.set_query("sky")
    with pytest.raises(FrameError, match="wanted|accepted"):
        segmenter.infer(frame)


def test_a_frame_before_any_query_is_refused(tiny_package: Path, image: np.ndarray) -> None:
    with Segmenter.open(tiny_package) as empty, pytest.raises(OvsegError, match="no query is set"):
        empty.infer(image)


def test_a_frame_sees_all_of_a_query_or_none_of_it(segmenter: Segmenter, image: np.ndarray) -> None:
    stop = threading.Event()
    queries = ["sky=0; grass=0", "car=0; tree=0; building=0", "road=0"]

    def change() -> None:
        turn = 0
        while not stop.is_set():
            segmenter.set_query(queries[turn % len(queries)])
            turn += 1

    segmenter.set_query(queries[0])
    changer = threading.Thread(target=change)
    changer.start()
    try:
        for _ in range(15):
            result = segmenter.infer(image)
            assert set(np.unique(result.label_mask)) <= set(result.vocabulary.by_id())
    finally:
        stop.set()
        changer.join()


def test_a_mix_and_its_labels_come_into_force_together(
    segmenter: Segmenter, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Where the text tower has factors, no frame sees labels of one mix under another."""
    loaded: list[tuple[str, object]] = []
    backend, bank = segmenter.backend, segmenter.text_bank
    encode = bank.encode
    monkeypatch.setattr(
        bank, "encode", lambda labels, templates, factors: encode(labels, templates)
    )
    monkeypatch.setattr(backend, "set_text", lambda rows, f=backend.set_text: note("text", rows, f))
    monkeypatch.setattr(
        backend, "set_adapter", lambda ranks, f=backend.set_adapter: note("mix", ranks, f)
    )

    def note(what: str, value: object, load: Callable[[Any], None]) -> None:
        loaded.append((what, value))
        load(value)

    segmenter.set_query("sky=0; grass=0")
    segmenter.infer(image)
    plain, worded = random_factors(segmenter, 2), random_factors(segmenter, 3)
    loaded.clear()
    segmenter.set_adapter(AdapterMix(factors=plain, text_factors=worded))
    assert loaded == [], "nothing changes during a frame"
    vocabulary = segmenter.infer(image).vocabulary
    assert [what for what, _ in loaded] == ["text", "mix"]
    segmenter.set_adapter(AdapterMix(factors=plain, text_factors=worded, gate="as before"))
    result = segmenter.infer(image)
    assert len(loaded) == 2, "a mix that only says something else is not loaded again"
    assert (result.adapter_mix.gate, result.vocabulary) == ("as before", vocabulary)
    segmenter.set_adapter(AdapterMix())
    segmenter.infer(image)
    assert [what for what, _ in loaded[2:]] == ["text", "mix"]


def test_a_mix_that_the_engine_does_not_take_leaves_the_old_one(
    segmenter: Segmenter, image: np.ndarray, monkeypatch: pytest.MonkeyPatch
) -> None:
    segmenter.set_query("sky=0; grass=0")
    before = AdapterMix(gate="before")
    segmenter.set_adapter(before)
    strange = LoraFactors(np.zeros((4, 7), np.float32), np.zeros((4, 9), np.float32))
    with pytest.raises(AdapterError, match="widths 7 and 9"):
        segmenter.set_adapter(AdapterMix(factors=strange))
    with pytest.raises(AdapterError, match="takes none"):
        segmenter.set_adapter(AdapterMix(text_factors=strange))
    small = EngineProfile((320, 240), rank_buckets=(4, 8))
    limited = replace(segmenter.backend.capabilities, profile=small)
    monkeypatch.setattr(segmenter.backend, "capabilities", limited)
    with pytest.raises(AdapterError, match="rank 9 was asked for.*ovseg build --rank 4,8,9"):
        segmenter.set_adapter(AdapterMix(factors=random_factors(segmenter, 9)))
    assert segmenter.infer(image).adapter_mix is before


def test_the_fallback_opens_when_the_memory_of_the_first_engine_is_free_again(
    tiny_package: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    gpu = EngineChoice(BackendName.TENSORRT, Precision.FP16)
    tried: list[EngineChoice] = []

    class Held:
        """What a failed engine holds as long as its error is looked at."""

    alive: list[weakref.ref[Held]] = []

    def open_or_fail(package: ModelPackage, engine: EngineChoice, *_: object) -> Backend:
        tried.append(engine)
        if engine == gpu:
            held = Held()
            alive.append(weakref.ref(held))
            raise GpuMemoryError("the GPU is full")
        assert alive[-1]() is None, "the failed engine is still held"
        return load_backend(package, engine, 0, tiny_package)

    monkeypatch.setattr(segmenter_module, "open_backend", open_or_fail)
    with pytest.raises(GpuMemoryError):
        Segmenter.open(tiny_package, engine=gpu)
    with Segmenter.open(tiny_package, engine=gpu, fallback=REFERENCE) as opened:
        assert opened.backend.choice == REFERENCE
    assert tried == [gpu, gpu, REFERENCE]


def shifted(image: np.ndarray, count: int) -> list[np.ndarray]:
    return [np.roll(image, 37 * number, axis=1) for number in range(count)]


def test_a_batch_gives_what_single_frames_give(segmenter: Segmenter, image: np.ndarray) -> None:
    """To the bit on this engine: frames of one size together, in whichever order they came."""
    segmenter.set_query("sky=0; grass=0; road; building")
    segmenter.set_adapter(AdapterMix(factors=random_factors(segmenter, 4)))
    frames = [*shifted(image, 3), np.ascontiguousarray(image[:, :200]), image]
    batch = segmenter.infer_batch(frames)
    segmenter_frames = [segmenter.infer(frame) for frame in frames]
    segmenter.set_adapter(AdapterMix())
    for together, alone in zip(batch, segmenter_frames, strict=True):
        assert np.array_equal(together.label_mask, alone.label_mask)
        assert np.array_equal(together.confidence, alone.confidence)
        assert np.allclose(together.embedding, alone.embedding, atol=1e-5)


def test_mono16_ids_are_those_of_the_query_in_a_batch(
    tiny_package: Path, image: np.ndarray
) -> None:
    with Segmenter.open(tiny_package, id_space=IdSpace.MONO16) as wide:
        wide.set_labels([LabelSpec("sky", pinned_id=300), LabelSpec("grass", pinned_id=700)])
        found = wide.infer_batch(shifted(image, 2))
    assert all(set(np.unique(each.label_mask)) <= {0, 300, 700} for each in found)


@pytest.mark.parametrize(
    "choice",
    [
        pytest.param("openvino:fp32", marks=pytest.mark.openvino),
        pytest.param("torch:fp32@cpu", marks=pytest.mark.torch),
    ],
)
def test_other_engines_take_batches_as_well(
    tiny_package: Path, tmp_path: Path, image: np.ndarray, choice: str
) -> None:
    """Up to ties of rounding: other kernels may run for another number of frames."""
    package = ModelPackage.load(tiny_package)
    backend = load_backend(package, EngineChoice.parse(choice), 1, tmp_path)
    bank = TextBank.load(package)
    frames = shifted(image, 3)
    with Segmenter(package, backend, bank, IdSpace.MONO8) as other:
        other.set_query("sky=0; grass=0; road; building")
        batch = other.infer_batch(frames)
        for together, frame in zip(batch, frames, strict=True):
            alone = other.infer(frame)
            assert (together.label_mask != alone.label_mask).mean() < 1e-4
            difference = together.confidence.astype(int) - alone.confidence.astype(int)
            assert np.mean(np.abs(difference) > 1) < 1e-4


def test_a_camera_may_have_a_query_of_its_own_and_give_it_up(
    segmenter: Segmenter, image: np.ndarray
) -> None:
    common = segmenter.set_query("sky=0; grass=0")
    own = segmenter.set_labels([LabelSpec("grass"), LabelSpec("pallet", threshold=0.0)], (), "rear")
    ids = {label.name: label.id for label in (*common.labels, *own.labels)}
    assert own.by_id()[ids["grass"]].name == common.by_id()[ids["grass"]].name == "grass"
    assert segmenter.vocabulary is common
    assert (segmenter.has_own_query("rear"), segmenter.has_own_query("front")) == (True, False)
    for camera, vocabulary in (("rear", own), ("front", common), ("", common), ("rear", own)):
        found = segmenter.infer_batch([image], camera)[0]
        assert found.vocabulary is vocabulary
        assert set(np.unique(found.label_mask)) <= {0, *vocabulary.by_id()}
    renewed = segmenter.follow_common_query("rear")
    assert renewed.labels == common.labels
    assert renewed.revision > own.revision, "frames under the dropped query are known to be older"
    assert segmenter.infer(image, "rear").vocabulary is renewed is segmenter.vocabulary


def test_without_a_common_query_there_is_nothing_to_follow(tiny_package: Path) -> None:
    with Segmenter.open(tiny_package) as empty:
        empty.set_labels([LabelSpec("car")], (), "rear")
        with pytest.raises(QueryError, match="camera 'rear' cannot follow"):
            empty.follow_common_query("rear")
        assert empty.has_own_query("rear")
        with pytest.raises(OvsegError, match="no query is set"):
            empty.infer(np.zeros((32, 32, 3), np.uint8), "front")
