"""No engine but the reference opens without a passing verdict on exactly what it would load."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest

from ovseg_ros.engine.choice import REFERENCE, BackendName, EngineChoice
from ovseg_ros.engine.verdicts import (
    CheckRow,
    Verdict,
    identity_of,
    require_pass,
    verdict_path,
    write_verdict,
)
from ovseg_ros.errors import BackendError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter

pytestmark = pytest.mark.openvino
CHOICE = EngineChoice(BackendName.OPENVINO)
GOOD = CheckRow("mask agreement, frames", 0.99, 0.98, True)
BAD = CheckRow("mask agreement, frames", 0.61, 0.98, True)
WORSE = CheckRow("confidence error, frames", 0.3, 0.02, False)
COMMAND = r"run  ovseg check --package \S+ --backend openvino --precision fp32$"


@pytest.fixture(scope="module")
def package(tiny_package: Path) -> ModelPackage:
    return ModelPackage.load(tiny_package)


@pytest.fixture
def passed(package: ModelPackage, tmp_path: Path) -> Verdict:
    identity = identity_of(package, CHOICE, tmp_path)
    return Verdict(identity, package.card.checks, (GOOD,), {})


def test_a_passing_verdict_opens_the_engine(tiny_package, passed: Verdict, tmp_path: Path) -> None:
    write_verdict(tmp_path, passed)
    with Segmenter.open(tiny_package, engine=CHOICE, cache=tmp_path) as segmenter:
        assert segmenter.backend.choice == CHOICE


def test_the_reference_needs_none(tiny_package: Path, tmp_path: Path) -> None:
    with Segmenter.open(tiny_package, cache=tmp_path / "nothing here") as segmenter:
        assert segmenter.backend.choice == REFERENCE


def test_without_a_verdict_the_refusal_names_the_command(tiny_package: Path, tmp_path) -> None:
    with pytest.raises(BackendError, match=f"openvino fp32 .* never checked.*{COMMAND}"):
        Segmenter.open(tiny_package, engine=CHOICE, cache=tmp_path)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        pytest.param(
            lambda v: replace(v, rows=(GOOD, BAD)),
            "failed its check: mask agreement, frames: 0.6100 was found, at least 0.98 was wanted;",
            id="failed",
        ),
        pytest.param(lambda v: replace(v, rows=(WORSE, BAD)), r"\(and 1 more\)", id="failed twice"),
        pytest.param(
            lambda v: replace(v, rows=(replace(GOOD, found=float("nan")),)),
            "failed its check",
            id="not a number",
        ),
        pytest.param(lambda v: replace(v, rows=()), "nothing was compared", id="no rows"),
        pytest.param(
            lambda v: replace(v, identity=replace(v.identity, model_sha256="0" * 64)),
            "before its model, its limits, the processor or the driver changed",
            id="calibrated again",
        ),
        pytest.param(
            lambda v: replace(v, identity=replace(v.identity, processor="Another One")),
            "before its model, its limits, the processor or the driver changed",
            id="other processor",
        ),
        pytest.param(
            lambda v: replace(v, limits=replace(v.limits, mask_agreement=0.5)),
            "before its model, its limits, the processor or the driver changed",
            id="other limits",
        ),
        pytest.param(
            lambda v: replace(v, identity=replace(v.identity, backend_version="1.0")),
            "never checked",
            id="other version",
        ),
        pytest.param(
            lambda v: replace(v, identity=replace(v.identity, graph_sha256="0" * 64)),
            "never checked",
            id="other graph",
        ),
    ],
)
def test_any_other_verdict_refuses(
    package: ModelPackage,
    passed: Verdict,
    tmp_path: Path,
    change: Callable[[Verdict], Verdict],
    message: str,
) -> None:
    write_verdict(tmp_path, change(passed))
    with pytest.raises(BackendError, match=f"{message}.*{COMMAND}"):
        require_pass(package, CHOICE, tmp_path)


@pytest.mark.parametrize("text", ["", "[]", '{"passed": true}', '{"rows": [1]}'])
def test_a_damaged_verdict_is_no_verdict(
    package: ModelPackage, passed: Verdict, tmp_path: Path, text: str
) -> None:
    write_verdict(tmp_path, passed)
    verdict_path(tmp_path, passed.identity).write_text(text)
    with pytest.raises(BackendError, match=f"cannot be read.*{COMMAND}"):
        require_pass(package, CHOICE, tmp_path)
