"""`ovseg adapters`: what a user sees of a library, and what is refused."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from PIL import Image
from safetensors.numpy import load_file, save_file
from small_adapters import BASE, drawn

from ovseg_ros.adapters.adapter import AdapterInfo, AdapterTarget
from ovseg_ros.adapters.factors import SiteFactors
from ovseg_ros.adapters.file import read_info, write_adapter
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.semla import read_published
from ovseg_ros.cli import main
from ovseg_ros.errors import AdapterError
from ovseg_ros.packages import read_card, seal

SITE = "neck.lateral8"


@pytest.fixture
def package(tiny_package: Path, tmp_path: Path) -> Path:
    """The embedded package without its adapters, with another hash of its weights on the card."""
    without = shutil.ignore_patterns("adapters")
    folder = Path(shutil.copytree(tiny_package, tmp_path / "package", ignore=without))
    card = yaml.safe_load((folder / "card.yaml").read_text())
    fields = {key: value for key, value in card.items() if key not in ("format", "files")}
    seal(folder, {**fields, "base_sha256": BASE})
    return folder


def write(folder: Path, package: Path, name: str = "fog", scale: float = 1.0) -> Path:
    card = read_card(package)
    target = AdapterTarget.of(card)
    site = target.site_of[SITE]
    info = AdapterInfo(
        name=name,
        domain="fog",
        base_sha256=BASE,
        embedding_space=card.embedding_space,
        centroid=drawn(name, target.scene_dim),
        spread=0.7,
        count=16,
        rank=4,
        alpha=8.0,
        sites=(SITE,),
    )
    folder.mkdir(exist_ok=True)
    factors = SiteFactors(scale * drawn("a", 4, site.c_in), drawn("b", site.c_out, 4))
    return write_adapter(folder, info, {SITE: factors}, target)


def adapters(package: Path, *words: str) -> int:
    return main(["adapters", *words, "--package", str(package)])


def test_from_adding_to_removing(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = write(tmp_path / "elsewhere", package)
    assert adapters(package, "list") == 0
    assert "no adapters: the folder" in capsys.readouterr().out
    assert adapters(package, "add", str(file)) == 0
    assert (package / "adapters" / "fog.safetensors").read_bytes() == file.read_bytes()
    assert adapters(package, "list") == 0
    shown = capsys.readouterr().out
    assert "fog" in shown and "0.7" in shown and "1 adapters in" in shown
    assert adapters(package, "verify") == 0
    assert "fog: sound, 1 sites, rank 4" in capsys.readouterr().out
    assert adapters(package, "add", str(file)) == 2
    assert "the name 'fog' is taken" in capsys.readouterr().err
    assert adapters(package, "add", str(file), "--replace") == 0
    assert adapters(package, "remove", "fog") == 0
    assert not list((package / "adapters").iterdir())
    assert adapters(package, "remove", "fog") == 2
    assert "'fog' is unknown" in capsys.readouterr().err


def test_verify_finds_what_a_header_does_not_tell(
    package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "library"
    write(folder, package)
    path = write(folder, package, "night")
    data = bytearray(path.read_bytes())
    data[-4:] = np.float32(np.nan).tobytes()
    path.write_bytes(data)
    (folder / "cut.safetensors").write_bytes(data[:100])
    here = ("--adapter-dir", str(folder))
    assert adapters(package, "list", *here) == 0
    assert "refused: cut: " in capsys.readouterr().err
    assert adapters(package, "verify", *here) == 1
    shown = capsys.readouterr()
    assert "fog: sound" in shown.out
    assert "night: " in shown.err and "NaN or infinity" in shown.err
    assert "cut: " in shown.err and "truncated" in shown.err
    assert adapters(package, "verify", "fog", *here) == 0
    assert adapters(package, "verify", "snow", *here) == 1


def test_a_sealed_adapter_is_not_removed(package: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(package / "adapters", package)
    card = package / "card.yaml"
    fields = yaml.safe_load(card.read_text())
    fields["files"]["adapters/fog.safetensors"] = "0" * 64
    card.write_text(yaml.safe_dump(fields))
    assert adapters(package, "remove", "fog") == 2
    assert "belongs to the package as it was sealed" in capsys.readouterr().err
    assert path.is_file()


@pytest.fixture
def published(package: Path, tmp_path: Path) -> Path:
    """An adapter in the layout of the published ones, for a site of `tiny` and one of CLIP."""
    silent = "sem_seg_head.predictor.clip_model.visual.transformer.resblocks.0.attn.q_proj"
    site = AdapterTarget.of(read_card(package)).site_of[SITE]
    tensors = {}
    for name, c_in, c_out in ((SITE, site.c_in, site.c_out), (silent, 6, 6)):
        prefix = f"base_model.model.{name}"
        tensors[f"{prefix}.lora_A.default.weight"] = drawn("a", 8, c_in)
        tensors[f"{prefix}.lora_B.default.weight"] = drawn("b", c_out, 8)
    file = tmp_path / "adapter_model.safetensors"
    save_file(tensors, file)
    return file


def statistics(path: Path, **arrays: object) -> Path:
    np.savez(path, **arrays)
    return path


def imported(package: Path) -> AdapterInfo:
    card = read_card(package)
    return AdapterLibrary.open(package / "adapters", card, package).info("fog")


def test_import_says_what_it_left_out_and_that_the_centroid_is_foreign(
    package: Path, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npz = statistics(tmp_path / "fog_statistics.npz", train_average_embedding=drawn("c", 768))
    words = ("import", str(published), "--domain", "fog", "--statistics", str(npz))
    assert adapters(package, *words) == 0
    shown = capsys.readouterr().out
    assert "kept 1 sites, rank 8, alpha 16 (as published" in shown
    assert "left out 1 query, key and value sites of CLIP, which have no effect" in shown
    assert "fog_statistics.npz is not in the scene embedding of package 'tiny' (240" in shown
    info = imported(package)
    assert (info.centroid, info.spread, info.sites) == (None, None, (SITE,))
    kept = load_file(package / "adapters" / "fog.safetensors")
    assert len(kept) == 2


def test_import_takes_statistics_of_the_package_and_the_alpha_of_the_configuration(
    package: Path, published: Path, tmp_path: Path
) -> None:
    config = {"r": 8, "lora_alpha": 4, "use_dora": False}
    (tmp_path / "adapter_config.json").write_text(json.dumps(config))
    centroid = drawn("c", 240)
    npz = statistics(tmp_path / "x.npz", train_average_embedding=centroid, spread=0.5, count=9)
    words = ("import", str(published), "--domain", "fog", "--statistics", str(npz))
    assert adapters(package, *words) == 0
    info = imported(package)
    assert info.centroid is not None and np.array_equal(info.centroid, centroid)
    assert (info.spread, info.count, info.alpha) == (0.5, 9, 4.0)


def test_import_computes_centroid_and_shape_from_pictures(
    package: Path, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "pictures").mkdir()
    for number in range(9):
        noise = np.random.default_rng(number).integers(0, 255, (24, 32, 3), np.uint8)
        Image.fromarray(noise).save(tmp_path / "pictures" / f"{number}.png")
    Image.new("RGB", (32, 24)).save(tmp_path / "pictures" / "black.png")
    # Only the card was changed, so the package is loaded as a whole.
    images = ("--images", str(tmp_path / "pictures"), "--name", "fog")
    assert adapters(package, "import", str(published), "--domain", "noise", *images) == 0
    info = imported(package)
    assert (info.domain, info.count) == ("noise", 9)
    assert info.spread is not None and info.spread > 0
    capsys.readouterr()
    assert adapters(package, "verify", "fog") == 0
    assert "rank 8, scenes in a shape of 8 axes" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("config", "words"),
    [
        ({"r": 4, "lora_alpha": 16}, "is of rank 4"),
        ({"r": 8, "lora_alpha": 16, "use_dora": True}, "with use_dora"),
        ({"r": 8}, "is no configuration of PEFT"),
    ],
)
def test_a_configuration_of_another_kind_is_refused(
    published: Path, config: dict[str, object], words: str
) -> None:
    (published.parent / "adapter_config.json").write_text(json.dumps(config))
    with pytest.raises(AdapterError, match=words):
        read_published(published)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(lambda t: t.popitem(), "1 of them with one factor alone", id="half"),
        pytest.param(lambda t: t.update(x=np.ones((2, 2))), "'x' of shape", id="other-key"),
    ],
)
def test_a_published_file_at_fault_is_refused(published: Path, change: object, words: str) -> None:
    tensors = load_file(published)
    assert callable(change)
    change(tensors)
    save_file(tensors, published)
    with pytest.raises(AdapterError, match=words):
        read_published(published)


def test_import_into_another_package_is_refused(
    package: Path, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    tensors = {key.replace(SITE, "other.site"): v for key, v in load_file(published).items()}
    save_file(tensors, published)
    assert adapters(package, "import", str(published), "--domain", "fog") == 2
    assert "changes 1 sites that package 'tiny' does not have" in capsys.readouterr().err


def test_statistics_that_are_none_are_refused(
    package: Path, published: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    npz = statistics(tmp_path / "x.npz", other=np.ones(3))
    words = ("--domain", "fog", "--statistics", str(npz))
    assert adapters(package, "import", str(published), *words) == 2
    assert "cannot be read as the statistics of a domain" in capsys.readouterr().err


def test_a_package_whose_card_names_no_base_is_told(
    tiny_package: Path, package: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    fields = yaml.safe_load((package / "card.yaml").read_text())
    file = write(tmp_path / "library", package)
    del fields["base_sha256"]
    (package / "card.yaml").write_text(yaml.safe_dump(fields))
    assert adapters(package, "add", str(file)) == 2
    assert "names no base_sha256" in capsys.readouterr().err
    with pytest.raises(AdapterError):
        read_info(file, AdapterTarget.of(read_card(package)))
