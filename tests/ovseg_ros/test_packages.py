"""Model packages: found by name or folder, verified before use, refused with the reason."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest
import yaml

from ovseg_ros.errors import PackageError
from ovseg_ros.packages import ModelPackage, find_package, seal


@pytest.fixture
def copy(tiny_package: Path, tmp_path: Path) -> Path:
    return Path(shutil.copytree(tiny_package, tmp_path / "copy"))


def edit_card(folder: Path, **changes: Any) -> None:
    path = folder / "card.yaml"
    path.write_text(yaml.safe_dump({**yaml.safe_load(path.read_text()), **changes}))


def test_the_default_is_found_by_name_and_small_enough(tiny_package: Path) -> None:
    package = ModelPackage.load("tiny")
    assert package.folder == tiny_package
    assert sum(f.stat().st_size for f in tiny_package.iterdir()) <= 20 * 2**20


def test_the_card_says_what_a_user_must_know(tiny_package: Path) -> None:
    card = ModelPackage.load(tiny_package).card
    for field in ("training_data", "metrics", "limits", "license"):
        assert card.raw[field], field
    assert card.lora_widths == (
        sum(site.c_in for site in card.lora_sites),
        sum(site.c_out for site in card.lora_sites),
    )


@pytest.mark.parametrize("name", ["no-such-package", "no/such/folder"])
def test_a_missing_package_is_named_with_those_there_are(name: str) -> None:
    with pytest.raises(PackageError, match=rf"'{name}'.*tiny"):
        find_package(name)


def test_an_altered_file_is_refused(copy: Path) -> None:
    with (copy / "segmenter.onnx").open("r+b") as stream:
        stream.seek(1000)
        stream.write(b"altered")
    with pytest.raises(PackageError, match=r"segmenter\.onnx was altered: SHA-256"):
        ModelPackage.load(copy)


def test_a_missing_file_is_refused(copy: Path) -> None:
    (copy / "text.onnx").unlink()
    with pytest.raises(PackageError, match=r"text\.onnx .* is missing"):
        ModelPackage.load(copy)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"format": 99}, "format 99"),
        ({"label_capacity": "many"}, "'label_capacity' is 'many'"),
        ({"lora_sites": [{"name": "a", "c_in": 3}]}, "'lora_sites' is no list of sites"),
        ({"text_lora_sites": [["a", 3, 4]]}, "'text_lora_sites' is no list of sites"),
        ({"text_lora_sites": [{"name": "a", "c_in": 3, "c_out": "x"}]}, "widths c_in and c_out"),
        ({"files": {}}, "does not list segmenter.onnx"),
        ({"files": {"segmenter.onnx": "0", "../other": "0"}}, "was altered|outside the folder"),
    ],
)
def test_a_card_at_fault_is_named(copy: Path, changes: dict[str, Any], words: str) -> None:
    edit_card(copy, **changes)
    with pytest.raises(PackageError, match=words):
        ModelPackage.load(copy)


@pytest.mark.parametrize("text", ["", "[1, 2", "just words"])
def test_a_card_that_is_no_card_is_refused(copy: Path, text: str) -> None:
    (copy / "card.yaml").write_text(text)
    with pytest.raises(PackageError, match="restore the file"):
        ModelPackage.load(copy)


def test_a_graph_that_is_no_graph_is_refused_by_the_backend(copy: Path) -> None:
    from ovseg_ros.segmenter import Segmenter

    fields = yaml.safe_load((copy / "card.yaml").read_text())
    (copy / "segmenter.onnx").write_bytes(b"not a graph")
    seal(copy, fields)
    with pytest.raises(PackageError, match="cannot be loaded"):
        Segmenter.open(copy)


def test_sealing_leaves_no_temporary_file(copy: Path) -> None:
    before = sorted(path.name for path in copy.iterdir())
    seal(copy, yaml.safe_load((copy / "card.yaml").read_text()))
    assert sorted(path.name for path in copy.iterdir()) == before
    assert ModelPackage.load(copy).card.name == "tiny"
