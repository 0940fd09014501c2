"""Our networks reproduce the published programs; a wrong network or a bad folder is noticed."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")
pytest.importorskip("tokenizers", reason="tokenizers is not installed; run `make build-torch`")

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.models.parity.__main__ import main  # noqa: E402
from ovseg_ros.models.parity.cases import COMMA_LABELS, find_cases  # noqa: E402
from ovseg_ros.models.parity.catseg import CatSegParity  # noqa: E402
from ovseg_ros.models.parity.reference import LIMIT, relative_l2  # noqa: E402

pytestmark = pytest.mark.torch
ONE_VIEW = "single_raw_pool1"


@pytest.fixture(scope="module")
def references(shared_dir: Path) -> Path:
    folder = shared_dir / "parity"
    if not (folder / "catseg_base" / f"{ONE_VIEW}.npz").is_file():
        pytest.skip("the reference outputs are not in ../shared/parity")
    return folder


def one_case(references: Path, folder: Path) -> Path:
    """Lay out a folder with one case, which the test may spoil."""
    (folder / "catseg_base").mkdir()
    (folder / "common").symlink_to(references / "common")
    name = f"{ONE_VIEW}.npz"
    shutil.copyfile(references / "catseg_base" / name, folder / "catseg_base" / name)
    return folder


def test_every_stage_of_one_view_is_within_the_limit(references: Path, tmp_path: Path) -> None:
    folder = one_case(references, tmp_path)
    rows = list(CatSegParity().check(find_cases(folder)[0]))
    assert len(rows) >= 30
    assert {row.stage: row.distance for row in rows if not row.passed} == {}
    assert all(row.distance is not None and row.distance <= LIMIT for row in rows)


def test_a_network_that_pools_is_told_apart(
    references: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = one_case(references, tmp_path)
    reference = folder / "catseg_base" / f"{ONE_VIEW}.npz"
    reference.rename(reference.with_name("single_raw_pool2.npz"))
    assert main([str(folder), "--out", str(tmp_path / "page")]) == 1
    shown = capsys.readouterr().out
    page = (tmp_path / "page" / "parity.md").read_text()
    assert "catseg_base/single_raw_pool2" in page and "**no**" in page
    assert "single_raw_pool2, logits" in shown
    assert "single_raw_pool2, agg0_swin:" not in shown


@pytest.mark.slow
def test_every_case_at_hand(references: Path) -> None:
    command = [sys.executable, "-m", "ovseg_ros.models.parity", str(references)]
    found = subprocess.run(command, capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout[-2000:]
    assert "all stages within the limit" in found.stdout


@pytest.mark.parametrize(
    ("make", "sentence"),
    [
        pytest.param(lambda folder: None, "holds no reference outputs", id="empty"),
        pytest.param(
            lambda folder: (folder / "catseg_base" / "other.npz").write_bytes(b""),
            "the name says nothing about the run",
            id="unknown-name",
        ),
        pytest.param(
            lambda folder: (folder / "catseg_base" / f"{ONE_VIEW}.npz").write_bytes(b"PK\x03"),
            "cannot be read as .npz",
            id="truncated",
        ),
    ],
)
def test_a_folder_that_cannot_be_checked(
    tmp_path: Path,
    make: object,
    sentence: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    (tmp_path / "catseg_base").mkdir()
    assert callable(make)
    make(tmp_path)
    assert main([str(tmp_path)]) == 2
    assert sentence in capsys.readouterr().out


def test_names_of_the_files_say_how_they_were_run(tmp_path: Path) -> None:
    (tmp_path / "catseg_large").mkdir()
    for name in ("single_raw_pool1_comma", "sliding_short640_pool2"):
        (tmp_path / "catseg_large" / f"{name}.npz").touch()
    comma, sliding = find_cases(tmp_path)
    assert (comma.labels, comma.pooling, comma.views.value) == (COMMA_LABELS, 1, "single")
    assert (sliding.image.name, sliding.pooling, sliding.views.value) == (
        "image_short640.png",
        2,
        "sliding",
    )
    with pytest.raises(OvsegError):
        find_cases(tmp_path / "nothing")


def test_a_nan_is_infinitely_far() -> None:
    assert relative_l2(np.array([np.nan, 1.0]), np.array([1.0, 1.0])) == float("inf")
