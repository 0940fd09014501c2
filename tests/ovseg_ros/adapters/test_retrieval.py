"""Retrieval: the published numbers, and what was added to them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_adapters import SCENE_DIM, small_card, write_domains, write_small

from ovseg_ros.adapters.distance import Distance, distances
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.retrieval import BaseDomain, entropy_bits, retrieve, softmax
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.errors import AdapterError

OPEN_GATE = RetrievalSettings(gate=math.inf)


def at(*numbers: float) -> np.ndarray:
    """Return an embedding that begins with `numbers`."""
    return np.array([*numbers, *[0.0] * (SCENE_DIM - len(numbers))], np.float32)


def library_of(folder: Path, *centroids: np.ndarray, spread: float = 1.0) -> AdapterLibrary:
    return write_domains(folder, [list(c) for c in centroids], spread)


def test_weights_are_those_that_were_published(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(11), at(8), at(9.5))
    found = retrieve(library.index, at(), RetrievalSettings.published())
    assert found.names == ("d1", "d2", "d0")
    assert found.distances == pytest.approx((8, 9.5, 11))
    assert found.weights == pytest.approx((0.4588, 0.3092, 0.2320), abs=5e-5)
    assert found.gate == ""


def test_shares_that_are_nothing_are_left_out(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(1), at(1.1), at(9))
    found = retrieve(library.index, at(), OPEN_GATE)
    assert found.names == ("d0", "d1")
    assert sum(found.weights) == pytest.approx(1)
    assert len(found.low) == len(found.high) == 3


def test_the_nearest_k_take_part_and_ties_go_by_name(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(3), at(1), at(2), at(-1), at(0, 1), at(9))
    for top_k, names in ((1, ("d1",)), (2, ("d1", "d3")), (4, ("d1", "d3", "d4", "d2"))):
        settings = RetrievalSettings(top_k=top_k, gate=math.inf, least_weight=0)
        assert retrieve(library.index, at(), settings).names == names


@pytest.mark.parametrize("distance", Distance)
def test_a_scene_on_a_centroid_overflows_nothing(tmp_path: Path, distance: Distance) -> None:
    library = library_of(tmp_path, at(1, 2), at(1, 2), at(3, -1))
    settings = RetrievalSettings(distance, temperature=1e-3, gate=math.inf)
    with np.errstate(all="raise", under="ignore"):
        found = retrieve(library.index, at(1, 2), settings)
    assert found.weights[:2] == pytest.approx((0.5, 0.5))
    assert found.distances[0] == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize(
    ("distance", "wanted"),
    [
        (Distance.EUCLIDEAN, [1.0, math.sqrt(2), 2.0]),
        (Distance.RMS, [1 / math.sqrt(8), 0.5, 2 / math.sqrt(8)]),
        (Distance.COSINE, [0.0, 1.0, 2.0]),
    ],
)
def test_distances(distance: Distance, wanted: list[float]) -> None:
    centroids = np.stack([at(2), at(0, 1), at(-1)])
    assert distances(centroids, at(1), distance) == pytest.approx(wanted, abs=1e-6)


def test_distances_of_many_are_those_of_each() -> None:
    rng = np.random.default_rng(0)
    centroids, scene = rng.standard_normal((5000, 16)), rng.standard_normal(16)
    found = distances(centroids, scene, Distance.EUCLIDEAN)
    assert np.allclose(found, np.linalg.norm(centroids - scene, axis=1))


def test_cosine_picks_the_nearest_direction(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(-1), at(5, 1), at(0, 1))
    settings = RetrievalSettings(Distance.COSINE, top_k=2, gate=math.inf, least_weight=0)
    found = retrieve(library.index, at(1), settings)
    assert found.names == ("d1", "d2")
    assert found.weights[0] > 0.9


@pytest.mark.parametrize("distance", Distance)
def test_far_from_everything_is_the_base_model(tmp_path: Path, distance: Distance) -> None:
    library = library_of(tmp_path, at(10), at(0, 10), spread=0.5)
    found = retrieve(library.index, at(-8, 2), RetrievalSettings(distance))
    assert (found.names, found.weights, found.distances) == ((), (), ())
    assert found.gate.startswith("no near adapter: the nearest, 'd1', is at ")
    assert found.gate.endswith(": base model")
    assert found.nearest > 0


@pytest.mark.parametrize("distance", Distance)
def test_the_gate_is_that_of_each_domain(tmp_path: Path, distance: Distance) -> None:
    write_small(tmp_path, "narrow", centroid=at(10), spread=0.1)
    write_small(tmp_path, "wide", centroid=at(10, -2), spread=1.0)
    library = AdapterLibrary.open(tmp_path, small_card(), tmp_path)
    found = retrieve(library.index, at(10, 1), RetrievalSettings(distance))
    assert found.names == ("wide",)


def test_an_adapter_in_use_stays_where_it_would_not_come_in(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(1.6 * math.sqrt(SCENE_DIM)))
    settings = RetrievalSettings(gate=1.7)
    assert retrieve(library.index, at(), settings).names == ("d0",)
    assert retrieve(library.index, at(), settings, slack=0.1).names == ()
    assert retrieve(library.index, at(), settings, in_use=["d0", "gone"], slack=0.1).names == (
        "d0",
    )


def test_an_adapter_that_knows_no_scenes_is_never_near(tmp_path: Path) -> None:
    write_small(tmp_path, "pinned", centroid=None, spread=None, count=0)
    library = AdapterLibrary.open(tmp_path, small_card(), tmp_path)
    for settings in (RetrievalSettings(), OPEN_GATE):
        found = retrieve(library.index, at(), settings)
        assert found.names == ()
        assert found.gate == "no adapter knows scenes of this package: base model"
    write_small(tmp_path, "fog", centroid=at(1))
    library.refresh()
    assert retrieve(library.index, at(), OPEN_GATE).names == ("fog",)


def test_the_base_model_competes_with_its_own_scenes(tmp_path: Path) -> None:
    library = library_of(tmp_path, at(4), at(0, 4))
    settings = RetrievalSettings(temperature=0.5, gate=math.inf)
    alone = retrieve(library.index, at(2, 2), settings)
    assert sum(alone.weights) == pytest.approx(1)
    base = BaseDomain(at(2, 2), 1.0)
    home = retrieve(library.index, at(2, 2), settings, base)
    assert (home.names, home.gate[:29]) == ((), "the scene is one that the bas")
    shared = retrieve(library.index, at(3, 1), settings, base)
    far = retrieve(library.index, at(9), settings, base)
    assert 0 < sum(shared.weights) < sum(far.weights) < 1
    assert shared.names == ("d0", "d1")


def test_an_empty_library_is_the_base_model(tmp_path: Path) -> None:
    library = AdapterLibrary.open(tmp_path, small_card(), tmp_path)
    assert retrieve(library.index, at(), OPEN_GATE).gate == "no adapters: base model"


def test_the_base_domain_is_on_the_card() -> None:
    assert BaseDomain.of(small_card()) is None
    found = BaseDomain.of(small_card(scene_center=[0.5] * SCENE_DIM, scene_spread=1))
    assert found is not None
    assert (found.centroid.dtype, found.spread) == (np.float32, 1.0)


@pytest.mark.parametrize(
    ("center", "spread"), [([1.0] * 3, 1), ([math.nan] * SCENE_DIM, 1), ([1.0] * 8, 0), ("x", 1)]
)
def test_a_base_domain_that_is_none_is_refused(center: Any, spread: float) -> None:
    with pytest.raises(AdapterError, match="scene_center and scene_spread that are not 8 finite"):
        BaseDomain.of(small_card(scene_center=center, scene_spread=spread))


@pytest.mark.parametrize(
    ("fields", "words"),
    [
        ({"temperature": 0}, "temperature is 0"),
        ({"temperature": math.inf}, "temperature is inf"),
        ({"gate": -1}, "gate is -1"),
        ({"gate": math.nan}, "gate is nan"),
        ({"top_k": 0}, "top_k is 0"),
        ({"least_weight": 0.5}, "least_weight is 0.5"),
    ],
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, Any], words: str) -> None:
    with pytest.raises(AdapterError, match=words):
        RetrievalSettings(**fields)


def test_softmax_of_large_scores() -> None:
    assert softmax(np.array([1e12, 1e12, 0.0])) == pytest.approx([0.5, 0.5, 0])


@pytest.mark.parametrize(
    ("weights", "bits"),
    [((), 0), ((1.0,), 0), ((0.5, 0.5), 1), ((0.25,) * 4, 2), ((0.5,), 1), ((0.0, 1.0), 0)],
)
def test_entropy_counts_the_share_of_the_base_model(
    weights: tuple[float, ...], bits: float
) -> None:
    assert entropy_bits(weights) == pytest.approx(bits)
