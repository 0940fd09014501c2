"""`ovseg segment` with real files, through the command line's own door."""

import json
import os
import resource
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from ovseg_ros.cli import main

LABELS = "car; road=0.1; !sky"


def write_image(path, size=(80, 60), seed=0):
    pixels = np.random.default_rng(seed).integers(0, 256, (size[1], size[0], 3)).astype(np.uint8)
    Image.fromarray(pixels).save(path)


@pytest.fixture
def images(tmp_path):
    folder = tmp_path / "images"
    folder.mkdir()
    write_image(folder / "a.png")
    write_image(folder / "b.jpg", size=(61, 47))
    return folder


def segment(package, out, *arguments):
    return main(["segment", *map(str, arguments), "--out", str(out), "--package", str(package)])


@pytest.mark.parametrize(
    "sources",
    [
        pytest.param(("{}",), id="folder"),
        pytest.param(("{}/*",), id="pattern"),
        pytest.param(("{}/a.png", "{}/b.jpg", "{}/a.png"), id="files-one-twice"),
    ],
)
def test_each_image_gets_a_mono8_mask_of_its_size(tiny_package, images, tmp_path, sources):
    out = tmp_path / "out"
    given = [source.format(images) for source in sources]
    assert segment(tiny_package, out, *given, "--labels", LABELS) == 0
    assert sorted(os.listdir(out)) == ["a.png", "b.png", "labels.json"]
    names = json.loads((out / "labels.json").read_text())
    assert sorted(names.values()) == ["car", "road"]
    for stem, size in (("a", (80, 60)), ("b", (61, 47))):
        mask = Image.open(out / f"{stem}.png")
        assert (mask.mode, mask.size) == ("L", size)
        assert set(np.unique(np.asarray(mask))) <= {0, *map(int, names)}


def test_unreadable_images_are_named_and_the_rest_is_done(tiny_package, images, tmp_path, capsys):
    (images / "broken.png").write_bytes((images / "a.png").read_bytes()[:200])
    (images / "text.jpg").write_text("no image")
    out = tmp_path / "out"
    assert segment(tiny_package, out, images, "--labels", LABELS) == 1
    complaints = capsys.readouterr().err
    assert "broken.png cannot be read" in complaints
    assert "text.jpg cannot be read" in complaints
    assert sorted(os.listdir(out)) == ["a.png", "b.png", "labels.json"]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["nothing*.png", "--labels", "car"], "no image at", id="no-image"),
        pytest.param(["{}", "--labels", ""], "no labels", id="empty-query"),
        pytest.param(["{}", "--labels", "car=2"], "threshold 2", id="threshold"),
        pytest.param(["{}", "--labels", "car", "--adapters", "snow"], "'snow'", id="adapter"),
    ],
)
def test_refusals_are_one_line_and_write_nothing(
    tiny_package, images, tmp_path, capsys, arguments, message
):
    out = tmp_path / "out"
    given = [text.format(images) for text in arguments]
    assert segment(tiny_package, out, *given) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
    assert not out.exists()


def test_images_that_would_share_a_mask_are_refused_before_any_work(
    tiny_package, images, tmp_path, capsys
):
    write_image(images / "a.bmp")
    assert segment(tiny_package, tmp_path / "out", images, "--labels", LABELS) == 2
    assert "both write a.png" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_masks_of_two_queries_are_not_mixed(tiny_package, images, tmp_path, capsys):
    out = tmp_path / "out"
    assert segment(tiny_package, out, images, "--labels", "car; road") == 0
    assert segment(tiny_package, out, images / "a.png", "--labels", "tree") == 2
    assert "another query" in capsys.readouterr().err
    assert json.loads((out / "labels.json").read_text()) == {"1": "car", "2": "road"}
    assert segment(tiny_package, out, images, "--labels", "tree") == 0
    assert json.loads((out / "labels.json").read_text()) == {"1": "tree"}


def test_a_disk_that_fills_up_leaves_no_half_file(tiny_package, tmp_path):
    """The limit on file size stands for the full disk; the mask of noise is larger than it."""
    write_image(tmp_path / "noise.png", size=(640, 480))
    out = tmp_path / "out"
    run = subprocess.run(
        [sys.executable, "-m", "ovseg_ros.cli", "segment", str(tmp_path / "noise.png")]
        + ["--labels", "car=0; road=0; tree=0", "--out", str(out), "--package", str(tiny_package)],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_FSIZE, (64, 64)),
        capture_output=True,
        text=True,
    )
    assert run.returncode == 2
    assert "noise.png: File too large; make room" in run.stderr
    assert os.listdir(out) == ["labels.json"]
