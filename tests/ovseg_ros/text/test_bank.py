"""The text bank: averages over prompts, and each prompt encoded once."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.adapters.sites import LoraSite
from ovseg_ros.errors import OvsegError, PackageError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.text import TextBank, TextTower, TrainedNames

TEMPLATES = ("{}", "a photo of a {}")


class CountingTower(TextTower):
    """The embedded tower, keeping a list of what it was asked to encode."""

    def __init__(self, tower: TextTower) -> None:
        super().__init__(tower._session, tower.tokenizer)
        self.asked: list[str] = []

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        """Encode and remember."""
        self.asked += texts
        return super().encode(texts)


@pytest.fixture
def counting(tower: TextTower) -> CountingTower:
    return CountingTower(tower)


def test_a_label_is_the_unit_mean_over_names_and_templates(
    tower: TextTower, trained_names: TrainedNames
) -> None:
    bank = TextBank(tower, trained_names).encode([["car", "automobile"], ["road"]], TEMPLATES)
    prompts = ["car", "a photo of a car", "automobile", "a photo of a automobile"]
    mean = tower.encode(prompts).mean(0)
    np.testing.assert_allclose(bank[0], mean / np.linalg.norm(mean), atol=1e-6)
    np.testing.assert_allclose(np.linalg.norm(bank, axis=1), 1.0, atol=1e-6)
    assert bank.shape == (2, 512) and bank.dtype == np.float32


def test_without_templates_the_bare_name_is_encoded(
    tower: TextTower, trained_names: TrainedNames
) -> None:
    bank = TextBank(tower, trained_names).encode([["car"]])
    np.testing.assert_allclose(bank, tower.encode(["car"]), atol=1e-6)


def test_braces_in_a_name_are_text(tower: TextTower, trained_names: TrainedNames) -> None:
    bank = TextBank(tower, trained_names).encode([["car {0} {x}"]], ["a {}"])
    np.testing.assert_allclose(bank, tower.encode(["a car 0 x"]), atol=1e-6)


def test_each_prompt_is_encoded_once(counting: CountingTower, trained_names: TrainedNames) -> None:
    bank = TextBank(counting, trained_names)
    first = bank.encode([["car"], ["car", "road"]])
    second = bank.encode([["road"], ["car"], ["tree"]])
    assert counting.asked == ["car", "road", "tree"]
    np.testing.assert_array_equal(first[0], second[1])


def test_the_least_recently_used_prompt_leaves_a_full_cache(
    counting: CountingTower, trained_names: TrainedNames
) -> None:
    bank = TextBank(counting, trained_names, cache_prompts=2)
    for name in ("car", "road", "car", "tree", "car", "road"):
        bank.encode([[name]])
    assert counting.asked == ["car", "road", "tree", "road"]


def test_a_query_larger_than_the_cache_is_encoded(
    counting: CountingTower, trained_names: TrainedNames
) -> None:
    bank = TextBank(counting, trained_names, cache_prompts=2)
    assert bank.encode([["car"], ["road"], ["tree"], ["bus"]]).shape == (4, 512)


def test_several_threads_get_the_same_rows(tower: TextTower, trained_names: TrainedNames) -> None:
    bank = TextBank(tower, trained_names, cache_prompts=3)
    labels = [["car"], ["road"], ["tree"], ["bus"], ["sky"]]
    wanted = TextBank(tower, trained_names).encode(labels)
    with ThreadPoolExecutor(4) as pool:
        for rows in pool.map(bank.encode, [labels] * 16):
            np.testing.assert_allclose(rows, wanted, atol=1e-5)


@pytest.mark.parametrize("labels", [[[]], [["car"], []], [["car"], ["..."]]])
def test_labels_without_words_are_refused_and_leave_the_bank_usable(
    tower: TextTower, trained_names: TrainedNames, labels: list[list[str]]
) -> None:
    bank = TextBank(tower, trained_names)
    with pytest.raises(OvsegError, match="at least one"):
        bank.encode(labels)
    assert bank.encode([["car"]]).shape == (1, 512)


@pytest.mark.parametrize(
    ("name", "trained"), [("car", True), ("Cars", True), ("carriageway", False), ("zorblax", False)]
)
def test_is_trained(
    tower: TextTower, trained_names: TrainedNames, name: str, trained: bool
) -> None:
    assert TextBank(tower, trained_names).is_trained(name) is trained


def test_the_bank_of_the_embedded_package(tiny_package: Path) -> None:
    package = ModelPackage.load(tiny_package)
    assert TextBank.load(package).encode([["car"]], package.card.templates).shape == (1, 512)
    other = replace(package, card=replace(package.card, embedding_dim=768))
    with pytest.raises(PackageError, match="its card says 768"):
        TextBank.load(other)
    sites = (LoraSite("text.q_proj", 16, 8),)
    other = replace(package, card=replace(package.card, text_lora_sites=sites))
    with pytest.raises(PackageError, match=r"takes no LoRA factors, its card says .* 16 and 8"):
        TextBank.load(other)


def test_prompts_under_factors_are_encoded_anew_and_never_kept(
    counting: CountingTower, trained_names: TrainedNames, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Factors come and go: a vector that was made under them must not be taken for the base's."""
    bank, asked = TextBank(counting, trained_names), []
    factors = LoraFactors(np.ones((2, 3), np.float32), np.ones((2, 4), np.float32))
    base = bank.encode([["car"]])

    def encode(texts: Sequence[str], given: LoraFactors | None = None) -> np.ndarray:
        asked.append((list(texts), given))
        return np.tile(np.eye(1, counting.dim, dtype=np.float32), (len(texts), 1))

    monkeypatch.setattr(counting, "encode", encode)
    for _ in range(2):
        changed = bank.encode([["car"], ["car"]], (), factors)
        assert changed[0, 0] == changed[1, 0] == 1.0
    assert asked == [(["car"], factors)] * 2
    np.testing.assert_array_equal(bank.encode([["car"]]), base)
    none = LoraFactors(np.ones((0, 3), np.float32), np.ones((0, 4), np.float32))
    np.testing.assert_array_equal(bank.encode([["car"]], (), none), base)
