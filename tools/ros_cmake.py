"""Build a ROS interface package with CMake against ROS packages installed from pip wheels.

One recipe for three users: `setup.py` (our messages in a virtual environment), `check_install.py`
(colcon outside a ROS installation) and the tests (a real `vision_msgs` to run the node with).
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
PIP_WHEEL_FIXES = REPOSITORY / "cmake" / "pip_ros_wheels.cmake"
BOOTSTRAP_GUARD = "_ROS_WHEELS_BOOTSTRAP_COMPLETE"


def why_not_buildable(prefix: Path) -> str | None:
    """Say what is missing under `prefix` to generate messages, or None when nothing is."""
    if shutil.which("cmake") is None:
        return "cmake is not on the PATH"
    if not (prefix / "share" / "rosidl_default_generators" / "cmake").is_dir():
        return f"no rosidl_default_generators under {prefix}"
    return None


def build_environment(prefix: Path, base: Mapping[str, str] = os.environ) -> dict[str, str]:
    """Return the variables under which CMake finds the ROS packages of `prefix`.

    The variables of pip's build isolation and of the wheels' bootstrapper are removed: with them
    the Python that CMake starts would look into the wrong environment.
    """
    dropped = {"PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH", BOOTSTRAP_GUARD}
    env = {name: value for name, value in base.items() if name not in dropped}
    env["AMENT_PREFIX_PATH"] = env["CMAKE_PREFIX_PATH"] = str(prefix)
    env["PATH"] = os.pathsep.join([str(prefix / "bin"), env.get("PATH", os.defpath)])
    return env


def cmake_arguments(prefix: Path) -> list[str]:
    """Return the `-D` arguments that a package needs to build against the wheels of `prefix`."""
    return [
        "-DCMAKE_BUILD_TYPE=Release",
        f"-DCMAKE_PROJECT_INCLUDE={PIP_WHEEL_FIXES}",
        f"-DPython3_EXECUTABLE={prefix / 'bin' / 'python3'}",
    ]


def build_and_install(
    source: Path, build: Path, install: Path, prefix: Path, options: Sequence[str] = ()
) -> None:
    """Configure, build and install the ament_cmake package at `source`.

    Args:
        source: folder with CMakeLists.txt and package.xml.
        build: CMake's build folder.
        install: where the package is installed (`lib/`, `share/`).
        prefix: the virtual environment with the ROS wheels and the rosidl generators.
        options: more arguments for CMake's configure step.

    Raises:
        subprocess.CalledProcessError: CMake failed; its own output says why.
    """
    env = build_environment(prefix)
    configure = ["-DBUILD_TESTING=OFF", f"-DCMAKE_INSTALL_PREFIX={install}"]
    for step in (
        ["-S", str(source), "-B", str(build), *configure, *cmake_arguments(prefix), *options],
        ["--build", str(build), "--parallel", str(os.cpu_count() or 1)],
        ["--install", str(build)],
    ):
        subprocess.run(["cmake", *step], check=True, env=env, stdout=sys.stderr)


def site_packages(install: Path) -> Path:
    """Return the folder of the Python modules under an install prefix."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    return install / "lib" / version / "site-packages"
