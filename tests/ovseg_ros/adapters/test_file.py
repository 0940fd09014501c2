"""One adapter file: what is written is read back, and what cannot be right is refused."""

from __future__ import annotations

import json
import pickle
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file
from small_adapters import (
    SCENE_DIM,
    SITES,
    TARGET,
    TEXT_SITES,
    drawn,
    small_card,
    small_factors,
    small_info,
    write_small,
)

from ovseg_ros.adapters.adapter import AdapterTarget
from ovseg_ros.adapters.factors import SiteFactors, slices_of
from ovseg_ros.adapters.file import add_file, read_adapter, read_info, read_shape, write_adapter
from ovseg_ros.adapters.header import KEY, header_text
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.errors import AdapterError


def spoil(path: Path, header: dict[str, Any] | None = None, **tensors: Any) -> None:
    """Write the file at `path` again with other entries in its header or other tensors."""
    fields = json.loads(header_text(read_info(path, TARGET))) | (header or {})
    kept = {k: v for k, v in {**load_file(path), **tensors}.items() if v is not None}
    save_file(kept, path, metadata={KEY: json.dumps(fields)})


def key(site: str, factor: str) -> str:
    return f"base_model.model.{site}.lora_{factor}.weight"


def test_what_is_written_is_read_back(tmp_path: Path) -> None:
    info = small_info()
    path = write_adapter(tmp_path, info, small_factors(info), TARGET)
    found = read_info(path, TARGET)
    assert path.name == "fog.safetensors"
    assert np.array_equal(found.centroid, info.centroid)
    assert replace(found, centroid=None) == replace(info, centroid=None)
    assert [file.name for file in tmp_path.iterdir()] == ["fog.safetensors"]


def test_keys_are_those_of_peft(tmp_path: Path) -> None:
    tensors = load_file(write_small(tmp_path))
    assert set(tensors) == {key(site.name, factor) for site in SITES for factor in "AB"}
    assert tensors[key("neck", "A")].shape == (2, 3)
    assert tensors[key("neck", "B")].shape == (5, 2)


def test_packed_factors_make_the_change_of_the_file(tmp_path: Path) -> None:
    info = small_info(sites=(SITES[1].name, TEXT_SITES[0].name))
    factors = small_factors(info)
    adapter = read_adapter(write_adapter(tmp_path, info, factors, TARGET), TARGET)
    assert adapter.text_factors is not None
    for sites, packed in ((SITES, adapter.factors), (TEXT_SITES, adapter.text_factors)):
        for name, at_a, at_b in slices_of(sites):
            change = packed.b[:, at_b].T @ packed.a[:, at_a]
            wanted = np.zeros_like(change)
            if name in factors:
                wanted = info.alpha / info.rank * factors[name].b @ factors[name].a
            assert np.allclose(change, wanted, atol=1e-6), name


def test_an_adapter_without_text_sites_changes_no_text(tmp_path: Path) -> None:
    assert read_adapter(write_small(tmp_path), TARGET).text_factors is None


