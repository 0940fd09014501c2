"""Results appear whole or not at all."""

import errno
import os

import pytest

from ovseg_ros.demo.staging import staged_folder
from ovseg_ros.output import OutputError


def fill(folder, text="new"):
    (folder / "report.json").write_text(text)


def test_results_appear_when_the_block_ends(tmp_path):
    out = tmp_path / "deep" / "out"
    with staged_folder(out) as stage:
        fill(stage)
        assert not out.exists()
    assert os.listdir(out) == ["report.json"]
    assert os.listdir(out.parent) == ["out"]


def test_earlier_results_are_replaced_as_a_whole(tmp_path):
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    (out / "old.gif").touch()
    with staged_folder(out) as stage:
        fill(stage)
    assert os.listdir(out) == ["report.json"]
    assert (out / "report.json").read_text() == "new"
    assert os.listdir(tmp_path) == ["out"]


@pytest.mark.parametrize(
    ("error", "raised", "message"),
    [
        pytest.param(OSError(errno.ENOSPC, "No space left"), OutputError, "No space", id="full"),
        pytest.param(KeyboardInterrupt(), KeyboardInterrupt, None, id="interrupted"),
        pytest.param(ValueError("x"), ValueError, "x", id="bug"),
    ],
)
def test_earlier_results_stay_on_any_error(tmp_path, error, raised, message):
    out = tmp_path / "out"
    out.mkdir()
    fill(out, "old")
    with pytest.raises(raised, match=message), staged_folder(out) as stage:
        fill(stage)
        raise error
    assert os.listdir(tmp_path) == ["out"]
    assert (out / "report.json").read_text() == "old"


def test_a_folder_of_something_else_is_not_replaced(tmp_path):
    (tmp_path / "thesis.tex").touch()
    with pytest.raises(OutputError, match="something else"), staged_folder(tmp_path):
        pass
    assert os.listdir(tmp_path) == ["thesis.tex"]


def test_a_file_in_the_place_of_the_folder_is_refused(tmp_path):
    (tmp_path / "out").touch()
    with pytest.raises(OutputError, match="is a file"), staged_folder(tmp_path / "out"):
        pass
