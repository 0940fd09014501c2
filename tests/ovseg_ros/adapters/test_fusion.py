"""Fusion is exact: the fused change is the sum of the weighted changes, to float precision."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from small_adapters import SITES, TARGET, TEXT_SITES, drawn, small_factors, small_info, write_small

from ovseg_ros.adapters.adapter import Adapter
from ovseg_ros.adapters.factors import slices_of
from ovseg_ros.adapters.file import read_adapter, write_adapter
from ovseg_ros.adapters.fusion import fitting, fuse, mixed
from ovseg_ros.adapters.mix import AdapterMode, LoraFactors
from ovseg_ros.errors import AdapterError

WEIGHTS = (0.4588, 0.3092, 0.2320)


def adapters(folder: Path) -> list[Adapter]:
    ranks = {"acdc-fog": 2, "acdc-night": 5, "cs-normal": 1}
    return [
        read_adapter(write_small(folder, name, rank=rank), TARGET) for name, rank in ranks.items()
    ]


def change(factors: LoraFactors, at_a: slice, at_b: slice) -> np.ndarray:
    return factors.b[:, at_b].astype(np.float64).T @ factors.a[:, at_a].astype(np.float64)


def test_fused_is_the_sum_of_the_parts(tmp_path: Path) -> None:
    parts = [adapter.factors for adapter in adapters(tmp_path)]
    fused = fuse(parts, WEIGHTS)
    assert fused is not None
    assert fused.rank == 8
    for name, at_a, at_b in slices_of(SITES):
        wanted = sum(w * change(p, at_a, at_b) for p, w in zip(parts, WEIGHTS, strict=True))
        assert np.allclose(change(fused, at_a, at_b), wanted, rtol=1e-6, atol=1e-6), name


def test_one_adapter_of_weight_1_is_itself(tmp_path: Path) -> None:
    (part, *_) = (adapter.factors for adapter in adapters(tmp_path))
    fused = fuse([part], [1.0])
    assert fused is not None
    assert np.array_equal(fused.a, part.a) and np.array_equal(fused.b, part.b)


@pytest.mark.parametrize("weights", [(), (0.0, 0.0, 0.0)])
def test_nothing_is_the_base_model(tmp_path: Path, weights: tuple[float, ...]) -> None:
    parts = [adapter.factors for adapter in adapters(tmp_path)][: len(weights)]
    assert fuse(parts, weights) is None


def test_parts_of_other_packages_are_refused() -> None:
    one, other = (LoraFactors(drawn("a", 2, w), drawn("b", 2, 3)) for w in (4, 5))
    with pytest.raises(AdapterError, match="cannot be fused"):
        fuse([one, other], [0.5, 0.5])


@pytest.mark.parametrize(
    ("ranks", "most", "places"),
    [
        ((8, 8, 8), None, [0, 1, 2]),
        ((8, 8, 8), 24, [0, 1, 2]),
        ((8, 8, 8), 23, [0, 1]),
        ((8, 16, 4), 12, [0, 2]),
        ((16, 8), 8, [1]),
        ((16,), 8, []),
        ((), 8, []),
    ],
)
def test_the_nearest_that_fit_into_the_engine(
    ranks: tuple[int, ...], most: int | None, places: list[int]
) -> None:
    assert fitting(ranks, most) == places


def test_a_mix_fuses_the_text_factors_of_those_that_have_some(tmp_path: Path) -> None:
    info = small_info("with-text", sites=(SITES[0].name, TEXT_SITES[0].name))
    path = write_adapter(tmp_path, info, small_factors(info), TARGET)
    plain = adapters(tmp_path)[0]
    mix = mixed(AdapterMode.PINNED, [read_adapter(path, TARGET), plain], (0.25, 0.5), (1, 2), "")
    assert (mix.names, mix.weights) == (("with-text", "acdc-fog"), (0.25, 0.5))
    assert mix.factors is not None and mix.text_factors is not None
    assert (mix.factors.rank, mix.text_factors.rank) == (4, 2)
    assert mixed(AdapterMode.AUTO, [plain], (1.0,), (1,), "").text_factors is None
