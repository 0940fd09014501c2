"""Python, the operating system, and which Jetson this is, if it is one."""

from __future__ import annotations

import re

from ovseg_ros.doctor.asking import Answer
from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.surroundings import Surroundings

_OLDEST_PYTHON = (3, 10)
# First release of Jetson Linux (L4T) that each JetPack came with.
_JETPACKS = {
    (35, 1, 0): "5",
    (36, 2, 0): "6.0 preview",
    (36, 3, 0): "6.0",
    (36, 4, 0): "6.1",
    (36, 4, 3): "6.2",
    (36, 4, 4): "6.2.1",
    (38, 2, 0): "7.0",
    (38, 4, 0): "7.1",
    (39, 2, 0): "7.2",
}


def examine_system(surroundings: Surroundings, core: Answer) -> list[Finding]:
    """Return the findings on Python, on the platform and on the modules that everything needs."""
    return [_python(surroundings), _platform(surroundings), _modules(core)]


def jetpack(release: str) -> str | None:
    """Return the JetPack in words from the text of /etc/nv_tegra_release; None for another text."""
    found = re.search(r"R(\d+) \(release\), REVISION: (\d+)(?:\.(\d+))?", release)
    if found is None:
        return None
    linux = (int(found[1]), int(found[2]), int(found[3] or 0))
    words = f"Jetson Linux {'.'.join(map(str, linux))}"
    known = [first for first in _JETPACKS if first <= linux and first[0] == linux[0]]
    if not known:
        return f"{words} of an unknown JetPack"
    later = "" if linux in _JETPACKS else " or later"
    return f"JetPack {_JETPACKS[max(known)]}{later} ({words})"


def _python(surroundings: Surroundings) -> Finding:
    found = ".".join(map(str, surroundings.python))
    if surroundings.python >= _OLDEST_PYTHON:
        return Finding(Topic.PYTHON, State.OK, f"{found} in {surroundings.prefix}")
    return Finding(
        Topic.PYTHON, State.FAULT, f"{found}; 3.10 or newer is wanted", "python3.10 -m venv .venv"
    )


def _platform(surroundings: Surroundings) -> Finding:
    system = re.search(r'^PRETTY_NAME="?([^"\n]+)', surroundings.text("etc/os-release") or "", re.M)
    words = [system[1] if system else "Linux", f"on {surroundings.architecture}"]
    if surroundings.in_container:
        words.append("in a container")
    release = surroundings.text("etc/nv_tegra_release")
    if release is not None:
        model = surroundings.text("sys/firmware/devicetree/base/model") or "a Jetson"
        words.append(f"on {model.rstrip(chr(0)).strip()}, {jetpack(release) or 'JetPack unknown'}")
    return Finding(Topic.PLATFORM, State.OK, ", ".join([" ".join(words[:2]), *words[2:]]))


def _modules(core: Answer) -> Finding:
    missing = list(core.facts["missing"]) if core.facts else []
    if missing:
        found = f"{', '.join(missing)} not installed"
        return Finding(Topic.MODULES, State.FAULT, found, f"pip install {' '.join(missing)}")
    if core.refusal:
        remedy = "pip install --force-reinstall numpy pillow pyyaml rich"
        return Finding(Topic.MODULES, State.FAULT, core.refusal, remedy)
    return Finding(Topic.MODULES, State.OK, "numpy, pillow, pyyaml, rich")
