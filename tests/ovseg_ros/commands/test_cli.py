"""The command line as a whole: quick help, one-line refusals, verification of packages."""

import shutil
import subprocess
import sys

import pytest

from ovseg_ros.cli import main


def test_help_imports_nothing_that_is_slow_to_import():
    program = (
        "import sys\nfrom ovseg_ros.cli import build_parser\nbuild_parser().format_help()\n"
        "print(' '.join(sorted({name.split('.')[0] for name in sys.modules})))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    ).stdout.split()
    assert not {"numpy", "onnxruntime", "rclpy", "torch", "PIL", "rich"} & set(loaded)


@pytest.mark.parametrize(
    "arguments",
    [
        ["--help"],
        ["segment", "--help"],
        ["eval", "--help"],
        ["inspect", "--help"],
        ["demo", "--help"],
        ["bench", "--help"],
        ["fetch", "--help"],
        ["bench", "packages", "--help"],
        ["check", "--help"],
        ["calibrate", "--help"],
        ["doctor", "--help"],
        ["convert", "--help"],
        ["adapters", "--help"],
        ["adapters", "import", "--help"],
        ["--version"],
    ],
)
def test_help_of_every_verb_exits_with_0(arguments, capsys):
    with pytest.raises(SystemExit) as stop:
        main(arguments)
    assert stop.value.code == 0
    assert "ovseg" in capsys.readouterr().out


def test_inspect_shows_card_and_files(tiny_package, capsys):
    assert main(["inspect", str(tiny_package)]) == 0
    shown = capsys.readouterr().out
    assert "segmenter.onnx" in shown
    assert "every hash as on the card" in shown


@pytest.mark.parametrize(
    ("damage", "message"),
    [
        pytest.param(lambda folder: (folder / "text.onnx").unlink(), "missing", id="missing"),
        pytest.param(
            lambda folder: (folder / "text.onnx").write_bytes(b"x"), "was altered", id="altered"
        ),
        pytest.param(lambda folder: (folder / "card.yaml").unlink(), "no model", id="no-card"),
    ],
)
def test_a_damaged_package_is_refused_in_one_line(tiny_package, tmp_path, capsys, damage, message):
    copy = tmp_path / "package"
    shutil.copytree(tiny_package, copy)
    damage(copy)
    assert main(["inspect", str(copy)]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert message in line