def test_float16_is_read_as_float32(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    spoil(path, **{k: v.astype(np.float16) for k, v in load_file(path).items()})
    assert read_adapter(path, TARGET).factors.a.dtype == np.float32


NOT_A_NUMBER = np.full((2, 3), np.nan, np.float32)
SPOILT = [
    pytest.param({"name": "../fog"}, {}, "is no name for an adapter", id="name"),
    pytest.param({"format": 9}, {}, "format 9 was found, this program reads 1", id="format"),
    pytest.param({"rank": 3}, {}, r"has the shape \[2, 3\], \[3, 3\] was wanted", id="rank"),
    pytest.param({"rank": 0}, {}, "'rank' is 0", id="no-rank"),
    pytest.param({"rank": True}, {}, "'rank' is True; a value of type int", id="flag"),
    pytest.param({"alpha": -1}, {}, "'alpha' is -1", id="alpha"),
    pytest.param({"alpha": float("inf")}, {}, "'alpha' is inf", id="endless-alpha"),
    pytest.param({"base_sha256": "f" * 64}, {}, "other weights: base ffffffffffff", id="base"),
    pytest.param({"embedding_space": "x"}, {}, "of the embedding space 'x'", id="space"),
    pytest.param({"centroid": [0.5] * 4}, {}, "a centroid of 4 numbers.* has 8", id="dimension"),
    pytest.param({"centroid": ["a"]}, {}, "'centroid' is something else", id="no-centroid"),
    pytest.param({"centroid": [float("nan")] * 8}, {}, "'centroid' is NaN", id="nan-centroid"),
    pytest.param({"centroid": None}, {}, "'spread' is 0.5", id="spread-alone"),
    pytest.param({"spread": 0}, {}, "has a spread of 0, so no frame", id="zero-spread"),
    pytest.param({"spread": float("nan")}, {}, "a spread of nan", id="nan-spread"),
    pytest.param({"count": 0}, {}, "'count' is 0", id="no-frames"),
    pytest.param({"sites": []}, {}, "'sites' is 0 names", id="no-sites"),
    pytest.param({"sites": ["neck", "neck"]}, {}, "none twice", id="site-twice"),
    pytest.param({"sites": ["neck"]}, {}, "2 are not of its sites", id="unlisted-site"),
    pytest.param({"sites": ["neck", "head"]}, {}, "1 sites that package 'small'", id="site"),
    pytest.param({}, {key("neck", "A"): None}, "1 tensors are missing", id="missing-key"),
    pytest.param({}, {"other": np.ones(3, np.float32)}, "1 are not of its sites", id="extra-key"),
    pytest.param(
        {},
        {key("neck", "A"): np.ones((2, 9), np.float32)},
        r"has the shape \[2, 9\], \[2, 3\] was wanted",
        id="shape",
    ),
    pytest.param({}, {key("neck", "A"): np.ones((2, 3), np.int32)}, "is of type I32", id="type"),
]


@pytest.mark.parametrize(("header", "tensors", "words"), SPOILT)
def test_a_header_at_fault_is_refused(
    tmp_path: Path, header: dict[str, Any], tensors: dict[str, Any], words: str
) -> None:
    path = write_small(tmp_path)
    spoil(path, header, **tensors)
    with pytest.raises(AdapterError, match=words):
        read_info(path, TARGET)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (NOT_A_NUMBER, "NaN or infinity at the site 'neck'"),
        (np.full((2, 3), np.inf, np.float32), "NaN or infinity"),
        (np.full((2, 3), 400.0, np.float32), "explodes at the site 'neck'"),
        (np.full((2, 3), 2e3, np.float32), "values up to 4e"),
    ],
)
def test_factors_of_a_diverged_training_are_refused(
    tmp_path: Path, values: np.ndarray, words: str
) -> None:
    path = write_small(tmp_path)
    spoil(path, **{key("neck", "A"): values})
    read_info(path, TARGET)
    with pytest.raises(AdapterError, match=words):
        read_adapter(path, TARGET)


SHAPE = DomainShape(np.eye(3, SCENE_DIM, dtype=np.float32), 0.25)


def test_the_shape_of_the_domain_is_read_back(tmp_path: Path) -> None:
    path = write_small(tmp_path, shape=SHAPE)
    found = read_shape(path, TARGET)
    assert found is not None and found.spread == SHAPE.spread
    assert np.array_equal(found.axes, SHAPE.axes)
    assert read_shape(write_small(tmp_path, "plain"), TARGET) is None
    assert read_adapter(path, TARGET).factors.rank == 2, "it is no factor"


