"""`ovseg fetch` as a user meets it: the licence, the question, the refusals."""

import hashlib
import os
import pty
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from file_server import serving

CONTENT = b"weights" * 1000
ROOT = Path(__file__).resolve().parents[3]


@pytest.fixture
def server():
    with serving({"/model.pth": CONTENT}) as running:
        yield running


@pytest.fixture
def recipe_file(tmp_path, server):
    fields = {
        "name": "own",
        "summary": "a model of mine",
        "page": "a page",
        "paper": "a paper",
        "file": "model.pth",
        "urls": [f"{server.url}/model.pth"],
        "size_bytes": len(CONTENT),
        "sha256": hashlib.sha256(CONTENT).hexdigest(),
        "license": "Licence 7",
        "license_text": "Thou shalt not.\n",
    }
    path = tmp_path / "own.yaml"
    path.write_text(yaml.safe_dump(fields))
    return path


def ovseg_fetch(tmp_path, *arguments, answer=None):
    """Run the command; with an `answer`, at a terminal where it is typed."""
    environment = os.environ | {
        "XDG_CACHE_HOME": str(tmp_path / "cache"),
        "no_proxy": "*",
        "PYTHONPATH": str(ROOT),
    }
    command = [sys.executable, "-m", "ovseg_ros.cli", "fetch", *map(str, arguments)]
    master, terminal = pty.openpty()
    try:
        if answer is not None:
            os.write(master, answer.encode())
        return subprocess.run(
            command,
            stdin=subprocess.DEVNULL if answer is None else terminal,
            capture_output=True,
            text=True,
            timeout=60,
            env=environment,
        )
    finally:
        os.close(master)
        os.close(terminal)


def place(tmp_path):
    return tmp_path / "cache" / "ovseg_ros" / "weights" / "own" / "model.pth"


@pytest.mark.parametrize("answer", ["y\n", "YES\n"])
def test_an_accepted_licence_brings_the_file_into_the_cache(tmp_path, recipe_file, answer):
    done = ovseg_fetch(tmp_path, recipe_file, answer=answer)
    assert done.returncode == 0, done.stderr
    assert "Thou shalt not." in done.stdout
    assert "Licence 7" in done.stdout
    assert hashlib.sha256(CONTENT).hexdigest() in done.stdout
    assert place(tmp_path).read_bytes() == CONTENT


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04"])
def test_a_licence_that_is_not_accepted_fetches_nothing(tmp_path, recipe_file, server, answer):
    done = ovseg_fetch(tmp_path, recipe_file, answer=answer)
    assert done.returncode == 2
    assert "not accepted" in done.stderr
    assert not place(tmp_path).parent.exists()
    assert not server.requests


def test_without_a_terminal_and_without_yes_it_is_refused(tmp_path, recipe_file, server):
    done = ovseg_fetch(tmp_path, recipe_file)
    assert done.returncode == 2
    assert "--yes" in done.stderr
    assert "Thou shalt not." in done.stdout
    assert not server.requests


def test_yes_another_folder_a_local_copy_and_no_second_question(tmp_path, recipe_file, server):
    (tmp_path / "model.pth").write_bytes(CONTENT)
    to = ("--to", tmp_path / "there")
    done = ovseg_fetch(tmp_path, recipe_file, "--yes", "--from", tmp_path, *to)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "there" / "model.pth").read_bytes() == CONTENT
    again = ovseg_fetch(tmp_path, recipe_file, *to)
    assert again.returncode == 0
    assert "already there" in again.stdout
    assert not server.requests


def test_a_wrong_hash_ends_in_one_refusal_and_no_file(tmp_path, recipe_file):
    (tmp_path / "bad.pth").write_bytes(bytes(len(CONTENT)))
    done = ovseg_fetch(tmp_path, recipe_file, "--yes", "--from", tmp_path / "bad.pth")
    assert done.returncode == 2
    assert "Traceback" not in done.stderr
    assert "nothing was kept" in done.stderr
    assert not place(tmp_path).exists()


def test_without_a_name_it_lists_what_there_is(tmp_path):
    done = ovseg_fetch(tmp_path)
    assert done.returncode == 0
    assert "catseg-base" in done.stdout
    assert "MIT" in done.stdout


def test_an_unknown_name_is_refused_with_the_known_ones(tmp_path):
    done = ovseg_fetch(tmp_path, "catseg-huge", "--yes")
    assert done.returncode == 2
    assert "catseg-large" in done.stderr
