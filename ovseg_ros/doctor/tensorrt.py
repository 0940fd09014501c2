"""The libraries of TensorRT: which is installed, whether it loads, whether it fits the GPU."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.gpu import Gpus
from ovseg_ros.doctor.surroundings import Surroundings

TENSORRT, RTX = "tensorrt", "tensorrt_rtx"
_TOPICS = {TENSORRT: Topic.TENSORRT, RTX: Topic.TENSORRT_RTX}
_APT = "sudo apt install tensorrt python3-libnvinfer"
_PIP = {
    TENSORRT: "pip install 'ovseg_ros[tensorrt]'",
    RTX: "pip install 'ovseg_ros[tensorrt-rtx]'",
}
# GPUs that games are played on; TensorRT-RTX is for these, on x86-64.
_RTX_NAMES = re.compile(r"\b(GeForce|RTX)\b")


@dataclass(frozen=True)
class Libraries:
    """The findings on both libraries, and the versions of those that can be used, by name."""

    findings: tuple[Finding, ...]
    usable: dict[str, str]


def examine_tensorrt(
    surroundings: Surroundings, tensorrt: Answer, rtx: Answer, gpus: Gpus
) -> Libraries:
    """Look at both libraries; one that loads and fits the GPU is enough."""
    findings, usable = [], {}
    for name, answer in ((TENSORRT, tensorrt), (RTX, rtx)):
        finding = _examined(name, answer, surroundings, gpus)
        if finding is not None:
            findings.append(finding)
        if finding is not None and finding.state is State.OK and answer.facts is not None:
            usable[name] = str(answer.facts["version"])
    if tensorrt == rtx == Answer():
        findings.append(_none_installed(surroundings, gpus))
    return Libraries(tuple(findings), usable)


def apt_cuda(surroundings: Surroundings) -> int | None:
    """Return the major version of CUDA that the TensorRT of apt was built for; None without it."""
    status = surroundings.text("var/lib/dpkg/status") or ""
    found = re.search(r"^Package: libnvinfer\d+\n(?:.+\n)*?Version: \S*\+cuda(\d+)", status, re.M)
    return int(found[1]) if found else None


def _none_installed(surroundings: Surroundings, gpus: Gpus) -> Finding:
    if not gpus.devices:
        found = "not installed; for NVIDIA GPUs, or to build engines for another machine's"
        return Finding(Topic.TENSORRT, State.ABSENT, found, _PIP[RTX])
    found = "not installed, so the GPU is not used"
    if apt_cuda(surroundings) is not None:
        found = "installed with apt, but this Python environment does not see the system's modules"
    return Finding(Topic.TENSORRT, State.WARNING, found, _install(surroundings, gpus))


def _install(surroundings: Surroundings, gpus: Gpus) -> str:
    """Return the command that installs what fits this machine."""
    bindings = re.search(
        r"^Package: python3-libnvinfer$", surroundings.text("var/lib/dpkg/status") or "", re.M
    )
    if apt_cuda(surroundings) is not None and bindings:
        return f"python3 -m venv --system-site-packages {surroundings.prefix}"
    if surroundings.on_jetson:
        return _APT
    desktop = surroundings.architecture == "x86_64" and _RTX_NAMES.search(gpus.devices[0].name)
    return _PIP[RTX if desktop else TENSORRT]


def _examined(name: str, answer: Answer, surroundings: Surroundings, gpus: Gpus) -> Finding | None:
    """Return the finding on one library; None where it is not installed."""
    topic, reinstall = _TOPICS[name], f"pip install --force-reinstall {name.replace('_', '-')}"
    if answer.refusal:
        # Wheels of the libraries do not reach those that apt's bindings look for.
        remedy = _APT if surroundings.on_jetson and name == TENSORRT else reinstall
        return Finding(topic, State.WARNING, f"cannot be imported: {answer.refusal}", remedy)
    if answer.facts is None:
        return None
    version = str(answer.facts["version"])
    if not gpus.devices:
        use = "builds engines ahead of time" if name == RTX else "idle"
        return Finding(topic, State.OK, f"{version}, {use}: there is no GPU here to run them on")
    wanted = answer.facts["cuda"] or (apt_cuda(surroundings) if name == TENSORRT else None)
    if wanted is not None and gpus.cuda is not None and gpus.cuda[0] < wanted:
        found = f"{version} is for CUDA {wanted}, the driver has {gpus.cuda_text}"
        older = f"pip install {name.replace('_', '-')}-cu{gpus.cuda[0]}"
        remedy = gpus.newer_driver if name == RTX else older
        return Finding(topic, State.WARNING, found, remedy)
    return _fitting(name, version, answer, gpus)


def _fitting(name: str, version: str, answer: Answer, gpus: Gpus) -> Finding:
    """Compare the compute capabilities that the library names, if it does, with the GPUs'."""
    topic = _TOPICS[name]
    named = [tuple(pair) for pair in (answer.facts or {}).get("capabilities", ())]
    foreign = [gpu for gpu in gpus.devices if named and gpu.capability not in named]
    if len(foreign) < len(gpus.devices):
        return Finding(topic, State.OK, version)
    listed = ", ".join(f"{major}.{minor}" for major, minor in sorted(named))
    found = (
        f"{version} names the compute capabilities {listed}; {foreign[0].name} has "
        f"{foreign[0].capability_text}"
    )
    return Finding(topic, State.WARNING, found, _APT if gpus.on_jetson else _PIP[TENSORRT])