@pytest.mark.parametrize(
    ("tensors", "words"),
    [
        ({"scene_axes_spread": None}, "1 tensors are missing"),
        ({"scene_axes": None}, "1 tensors are missing"),
        ({"scene_axes": np.ones((3, 9), np.float32)}, r"shape \[3, 9\], \[3, 8\] was wanted"),
        ({"scene_axes": np.ones((), np.float32)}, r"shape \[\], \[0, 8\] was wanted"),
        ({"scene_axes": np.full((1, 8), np.nan, np.float32)}, "numbers that are not finite"),
        ({"scene_axes": np.full((1, 8), 7, np.float32)}, "an axis that is longer than 1"),
        ({"scene_axes_spread": np.zeros(1, np.float32)}, "a spread that is not above 0"),
    ],
)
def test_a_shape_at_fault_is_refused(tmp_path: Path, tensors: dict[str, Any], words: str) -> None:
    path = write_small(tmp_path, shape=SHAPE)
    spoil(path, **tensors)
    for read in (read_shape, read_adapter):
        with pytest.raises(AdapterError, match=words):
            read(path, TARGET)


def truncate(path: Path) -> None:
    path.write_bytes(path.read_bytes()[:-8])


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        pytest.param(lambda p: p.unlink(), "cannot read", id="missing"),
        pytest.param(lambda p: p.write_bytes(b""), "is empty", id="empty"),
        pytest.param(truncate, "is truncated or damaged", id="truncated"),
        pytest.param(lambda p: p.write_bytes(p.read_bytes()[:40]), "truncated", id="header-cut"),
        pytest.param(lambda p: p.write_bytes(pickle.dumps({"a": 1})), "a pickle", id="pickle"),
        pytest.param(lambda p: p.write_bytes(b"<html>"), "a web page", id="web-page"),
        pytest.param(
            lambda p: save_file({"a": np.ones(1)}, p), "has no entry 'ovseg_adapter'", id="other"
        ),
        pytest.param(
            lambda p: save_file({"a": np.ones(1)}, p, metadata={KEY: "{"}), "no JSON", id="json"
        ),
        pytest.param(
            lambda p: save_file({"a": np.ones(1)}, p, metadata={KEY: "[]"}), "no mapping", id="list"
        ),
    ],
)
def test_a_file_that_is_no_adapter_is_refused(tmp_path: Path, damage: Any, words: str) -> None:
    path = write_small(tmp_path)
    damage(path)
    with pytest.raises(AdapterError, match=words):
        read_info(path, TARGET)


def test_a_package_without_a_hash_of_its_weights_takes_no_adapter(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    with pytest.raises(AdapterError, match="names no base_sha256"):
        read_info(path, AdapterTarget.of(small_card(base_sha256="")))


@pytest.mark.parametrize(
    ("changes", "factor"),
    [({"spread": 0.0}, 1.0), ({"base_sha256": "other"}, 1.0), ({}, np.nan), ({}, 1e6)],
)
def test_what_could_not_be_read_is_not_written(
    tmp_path: Path, changes: dict[str, Any], factor: float
) -> None:
    info = small_info(**changes)
    factors = {k: SiteFactors(a * factor, b) for k, (a, b) in small_factors(info).items()}
    with pytest.raises(AdapterError):
        write_adapter(tmp_path, info, factors, TARGET)
    assert list(tmp_path.iterdir()) == []


def test_a_name_is_taken_once(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    with pytest.raises(AdapterError, match="the name 'fog' is taken"):
        write_small(tmp_path)
    with pytest.raises(AdapterError, match="the name 'fog' is taken"):
        add_file(path, tmp_path, TARGET)
    info = small_info(count=3)
    write_adapter(tmp_path, info, small_factors(info), TARGET, replace=True)
    assert read_info(path, TARGET).count == 3


def test_a_file_is_added_under_its_own_name(tmp_path: Path) -> None:
    path = write_small(tmp_path)
    moved = path.rename(tmp_path / "download.safetensors")
    (tmp_path / "library").mkdir()
    added = add_file(moved, tmp_path / "library", TARGET)
    assert added.name == "fog.safetensors"
    assert added.read_bytes() == moved.read_bytes()


def test_drawn_numbers_follow_from_the_name() -> None:
    assert np.array_equal(drawn("a", 3), drawn("a", 3))
