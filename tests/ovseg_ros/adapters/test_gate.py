"""The gate: a scene is a domain's where the ball and the shape of the domain hold it."""

from __future__ import annotations

import math
from pathlib import Path

import numpy as np
import pytest
from small_adapters import SCENE_DIM, small_card, write_small

from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval import Retrieval, retrieve
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.shape import DomainShape

# Scenes of the domain differ in the first number alone.
SHAPE = DomainShape(np.eye(1, SCENE_DIM, dtype=np.float32) * np.float32(0.99), 0.1)
ALONG, BESIDE = ([1.5, 0.1], [0.1, 1.5])


def scene(numbers: list[float]) -> np.ndarray:
    return np.array([*numbers, *[0.0] * (SCENE_DIM - len(numbers))], np.float32)


@pytest.fixture
def library(tmp_path: Path) -> AdapterLibrary:
    write_small(tmp_path, "shaped", shape=SHAPE, centroid=scene([]), spread=1.0)
    return AdapterLibrary.open(tmp_path, small_card(), tmp_path)


def near(library: AdapterLibrary, numbers: list[float], gate: float = 1.4, **use) -> Retrieval:
    settings = RetrievalSettings(gate=gate)
    return retrieve(library.index, scene(numbers), settings, shape_of=library.shape, **use)


def test_a_scene_that_varies_as_those_of_the_domain_is_inside(library: AdapterLibrary) -> None:
    assert near(library, ALONG).names == ("shaped",)


def test_a_scene_beside_the_domain_is_the_base_model_and_says_so(library: AdapterLibrary) -> None:
    found = near(library, BESIDE)
    assert found.names == ()
    assert found.gate == (
        "no near adapter: the scene is 5.3 times as far off 'shaped' as those of its domain are; "
        "it takes part up to 1.4: base model"
    )
    assert found.nearest == pytest.approx(math.hypot(*BESIDE) / math.sqrt(SCENE_DIM))


def test_the_next_nearest_take_the_place_of_those_outside(library: AdapterLibrary) -> None:
    for name in ("wide", "wider"):
        write_small(library.folder, name, centroid=scene([0, -0.5]), spread=3.0)
    library.refresh()
    assert near(library, BESIDE).names == ("wide", "wider")
    assert near(library, ALONG).names == ("shaped", "wide", "wider")


@pytest.mark.parametrize(("in_use", "names"), [([], ()), (["shaped"], ("shaped",))])
def test_the_border_of_a_shape_is_wider_from_inside(
    library: AdapterLibrary, in_use: list[str], names: tuple[str, ...]
) -> None:
    border = [0.0, 1.3 * SHAPE.spread * math.sqrt(SCENE_DIM)]
    assert near(library, border, in_use=in_use, slack=0.2).names == names


def test_without_a_gate_no_file_is_read_for_its_shape(library: AdapterLibrary) -> None:
    library.path("shaped").unlink()
    assert near(library, BESIDE, gate=math.inf).names == ("shaped",)
