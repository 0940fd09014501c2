"""The command from folder to file: the node's library takes the adapter, its program obeys it."""

from __future__ import annotations

import shutil
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from ovseg_ros.adapters.file import read_adapter  # noqa: E402
from ovseg_ros.adapters.library import AdapterLibrary  # noqa: E402
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode, LoraFactors  # noqa: E402
from ovseg_ros.engine.torch_network import load_network  # noqa: E402
from ovseg_ros.image_files import read_rgb  # noqa: E402
from ovseg_ros.packages import ModelPackage, seal  # noqa: E402
from ovseg_ros.segmenter import Segmenter  # noqa: E402
from ovseg_train.lora.__main__ import main  # noqa: E402

pytestmark = pytest.mark.torch
FAST = ["--steps", "12", "--rank", "4", "--learning-rate", "1e-2"]


def options(package: ModelPackage, folder: Path, out: Path, *more: str) -> list[str]:
    found = ["--package", str(package.folder), "--data", str(folder), "--out", str(out)]
    return [*found, "--domain", "dusk", *FAST, *more]


@pytest.fixture(scope="module")
def out(package: ModelPackage, folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with one trained adapter, 'dusk', of six frames."""
    out = tmp_path_factory.mktemp("adapters")
    assert main(options(package, folder, out, "--frames", "6", "--test-rest")) == 0
    return out


def test_the_library_of_the_node_takes_it(package: ModelPackage, out: Path, tmp_path: Path) -> None:
    library = AdapterLibrary.open(out, package.card, tmp_path)
    assert library.names == ("dusk",) and not library.refused
    info = library.info("dusk")
    assert (info.domain, info.count, info.rank, info.alpha) == ("dusk", 6, 4, 16.0)
    assert info.sites == tuple(site.name for site in package.card.lora_sites)
    assert info.centroid is not None and info.spread is not None and info.spread > 0
    assert len(info.training_data[0]["frames"]) == 6
    assert info.metrics["rest_frames"] == 6
    assert info.metrics["share"] == round(6 / 7, 4), "six frames are not quite trusted"
    assert info.metrics["training_miou"] > info.metrics["training_miou_base"]


def test_the_centroid_is_what_the_node_sees(
    package: ModelPackage, folder: Path, out: Path, tmp_path: Path
) -> None:
    info = AdapterLibrary.open(out, package.card, tmp_path).info("dusk")
    with Segmenter.open(package.folder, "sky; car; tree") as segmenter:
        seen = [
            segmenter.infer(read_rgb(folder / "images" / f"{name}.png")).embedding
            for name in info.training_data[0]["frames"]
        ]
    assert info.centroid is not None
    np.testing.assert_allclose(info.centroid, np.mean(seen, 0), rtol=1e-4, atol=1e-5)


def test_the_program_changes_as_torch_does(
    package: ModelPackage, folder: Path, out: Path, tmp_path: Path
) -> None:
    factors = AdapterLibrary.open(out, package.card, tmp_path).factors("dusk")
    image = read_rgb(folder / "images" / "dusk_002.png")
    graph = load_network(package)
    with Segmenter.open(package.folder, "sky; road; car") as segmenter:
        base = segmenter.infer(image)
        segmenter.set_adapter(AdapterMix(AdapterMode.PINNED, ("dusk",), (1.0,), factors=factors))
        adapted = segmenter.infer(image)
        segmenter.set_adapter(AdapterMix())
        again = segmenter.infer(image)
        bank = segmenter.text_bank.encode([["sky"], ["road"], ["car"]])
    codes, thresholds = torch.tensor([1, 2, 3], dtype=torch.uint8), torch.zeros(3)
    with torch.no_grad():
        mask, confidence, embedding = graph(
            torch.from_numpy(image.copy())[None],
            torch.from_numpy(bank),
            codes,
            thresholds,
            torch.from_numpy(factors.a),
            torch.from_numpy(factors.b),
        )
    assert np.mean(adapted.label_mask != mask[0].numpy()) < 1e-3
    off = np.abs(adapted.confidence.astype(float) - confidence[0].numpy()).mean()
    moved = np.abs(adapted.confidence.astype(float) - base.confidence).mean()
    assert off < 1e-3 * 255 < moved
    np.testing.assert_array_equal(adapted.embedding, base.embedding)
    np.testing.assert_array_equal(again.confidence, base.confidence)
    np.testing.assert_allclose(embedding[0].numpy(), base.embedding, atol=1e-3)


def test_factors_have_their_place_by_name(package: ModelPackage, folder: Path, out: Path) -> None:
    from ovseg_ros.adapters.adapter import AdapterTarget

    some = ["--frames", "4", "--sites", "embed", "--name", "few", "--seed", "1"]
    assert main(options(package, folder, out, *some)) == 0
    adapter = read_adapter(out / "few.safetensors", AdapterTarget.of(package.card))
    assert adapter.info.sites == ("embed",)
    factors: LoraFactors = adapter.factors
    assert factors.b[:, -512:].any() and not factors.b[:, :-512].any()
    (out / "few.safetensors").unlink()


def test_it_goes_on_where_it_stopped(package: ModelPackage, folder: Path, tmp_path: Path) -> None:
    def run(out: Path, *more: str) -> bytes:
        assert main(options(package, folder, out, "--frames", "6", *more)) == 0
        from safetensors.numpy import load_file

        return b"".join(v.tobytes() for _, v in sorted(load_file(out / "dusk.safetensors").items()))

    assert run(tmp_path) == run(tmp_path, "--resume")


def test_frames_can_be_held_out(package: ModelPackage, folder: Path, tmp_path: Path) -> None:
    assert main(options(package, folder, tmp_path, "--hold-out", "0.25")) == 0
    metrics = AdapterLibrary.open(tmp_path, package.card, tmp_path / "c").info("dusk").metrics
    assert metrics["held_out_miou"] > metrics["held_out_miou_base"]
    assert metrics["share"] == 1


def test_a_bag_without_labels_is_enough(
    package: ModelPackage, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--package", str(package.folder), "--out", str(tmp_path), "--domain", "dusk"]
    images = ["--images", str(folder / "images"), "--labels", "sky; road", "--confidence", "0"]
    assert main([*arguments, *images, *FAST, "--frames", "5", "--name", "self"]) == 0
    assert "training frames" in capsys.readouterr().out
    info = AdapterLibrary.open(tmp_path, package.card, tmp_path / "cache").info("self")
    assert info.training_data[0]["labels"].startswith("by the model itself")
    assert info.metrics["held_out_miou"] is None


@pytest.mark.parametrize(
    ("more", "sentence"),
    [
        (["--frames", "6"], "dusk.safetensors exists already; go on with that run with --resume"),
        (["--name", "x", "--domain", "fog"], "no image of split 'any' and domain 'fog'"),
        (["--name", "x", "--frames", "20"], "20 frames were asked for"),
        (["--name", "x", "--frames", "1"], "one picture tells no domain"),
        (
            ["--name", "x", "--sites", "head"],
            "the groups of this package are backbone, neck, embed",
        ),
        (["--name", "x", "--labels", "car"], "--labels and --teacher are for frames without"),
        (["--name", "x", "--test-rest"], "--test-rest needs --data and --frames"),
        (["--name", "x", "--hold-out", "0.9"], "--hold-out 0.9 is not from 0 to 0.5"),
        (["--name", "x", "--learning-rate", "nan"], "--learning-rate nan is not"),
        (["--name", "x", "--seed", "-1"], "--seed -1"),
        (["--name", "../x"], "is no name for an adapter"),
    ],
)
def test_what_cannot_be_is_refused(
    package: ModelPackage,
    folder: Path,
    out: Path,
    capsys: pytest.CaptureFixture[str],
    more: list[str],
    sentence: str,
) -> None:
    before = {path.name for path in out.iterdir()}
    assert main(options(package, folder, out, *more)) == 2
    assert sentence in capsys.readouterr().err
    assert {path.name for path in out.iterdir()} - before <= {"x.run"}
    shutil.rmtree(out / "x.run", ignore_errors=True)


def test_a_package_without_identity_is_refused(
    package: ModelPackage, folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    copy = Path(shutil.copytree(package.folder, tmp_path / "package"))
    fields = {k: v for k, v in package.card.raw.items() if k not in ("files", "base_sha256")}
    seal(copy, fields)
    assert main(options(ModelPackage.load(copy), folder, tmp_path / "out")) == 2
    assert "names no base_sha256" in capsys.readouterr().err
