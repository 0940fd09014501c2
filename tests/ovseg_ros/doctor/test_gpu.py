"""Driver and GPUs on machines with and without them, and the driver asked through a stand-in."""

from __future__ import annotations

import os
import shutil
import subprocess

import pytest
from fake_machine import GEFORCE, JETPACK_6, KERNEL_MODULE, NOT_THERE, ORIN, broken, driver, machine

from ovseg_ros.doctor.asking import Answer, Question, ask
from ovseg_ros.doctor.examination import State, Topic
from ovseg_ros.doctor.gpu import Gpus, examine_gpus

CARD = {
    "sys/bus/pci/devices/0000:01:00.0/vendor": "0x10de\n",
    "sys/bus/pci/devices/0000:01:00.0/class": "0x030000\n",
}
MODULE = {"proc/driver/nvidia/version": KERNEL_MODULE}
JETSON = {"etc/nv_tegra_release": JETPACK_6}
CONTAINER = {".dockerenv": ""}
INSTALL = "sudo ubuntu-drivers install"


def examined(tmp_path, files, answer, modules=NOT_THERE):
    surroundings = machine(tmp_path, files)
    gpus = Gpus.of(answer, surroundings.on_jetson)
    return examine_gpus(surroundings, answer, modules, gpus)


@pytest.mark.parametrize(
    ("files", "answer", "state", "found", "remedy"),
    [
        pytest.param({}, NOT_THERE, State.ABSENT, "no NVIDIA GPU", "", id="no-gpu"),
        pytest.param({}, driver(), State.ABSENT, "no NVIDIA GPU", "", id="library-only"),
        pytest.param(CARD, NOT_THERE, State.WARNING, "no libcuda", INSTALL, id="card-no-driver"),
        pytest.param(MODULE, NOT_THERE, State.WARNING, "no libcuda", INSTALL, id="no-library"),
        pytest.param(
            MODULE | CONTAINER,
            NOT_THERE,
            State.WARNING,
            "no libcuda",
            "docker run --gpus all ...",
            id="container-without-gpus",
        ),
        pytest.param(
            JETSON | CONTAINER,
            NOT_THERE,
            State.WARNING,
            "no libcuda",
            "docker run --runtime nvidia ...",
            id="jetson-container",
        ),
        pytest.param(
            JETSON,
            driver(),
            State.WARNING,
            "shows no GPU to this user",
            'sudo usermod -aG video,render "$USER"',
            id="jetson-without-rights",
        ),
        pytest.param(
            MODULE,
            broken("CudaDriverError: cuInit: system has unsupported display driver"),
            State.WARNING,
            "unsupported display driver",
            "sudo reboot",
            id="upgraded-under-the-module",
        ),
        pytest.param(
            MODULE, driver(GEFORCE), State.OK, "570.86.15, CUDA 12.8", "", id="as-it-should-be"
        ),
        pytest.param({}, driver(GEFORCE), State.OK, "unknown version, CUDA 12.8", "", id="wsl"),
    ],
)
def test_the_driver(tmp_path, files, answer, state, found, remedy) -> None:
    finding = examined(tmp_path, files, answer)[0]
    assert (finding.topic, finding.state, finding.remedy) == (Topic.DRIVER, state, remedy)
    assert found in finding.found


@pytest.mark.parametrize(
    ("device", "state", "found"),
    [
        pytest.param(ORIN, State.OK, "compute capability 8.7, 21.5 of 32.2 GB free", id="free"),
        pytest.param(ORIN | {"free_bytes": 5 << 20}, State.WARNING, "0.0 of 32.2 GB", id="nearly"),
        pytest.param(ORIN | {"free_bytes": None}, State.WARNING, "no room", id="full"),
    ],
)
def test_a_gpu_and_its_memory(tmp_path, device, state, found) -> None:
    finding = examined(tmp_path, {}, driver(device))[1]
    assert (finding.topic, finding.state) == (Topic.GPU, state)
    assert "cuda:0 is Orin" in finding.found and found in finding.found


