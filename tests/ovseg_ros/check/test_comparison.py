"""That the comparison passes equal engines, and that each kind of fault fails its own row."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from generated_drive import NAMES, write_drive

from ovseg_ros.check.comparison import Pair, compare, cosine
from ovseg_ros.check.material import Material, material_from_bag, material_from_images
from ovseg_ros.engine.base import Backend, RawResult, load_backend
from ovseg_ros.engine.choice import REFERENCE
from ovseg_ros.image_files import encode_png
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.text.bank import TextBank
from ovseg_ros.vocabulary import IdSpace

Fault = Callable[[RawResult], RawResult]


class Faulty:
    """A real backend whose results, or whose adapters, go wrong in one chosen way."""

    def __init__(
        self,
        engine: Backend,
        fault: Fault,
        adapters: str = "taken",
        camera_px: tuple[int, int] | None = None,
    ) -> None:
        self._engine, self._fault, self._adapters = engine, fault, adapters
        self._switches = 0
        self.choice = engine.choice
        self.capabilities = replace(engine.capabilities, camera_px=camera_px)
        self.set_text, self.close = engine.set_text, engine.close

    def set_adapter(self, factors) -> None:
        self._switches += 1
        self._engine.set_adapter(None if self._adapters == "ignored" else factors)

    def infer(self, images: np.ndarray) -> RawResult:
        camera_px = self.capabilities.camera_px
        assert camera_px in (None, images.shape[2:0:-1])
        result = self._fault(self._engine.infer(images))
        if self._adapters == "leave a trace":
            return replace(result, embedding=result.embedding * (1 + 1e-6 * self._switches))
        return result


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "bag", frames=6)


@pytest.fixture(scope="module")
def opened(tiny_package: Path) -> Iterator[Callable[..., Segmenter]]:
    package = ModelPackage.load(tiny_package)
    text_bank = TextBank.load(package)

    def open_one(
        fault: Fault = lambda result: result,
        adapters: str = "taken",
        camera_px: tuple[int, int] | None = None,
    ) -> Segmenter:
        engine = load_backend(package, REFERENCE, 0, tiny_package)
        return Segmenter(
            package, Faulty(engine, fault, adapters, camera_px), text_bank, IdSpace.MONO8
        )

    yield open_one


def failed(opened, material: Material, *fault) -> set[str]:
    with opened() as reference, opened(*fault) as candidate:
        rows = compare(Pair(reference, candidate), material)
    return {row.name.partition(" (")[0] for row in rows if not row.met}


def test_equal_engines_differ_in_nothing(opened, drive: Path) -> None:
    with opened() as reference, opened() as candidate:
        rows = compare(Pair(reference, candidate), material_from_bag(drive, 3))
    assert [row.name.partition(" (")[0] for row in rows] == [
        "embedding cosine, lowest",
        "mask agreement, frames",
        "confidence error, frames",
        "mask agreement, noise",
        "confidence error, noise",
        "mask agreement, adapters",
        "confidence error, adapters",
        "difference of adapter A after A, B, A",
        "mean IoU lost",
    ]
    assert all(row.met for row in rows)
    assert [row.found for row in rows] == pytest.approx([1, 1, 0, 1, 0, 1, 0, 0, 0])


MASKS = {"mask agreement, frames", "mask agreement, noise", "mask agreement, adapters"}
CONFIDENCES = {name.replace("mask agreement", "confidence error") for name in MASKS}


@pytest.mark.parametrize(
    ("fault", "rows"),
    [
        pytest.param(
            (lambda r: replace(r, mask=r.mask ^ 1),), {*MASKS, "mean IoU lost"}, id="other ids"
        ),
        pytest.param(
            (lambda r: replace(r, confidence=255 - r.confidence),), CONFIDENCES, id="inverted"
        ),
        pytest.param(
            (lambda r: replace(r, embedding=r.embedding[:, ::-1]),),
            {"embedding cosine, lowest"},
            id="embedding",
        ),
        pytest.param(
            (lambda r: r, "leave a trace"),
            {"difference of adapter A after A, B, A"},
            id="a trace of the adapter before",
        ),
    ],
)
def test_each_fault_fails_its_rows(opened, drive: Path, fault: tuple, rows: set[str]) -> None:
    assert failed(opened, material_from_bag(drive, 3), *fault) == rows


def test_an_engine_for_one_size_sees_frames_of_that_size_alone(opened, drive: Path) -> None:
    with opened() as reference, opened(camera_px=(200, 120)) as candidate:
        rows = compare(Pair(reference, candidate), material_from_bag(drive, 2))
    assert rows and all(row.met for row in rows)


def test_an_engine_deaf_to_adapters_fails(opened, drive: Path) -> None:
    found = failed(opened, material_from_bag(drive, 3), lambda r: r, "ignored")
    assert found and found <= {"mask agreement, adapters", "confidence error, adapters"}


@pytest.mark.parametrize(
    ("truth", "labels", "names"),
    [(True, "a; b", tuple(NAMES.values())), (False, "car; tree", ("car", "tree"))],
)
def test_a_bag_brings_its_own_classes_where_it_has_ground_truth(
    tmp_path: Path, truth: bool, labels: str, names: tuple[str, ...]
) -> None:
    bag = write_drive(tmp_path / "bag", frames=5, truth=truth)
    material = material_from_bag(bag, 2, labels)
    assert tuple(spec.name for spec in material.specs) == names
    assert [frame.truth is not None for frame in material] == [truth] * 2


def test_images_of_a_folder_are_spread_over_it(tmp_path: Path) -> None:
    for value in range(6):
        (tmp_path / f"{value}.png").write_bytes(encode_png(np.full((4, 4), value, np.uint8)))
    material = material_from_images(tmp_path, 3)
    assert [int(frame.image[0, 0, 0]) for frame in material] == [0, 2, 4]


@pytest.mark.parametrize(
    ("first", "second", "wanted"),
    [([1, 0], [2, 0], 1), ([1, 0], [0, 1], 0), ([0, 0], [0, 0], 1), ([0, 0], [1, 0], 0)],
)
def test_cosine(first: list[float], second: list[float], wanted: float) -> None:
    assert cosine(np.float32(first), np.float32(second)) == pytest.approx(wanted)
