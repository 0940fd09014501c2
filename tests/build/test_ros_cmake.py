"""The build recipe looks into the environment it was given and into no other."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest
import ros_cmake
from ros_isolation import claim_domain


def test_a_prefix_without_generators_is_refused_with_what_is_missing(tmp_path: Path) -> None:
    reason = ros_cmake.why_not_buildable(tmp_path)
    assert reason == f"no rosidl_default_generators under {tmp_path}"


def test_a_machine_without_cmake_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert ros_cmake.why_not_buildable(Path(sys.prefix)) == "cmake is not on the PATH"


def test_the_environment_of_the_caller_does_not_leak_into_the_build(tmp_path: Path) -> None:
    caller = {
        "PATH": "somewhere",
        "HOME": "kept",
        "PYTHONPATH": "of pip's build isolation",
        "LD_LIBRARY_PATH": "of another environment",
        ros_cmake.BOOTSTRAP_GUARD: "1",
    }
    env = ros_cmake.build_environment(tmp_path, caller)
    assert env == {
        "PATH": f"{tmp_path / 'bin'}:somewhere",
        "HOME": "kept",
        "AMENT_PREFIX_PATH": str(tmp_path),
        "CMAKE_PREFIX_PATH": str(tmp_path),
    }


def test_test_sessions_at_the_same_time_use_different_domains() -> None:
    claims = [claim_domain() for _ in range(5)]
    for _, claim in claims:
        claim.close()
    assert len({domain for domain, _ in claims}) == len(claims)
