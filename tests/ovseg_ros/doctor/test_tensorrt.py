"""The libraries of TensorRT: which fits, which is missing, and the command that brings it."""

from __future__ import annotations

import pytest
from fake_machine import GEFORCE, JETPACK_6, NOT_THERE, ORIN, broken, driver, library, machine

from ovseg_ros.doctor.asking import Question, ask
from ovseg_ros.doctor.examination import State, Topic
from ovseg_ros.doctor.gpu import Gpus
from ovseg_ros.doctor.tensorrt import examine_tensorrt

JETSON = {"etc/nv_tegra_release": JETPACK_6}
APT = {
    "var/lib/dpkg/status": "Package: libc6\nStatus: install ok installed\nVersion: 2.35\n\n"
    "Package: libnvinfer10\nStatus: install ok installed\nArchitecture: arm64\n"
    "Version: 10.3.0.30-1+cuda12.5\n\nPackage: python3-libnvinfer\nVersion: 10.3.0.30\n"
}
H100 = GEFORCE | {"name": "NVIDIA H100 80GB HBM3", "capability": [9, 0]}
NO_GPU = NOT_THERE
DESKTOP, HOPPER, JETSON_GPU = driver(GEFORCE), driver(H100), driver(ORIN, cuda=(12, 6))
LIBNVINFER = broken("ImportError: libnvinfer.so.10: cannot open shared object file")
RTX = library("1.7.1", None, (8, 6), (8, 9), (12, 0))
PIP, PIP_RTX = "pip install 'ovseg_ros[tensorrt]'", "pip install 'ovseg_ros[tensorrt-rtx]'"
FROM_APT = "sudo apt install tensorrt python3-libnvinfer"


def examined(tmp_path, files, gpu, tensorrt, rtx, **changes):
    surroundings = machine(tmp_path, files, **changes)
    gpus = Gpus.of(gpu, surroundings.on_jetson)
    return examine_tensorrt(surroundings, tensorrt, rtx, gpus)


@pytest.mark.parametrize(
    ("files", "gpu", "tensorrt", "rtx", "state", "remedy"),
    [
        pytest.param({}, NO_GPU, NOT_THERE, NOT_THERE, State.ABSENT, PIP_RTX, id="no-gpu"),
        pytest.param({}, NO_GPU, NOT_THERE, RTX, State.OK, "", id="ahead-of-time"),
        pytest.param({}, DESKTOP, NOT_THERE, NOT_THERE, State.WARNING, PIP_RTX, id="desktop-none"),
        pytest.param({}, HOPPER, NOT_THERE, NOT_THERE, State.WARNING, PIP, id="data-centre-none"),
        pytest.param({}, DESKTOP, NOT_THERE, RTX, State.OK, "", id="desktop"),
        pytest.param({}, HOPPER, NOT_THERE, RTX, State.WARNING, PIP, id="rtx-without-hopper"),
        pytest.param(
            {},
            DESKTOP,
            LIBNVINFER,
            NOT_THERE,
            State.WARNING,
            "pip install --force-reinstall tensorrt",
            id="no-libnvinfer",
        ),
        pytest.param(
            {},
            DESKTOP,
            library("11.4.0", 13),
            NOT_THERE,
            State.WARNING,
            "pip install tensorrt-cu12",
            id="newer-cuda",
        ),
        pytest.param(
            {},
            DESKTOP,
            NOT_THERE,
            library("1.7.1", 13, (8, 9)),
            State.WARNING,
            "sudo ubuntu-drivers install",
            id="rtx-newer-cuda",
        ),
        pytest.param(
            JETSON, JETSON_GPU, NOT_THERE, NOT_THERE, State.WARNING, FROM_APT, id="jetson-none"
        ),
        pytest.param(
            JETSON, JETSON_GPU, LIBNVINFER, NOT_THERE, State.WARNING, FROM_APT, id="jetson-broken"
        ),
        pytest.param(
            JETSON | APT, JETSON_GPU, library("10.3.0"), NOT_THERE, State.OK, "", id="jetson"
        ),
        pytest.param(
            JETSON, JETSON_GPU, NOT_THERE, RTX, State.WARNING, FROM_APT, id="rtx-on-a-jetson"
        ),
    ],
)
def test_one_machine_one_finding(tmp_path, files, gpu, tensorrt, rtx, state, remedy) -> None:
    libraries = examined(tmp_path, files, gpu, tensorrt, rtx)
    (finding,) = libraries.findings
    assert (finding.state, finding.remedy) == (state, remedy)
    assert bool(libraries.usable) is (state is State.OK)


def test_an_environment_that_hides_the_systems_modules_is_told(tmp_path) -> None:
    files, prefix = JETSON | APT, tmp_path / "venv"
    (finding,) = examined(tmp_path, files, JETSON_GPU, NOT_THERE, NOT_THERE).findings
    assert "does not see" in finding.found
    assert finding.remedy == f"python3 -m venv --system-site-packages {prefix}"


def test_cuda_of_apts_packages_is_compared_with_the_driver(tmp_path) -> None:
    old = driver(ORIN, cuda=(11, 4))
    (finding,) = examined(tmp_path, JETSON | APT, old, library("10.3.0"), NOT_THERE).findings
    assert "for CUDA 12, the driver has CUDA 11.4" in finding.found


def test_both_may_be_installed_and_one_is_enough(tmp_path) -> None:
    libraries = examined(tmp_path, {}, HOPPER, library("11.4.0", 12), RTX)
    assert [f.topic for f in libraries.findings] == [Topic.TENSORRT, Topic.TENSORRT_RTX]
    assert libraries.usable == {"tensorrt": "11.4.0"}


def test_the_installed_library_answers() -> None:
    pytest.importorskip("tensorrt_rtx", reason="tensorrt_rtx is not installed")
    facts = ask(Question.TENSORRT_RTX).facts
    assert facts is not None
    assert facts["version"].startswith("1.")
    assert [8, 9] in facts["capabilities"] and [12, 0] in facts["capabilities"]
    assert facts["cuda"] >= 12
