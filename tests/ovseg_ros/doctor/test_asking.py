"""Questions to this interpreter: what is there, what is not, and what breaks on import."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovseg_ros.doctor.asking import Answer, Question, ask, ask_all


@pytest.fixture
def modules(tmp_path: Path, monkeypatch) -> Path:
    """A folder that shadows installed modules."""
    monkeypatch.syspath_prepend(str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    ("source", "refusal"),
    [
        pytest.param(
            "raise ImportError('libnvinfer.so.10: cannot open shared object file')",
            "ImportError: libnvinfer.so.10: cannot open shared object file",
            id="library-missing",
        ),
        pytest.param(
            "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)",
            "the import crashed with SIGSEGV",
            id="crash",
        ),
        pytest.param("raise SystemExit(3)", "exit code 3", id="silent"),
    ],
)
def test_an_import_that_fails_is_answered_by_its_reason(modules, source, refusal) -> None:
    (modules / "tensorrt.py").write_text(source)
    assert ask(Question.TENSORRT) == Answer(refusal=refusal)


def test_a_library_that_prints_does_not_spoil_its_answer(modules) -> None:
    (modules / "tensorrt.py").write_text("__version__ = '10.3.0'\nprint('hello', end='')")
    facts = ask(Question.TENSORRT).facts
    assert facts == {"version": "10.3.0", "cuda": None, "capabilities": []}


def test_capabilities_are_read_where_a_library_names_them(modules) -> None:
    source = "from enum import Enum\n__version__ = '1.7'\n"
    source += "ComputeCapability = Enum('ComputeCapability', 'NONE CURRENT SM75 SM89 SM120')"
    (modules / "tensorrt_rtx.py").write_text(source)
    facts = ask(Question.TENSORRT_RTX).facts
    assert facts is not None and facts["capabilities"] == [[7, 5], [8, 9], [12, 0]]


def test_every_question_has_an_answer() -> None:
    answers = ask_all()
    assert set(answers) == set(Question)
    assert answers[Question.CORE] == Answer({"missing": []})
    assert answers[Question.ONNXRUNTIME].facts is not None
