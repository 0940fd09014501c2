"""Adapters that SemLA published, imported: their effect there is their effect here."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from safetensors.numpy import load_file  # noqa: E402
from small_networks import build  # noqa: E402

from ovseg_ros.adapters.file import keys_of  # noqa: E402
from ovseg_ros.adapters.semla import read_published  # noqa: E402
from ovseg_ros.models.catseg import CatSeg  # noqa: E402
from ovseg_ros.models.catseg_layout import (  # noqa: E402
    from_published,
    published_name,
    to_published,
)
from ovseg_ros.models.lora import lora_sites  # noqa: E402
from ovseg_ros.models.merge import merged_weights  # noqa: E402
from ovseg_ros.models.parity import semla  # noqa: E402
from ovseg_ros.models.parity.cases import find_cases  # noqa: E402
from ovseg_ros.models.parity.catseg import CatSegParity  # noqa: E402

pytestmark = pytest.mark.torch
FUSED = semla.fused_weights()


@pytest.fixture(scope="module")
def references(shared_dir: Path) -> Path:
    folder = shared_dir / "parity"
    if not (folder / "semla_large" / "adapter_keys.json").is_file():
        pytest.skip("the reference outputs are not in ../shared/parity")
    return folder


def test_the_fused_weights_are_those_recorded() -> None:
    assert [name for name, _ in FUSED] == ["acdc-fog", "acdc-night", "cs-normal"]
    assert [w for _, w in FUSED] == pytest.approx([0.4588, 0.3092, 0.2320], abs=5e-5)


def run(network: CatSeg, lora: Mapping) -> torch.Tensor:
    generator = torch.Generator().manual_seed(3)
    x = torch.randn(1, 3, 32, 32, generator=generator)
    ids = torch.randint(1, 400, (3, 9), generator=generator)
    with torch.no_grad():
        return network(x, network.encode_text(ids, lora), lora)


def merged(network: CatSeg, adapters: tuple[tuple[str, float], ...]) -> CatSeg:
    """Return the network with the effective change of each adapter in its weights."""
    weights = to_published(network)
    for adapter, share in adapters:
        for name, site in lora_sites(network):
            if name.startswith(("image.", "text.")) and ".attn." in name:
                continue
            key = published_name(name)
            a, b = (
                semla.drawn(adapter, k, s)
                for k, s in zip(keys_of(key), ((8, site.c_in), (site.c_out, 8)), strict=True)
            )
            change = 2.0 * 0.05 * b @ a / np.sqrt(site.c_in)
            weight = weights[f"{key}.weight"]
            weights[f"{key}.weight"] = weight + share * torch.from_numpy(change).to(weight.dtype)
    other = build()
    other.load_state_dict(from_published(other, weights))
    return other


@pytest.mark.parametrize("adapters", [(("acdc-fog", 1.0),), FUSED], ids=["one", "three-fused"])
def test_fused_factors_have_the_effect_of_merging_what_is_effective(
    adapters: tuple[tuple[str, float], ...],
) -> None:
    network = build()
    found = run(network, semla.adapter_slices(network, adapters))
    wanted = run(merged(network, adapters), {})
    assert torch.allclose(found, wanted, atol=1e-5)
    assert not torch.allclose(found, run(network, {}), atol=1e-2)


def test_merging_a_mix_is_what_its_factors_do() -> None:
    network = build()
    target = semla.target_of(network)
    adapter = semla.imported(network, "acdc-night")
    assert adapter.text_factors is not None
    other = build()
    other.load_state_dict(merged_weights(network, adapter.factors, target.sites, published_name))
    other.load_state_dict(
        merged_weights(other, adapter.text_factors, target.text_sites, published_name)
    )
    found = run(other, {})
    assert torch.allclose(
        found, run(network, semla.adapter_slices(network, (("acdc-night", 1.0),))), atol=1e-5
    )
    before = build().state_dict()
    assert all(torch.equal(value, before[name]) for name, value in network.state_dict().items())
    base = merged_weights(network, None, target.sites, published_name)
    assert all(torch.equal(value, before[name]) for name, value in base.items())


def test_factors_without_effect_are_left_out_and_said(tmp_path: Path) -> None:
    network, file = build(), tmp_path / "adapter_model.safetensors"
    semla.write_published(network, "acdc-fog", file)
    published = read_published(file)
    silent = [
        n for n, _ in lora_sites(network) if n.startswith(("image.", "text.")) and ".attn." in n
    ]
    assert sorted(published.silent) == sorted(published_name(name) for name in silent)
    assert f"left out {len(silent)} query, key and value sites of CLIP" in str(published)
    assert "their B is up to 0." in str(published)
    assert (published.rank, published.alpha, published.alpha_is_assumed) == (8, 16.0, True)


def test_the_keys_are_the_428_that_were_published(references: Path, tmp_path: Path) -> None:
    from ovseg_ros.models.registry import CATSEG_LARGE

    with torch.device("meta"):
        network = CatSeg(CATSEG_LARGE)
    file = tmp_path / "adapter_model.safetensors"
    semla.write_published(network, "acdc-fog", file)
    recorded = json.loads((references / "semla_large" / "adapter_keys.json").read_text())
    assert {k: list(v.shape) for k, v in load_file(file).items()} == {
        entry["key"]: entry["shape"] for entry in recorded
    }
    config = references / "semla_large" / "adapter_config_example.json"
    (tmp_path / "adapter_config.json").write_bytes(config.read_bytes())
    published = read_published(file)
    assert (len(published.factors), len(published.silent)) == (106, 108)
    assert not published.alpha_is_assumed
    sites = set(semla.target_of(network).site_of)
    assert set(published.factors) <= sites


@pytest.mark.slow
def test_a_recorded_adapter_reproduces_every_stage(references: Path) -> None:
    cases = [case for case in find_cases(references) if case.adapters]
    assert cases
    parity = CatSegParity()
    rows = [row for case in cases for row in parity.check(case)]
    assert {row.stage: row.distance for row in rows if not row.passed} == {}
