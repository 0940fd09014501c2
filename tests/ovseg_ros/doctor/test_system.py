"""Python, the platform in words, and the modules that everything stands on."""

from __future__ import annotations

import pytest
from fake_machine import JETPACK_6, broken, machine

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import State
from ovseg_ros.doctor.system import examine_system, jetpack

COMPLETE = Answer({"missing": []})


@pytest.mark.parametrize(
    ("release", "words"),
    [
        (JETPACK_6, "JetPack 6.2 (Jetson Linux 36.4.3)"),
        ("# R36 (release), REVISION: 4.7, GCID: 1", "JetPack 6.2.1 or later (Jetson Linux 36.4.7)"),
        ("# R36 (release), REVISION: 3.0, GCID: 1", "JetPack 6.0 (Jetson Linux 36.3.0)"),
        ("# R38 (release), REVISION: 2.1, GCID: 1", "JetPack 7.0 or later (Jetson Linux 38.2.1)"),
        ("# R99 (release), REVISION: 1.0, GCID: 1", "Jetson Linux 99.1.0 of an unknown JetPack"),
        ("something else", None),
    ],
)
def test_a_jetson_is_told_by_its_jetpack(release, words) -> None:
    assert jetpack(release) == words


def test_the_platform_is_named_in_words(tmp_path) -> None:
    files = {
        "etc/os-release": 'NAME="Ubuntu"\nPRETTY_NAME="Ubuntu 22.04.5 LTS"\n',
        "etc/nv_tegra_release": JETPACK_6,
        "sys/firmware/devicetree/base/model": "NVIDIA Jetson AGX Orin Developer Kit\0",
    }
    surroundings = machine(tmp_path, files, architecture="aarch64")
    platform = examine_system(surroundings, COMPLETE)[1].found
    assert platform == (
        "Ubuntu 22.04.5 LTS on aarch64, on NVIDIA Jetson AGX Orin Developer Kit, "
        "JetPack 6.2 (Jetson Linux 36.4.3)"
    )


@pytest.mark.parametrize(
    ("python", "core", "remedies"),
    [
        pytest.param((3, 12), COMPLETE, [], id="all-there"),
        pytest.param((3, 8), COMPLETE, ["python3.10 -m venv .venv"], id="old-python"),
        pytest.param((3, 12), Answer({"missing": ["pyyaml"]}), ["pip install pyyaml"], id="yaml"),
        pytest.param(
            (3, 12),
            broken("ImportError: numpy.core.multiarray failed to import"),
            ["pip install --force-reinstall numpy pillow pyyaml rich"],
            id="broken",
        ),
    ],
)
def test_what_everything_stands_on_is_a_fault_when_missing(
    tmp_path, python, core, remedies
) -> None:
    findings = examine_system(machine(tmp_path, python=python), core)
    assert [f.remedy for f in findings if f.state is State.FAULT] == remedies