@pytest.mark.parametrize(
    ("modules", "cuda", "state", "remedy"),
    [
        pytest.param(
            {"cuda-core": "1.2.2", "cuda-bindings": "12.9.10"}, (13, 0), State.OK, "", id="older"
        ),
        pytest.param(
            {"cuda-core": "1.2.2", "cuda-bindings": "13.5.0"},
            (12, 6),
            State.WARNING,
            "pip install cuda-core 'cuda-bindings==12.*'",
            id="newer-than-the-driver",
        ),
        pytest.param(
            {"cuda-core": None, "cuda-bindings": "13.5.0"},
            (13, 0),
            State.WARNING,
            "pip install cuda-core 'cuda-bindings==13.*'",
            id="missing",
        ),
    ],
)
def test_cuda_for_python_fits_the_driver(tmp_path, modules, cuda, state, remedy) -> None:
    finding = examined(tmp_path, {}, driver(GEFORCE, cuda=cuda), Answer(modules))[-1]
    assert (finding.topic, finding.state, finding.remedy) == (Topic.CUDA_PYTHON, state, remedy)


# The calls of the CUDA driver that are used, in the shapes that its header gives them.
STAND_IN = """
#include <stddef.h>
#include <string.h>
typedef int CUdevice; typedef void* CUcontext; typedef int CUresult;
CUresult cuDriverGetVersion(int* v) { *v = 12060; return 0; }
CUresult cuInit(unsigned flags) { return INIT; }
CUresult cuDeviceGetCount(int* n) { *n = 2; return 0; }
CUresult cuDeviceGet(CUdevice* d, int n) { *d = n; return 0; }
CUresult cuDeviceGetName(char* name, int size, CUdevice d) {
  strncpy(name, d ? "Other" : "Orin", size); return 0; }
CUresult cuDeviceTotalMem_v2(size_t* bytes, CUdevice d) { *bytes = 32UL << 30; return 0; }
CUresult cuDeviceGetAttribute(int* v, int a, CUdevice d) {
  *v = a == 75 ? 8 : a == 76 ? 7 : -1; return 0; }
CUresult cuDevicePrimaryCtxRetain(CUcontext* c, CUdevice d) { *c = c; return d ? 2 : 0; }
CUresult cuCtxSetCurrent(CUcontext c) { return c ? 0 : 201; }
CUresult cuMemGetInfo_v2(size_t* f, size_t* t) { *f = 5UL << 30; *t = 30UL << 30; return 0; }
CUresult cuGetErrorString(CUresult e, const char** s) {
  *s = "the driver is too old"; return 0; }
"""


def ask_stand_in(folder, monkeypatch, init: int) -> Answer:
    compiler = shutil.which("cc")
    if compiler is None:
        pytest.skip("there is no C compiler for the stand-in of the driver")
    source = folder / "cuda.c"
    source.write_text(STAND_IN)
    library = folder / "libcuda.so.1"
    command = [compiler, "-shared", "-fPIC", f"-DINIT={init}", "-o", str(library), str(source)]
    subprocess.run(command, check=True)
    search = [str(folder), *filter(None, [os.environ.get("LD_LIBRARY_PATH")])]
    monkeypatch.setenv("LD_LIBRARY_PATH", os.pathsep.join(search))
    return ask(Question.CUDA)


def test_the_driver_is_asked_without_any_module(tmp_path, monkeypatch) -> None:
    gpus = Gpus.of(ask_stand_in(tmp_path, monkeypatch, init=0), on_jetson=False)
    assert gpus.cuda == (12, 6)
    first, second = gpus.devices
    assert (first.name, first.capability, first.free_bytes) == ("Orin", (8, 7), 5 << 30)
    assert (second.name, second.free_bytes) == ("Other", None)


@pytest.mark.parametrize(("code", "refused"), [(100, False), (803, True)])
def test_a_driver_that_fails_is_told_from_one_without_devices(
    tmp_path, monkeypatch, code, refused
) -> None:
    answer = ask_stand_in(tmp_path, monkeypatch, code)
    assert (f"cuInit: the driver is too old (CUDA error {code})" in answer.refusal) is refused
    assert (answer.facts == {"cuda": [12, 6], "devices": []}) is not refused
