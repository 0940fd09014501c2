"""`ovseg check` from a user's side: refused before it, allowed or refused by name after it."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import yaml
from generated_drive import write_drive

from ovseg_ros.cli import main
from ovseg_ros.image_files import encode_png
from ovseg_ros.packages import seal


@pytest.fixture(scope="module")
def drive(tmp_path_factory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "bag", frames=6)


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return tmp_path / "cache" / "ovseg_ros"


@pytest.fixture
def image(tmp_path: Path) -> Path:
    path = tmp_path / "image.png"
    path.write_bytes(encode_png(np.full((40, 60), 90, np.uint8)))
    return path


def segment(package: Path, image: Path, precision: str) -> int:
    out = image.parent / "masks"
    words = ["segment", str(image), "--labels", "car", "--out", str(out)]
    words += ["--package", str(package), "--backend", "openvino", "--precision", precision]
    return main(words)


@pytest.mark.openvino
def test_an_engine_runs_once_it_has_passed(tiny_package, drive, image, cache, capsys) -> None:
    assert segment(tiny_package, image, "fp32") == 2
    refusal = capsys.readouterr().err
    assert "never checked" in refusal
    command = refusal.strip().partition("run  ovseg ")[2].split()
    assert main([*command, "--bag", str(drive), "--frames", "2"]) == 0
    shown = capsys.readouterr().out
    assert "mask agreement, frames" in shown and "mean IoU lost" in shown
    assert segment(tiny_package, image, "fp32") == 0

    (path,) = (cache / "verdicts").iterdir()
    verdict = json.loads(path.read_text())
    assert verdict["passed"] is True
    assert (verdict["backend"], verdict["precision"]) == ("openvino", "fp32")
    assert len(verdict["graph_sha256"]) == 64
    assert {"cpu", "openvino", "onnxruntime"} <= verdict["machine"].keys()
    assert verdict["command"] and verdict["checked_at"] and verdict["frames"] == 2


def with_checks(package: Path, folder: Path, **checks: float) -> Path:
    shutil.copytree(package, folder)
    card = yaml.safe_load((folder / "card.yaml").read_text())
    seal(folder, {**card, "checks": checks})
    return folder


@pytest.mark.openvino
@pytest.mark.nncf
@pytest.mark.parametrize(
    ("checks", "code"),
    [
        pytest.param({"embedding_cosine": 1.0}, 1, id="no package is exact in int8"),
        pytest.param(
            {
                "embedding_cosine": 0.0,
                "mask_agreement": 0.0,
                "confidence_error": 1.0,
                "noise_mask_agreement": 0.0,
                "noise_confidence_error": 1.0,
                "mean_iou_loss": 1.0,
            },
            0,
            id="limits that anything meets",
        ),
    ],
)
def test_the_card_decides_about_int8(
    tiny_package, tmp_path, drive, image, capsys, checks, code
) -> None:
    package = with_checks(tiny_package, tmp_path / "package", **checks)
    frames = ["--package", str(package), "--bag", str(drive), "--frames", "2"]
    assert main(["calibrate", *frames]) == 0
    assert "ovseg check --package" in capsys.readouterr().out
    assert main(["check", *frames, "--precision", "int8"]) == code
    capsys.readouterr()
    assert segment(package, image, "int8") == (2 if code else 0)
    refused = "failed its check: embedding cosine, lowest" in capsys.readouterr().err
    assert refused is bool(code)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["check", "--backend", "onnxruntime"], "what other engines are compared with"),
        (["check", "--backend", "onnxruntime", "--precision", "int8"], "it has fp32"),
        (["calibrate", "--precision", "fp8", "--images", "x"], "openvino has no precision fp8"),
        (["check", "--images", "no/such/folder"], "no image at 'no/such/folder'"),
        (["check", "--data", "no/such/folder"], "classes.json cannot be read"),
        (["check", "--bag", "no/such/bag"], "cannot be read as a bag"),
        pytest.param(
            ["check", "--precision", "int8"],
            "has no int8 model",
            marks=pytest.mark.openvino,
        ),
    ],
)
def test_what_cannot_be_made_is_refused_in_one_line(words, message, capsys) -> None:
    assert main(words) == 2
    lines = capsys.readouterr().err.strip().splitlines()
    assert message in lines[-1]


@pytest.mark.openvino
def test_a_labelled_folder_and_a_plain_one(tiny_package, tmp_path, capsys) -> None:
    for folder in ("images", "labels"):
        (tmp_path / folder).mkdir()
    rng = np.random.default_rng(0)
    (tmp_path / "images" / "a.png").write_bytes(
        encode_png(rng.integers(0, 256, (60, 80), np.uint8))
    )
    (tmp_path / "labels" / "a.png").write_bytes(encode_png(rng.integers(0, 2, (60, 80), np.uint8)))
    classes = {"classes": [{"id": 0, "name": "sky"}, {"id": 1, "name": "road"}]}
    (tmp_path / "classes.json").write_text(json.dumps(classes))
    words = ["check", "--package", str(tiny_package)]
    assert main([*words, "--data", str(tmp_path)]) == 0
    assert "mean IoU lost" in capsys.readouterr().out
    assert main([*words, "--images", str(tmp_path / "images"), "--labels", "desk; lamp"]) == 0
    assert "mean IoU lost" not in capsys.readouterr().out
