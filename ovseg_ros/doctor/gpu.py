"""The NVIDIA driver, the GPUs it shows, and the modules that reach them from Python."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.surroundings import Surroundings

_NVIDIA_VENDOR = "0x10de"
_DISPLAY_CLASSES = ("0x0300", "0x0302")
# An engine of a ViT-B/16 network with its buffers stays under it.
_LEAST_FREE_BYTES = 1 << 30
_IN_DOCKER = "docker run --gpus all ..."
_ON_JETSON_IN_DOCKER = "docker run --runtime nvidia ..."
_INSTALL_DRIVER = "sudo ubuntu-drivers install"


@dataclass(frozen=True)
class Gpu:
    """One GPU; `free_bytes` is None where it has no room left for another process."""

    name: str
    capability: tuple[int, int]
    free_bytes: int | None
    total_bytes: int

    @property
    def capability_text(self) -> str:
        """The compute capability as NVIDIA writes it, for example '8.9'."""
        return f"{self.capability[0]}.{self.capability[1]}"


@dataclass(frozen=True)
class Gpus:
    """The GPUs that can be used, and the version of CUDA that the driver has."""

    devices: tuple[Gpu, ...] = ()
    cuda: tuple[int, int] | None = None
    on_jetson: bool = False

    @property
    def cuda_text(self) -> str:
        """The driver's CUDA in words."""
        return f"CUDA {self.cuda[0]}.{self.cuda[1]}" if self.cuda else "no CUDA"

    @property
    def newer_driver(self) -> str:
        """The command that brings a newer driver; on a Jetson it comes with JetPack."""
        return "sudo apt full-upgrade" if self.on_jetson else _INSTALL_DRIVER

    @classmethod
    def of(cls, answer: Answer, on_jetson: bool) -> Gpus:
        """Return the GPUs in the driver's answer; none where it could not be asked."""
        if answer.facts is None:
            return cls(on_jetson=on_jetson)
        devices = tuple(
            Gpu(d["name"], tuple(d["capability"]), d["free_bytes"], d["total_bytes"])
            for d in answer.facts["devices"]
        )
        major, minor = answer.facts["cuda"]
        return cls(devices, (major, minor), on_jetson)


def examine_gpus(
    surroundings: Surroundings, driver: Answer, modules: Answer, gpus: Gpus
) -> list[Finding]:
    """Return the findings on the driver, on every GPU and on CUDA for Python."""
    findings = [_driver(surroundings, driver, gpus)]
    findings += [_gpu(number, gpu, gpus.on_jetson) for number, gpu in enumerate(gpus.devices)]
    if gpus.devices:
        findings.append(_cuda_python(modules, gpus))
    return findings


def driver_version(surroundings: Surroundings) -> str | None:
    """Return the version of the loaded kernel module, such as '570.86.15'; None without one."""
    text = surroundings.text("proc/driver/nvidia/version") or ""
    found = re.search(r"^NVRM version:.*?\s(\d{3,}(?:\.\d+)+)", text, re.M)
    return found[1] if found else None


def _driver(surroundings: Surroundings, driver: Answer, gpus: Gpus) -> Finding:
    topic, loaded = Topic.DRIVER, driver_version(surroundings)
    if driver.refusal:
        found = f"the driver does not answer: {driver.refusal}"
        return Finding(topic, State.WARNING, found, _remedy(surroundings, "sudo reboot"))
    if gpus.devices:
        return Finding(topic, State.OK, f"{loaded or 'of unknown version'}, {gpus.cuda_text}")
    if not (loaded or surroundings.on_jetson or _has_nvidia_card(surroundings)):
        found = "there is no NVIDIA GPU; engines of processors need none"
        return Finding(topic, State.ABSENT, found)
    if driver.facts is not None:
        found = f"the driver ({gpus.cuda_text}) is here, but shows no GPU to this user"
        return Finding(topic, State.WARNING, found, _remedy(surroundings, "sudo reboot"))
    found = "there is an NVIDIA GPU, but no libcuda.so.1"
    return Finding(topic, State.WARNING, found, _remedy(surroundings, _INSTALL_DRIVER))


def _remedy(surroundings: Surroundings, on_a_desktop: str) -> str:
    if surroundings.in_container:
        return _ON_JETSON_IN_DOCKER if surroundings.on_jetson else _IN_DOCKER
    if surroundings.on_jetson:
        # Users outside of these groups may not open the device.
        return 'sudo usermod -aG video,render "$USER"'
    return on_a_desktop


def _has_nvidia_card(surroundings: Surroundings) -> bool:
    for device in (surroundings.root / "sys/bus/pci/devices").glob("*"):
        vendor = surroundings.text(str(device.relative_to(surroundings.root) / "vendor")) or ""
        kind = surroundings.text(str(device.relative_to(surroundings.root) / "class")) or ""
        if vendor.strip() == _NVIDIA_VENDOR and kind.startswith(_DISPLAY_CLASSES):
            return True
    return False


def _gpu(number: int, gpu: Gpu, on_jetson: bool) -> Finding:
    remedy = "free -h" if on_jetson else "nvidia-smi"
    words = f"cuda:{number} is {gpu.name}, compute capability {gpu.capability_text}"
    total = f"{gpu.total_bytes / 1e9:.1f} GB"
    if gpu.free_bytes is None:
        found = f"{words}, no room for another process in {total}; see who holds it"
        return Finding(Topic.GPU, State.WARNING, found, remedy)
    found = f"{words}, {gpu.free_bytes / 1e9:.1f} of {total} free"
    if gpu.free_bytes < _LEAST_FREE_BYTES:
        return Finding(Topic.GPU, State.WARNING, f"{found}; see who holds the rest", remedy)
    return Finding(Topic.GPU, State.OK, found)


def _cuda_python(modules: Answer, gpus: Gpus) -> Finding:
    """Compare the modules with the driver: bindings of a newer major version do not load."""
    topic = Topic.CUDA_PYTHON
    if modules.facts is None:
        remedy = "pip install --force-reinstall cuda-core cuda-bindings"
        return Finding(topic, State.WARNING, modules.refusal, remedy)
    major = gpus.cuda[0] if gpus.cuda else 0
    install = f"pip install cuda-core 'cuda-bindings=={major}.*'"
    missing = [name for name, found in modules.facts.items() if found is None]
    if missing:
        found = f"{' and '.join(missing)} not installed; TensorRT engines run with them"
        return Finding(topic, State.WARNING, found, install)
    found = ", ".join(f"{name} {version}" for name, version in modules.facts.items())
    if int(str(modules.facts["cuda-bindings"]).partition(".")[0]) > major:
        found = f"{found}; the driver has {gpus.cuda_text}"
        return Finding(topic, State.WARNING, found, install)
    return Finding(topic, State.OK, found)
