"""Prove that both ways to install this package work, on a copy of the source tree.

    check_install.py pip                    `pip install` into a fresh virtual environment
    check_install.py colcon <colcon>        colcon build, colcon test, and the installed node

Run it with the Python of the environment that `make build` made. Exits non-zero, after the output
of the step that failed, when an install is not usable.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
import tempfile
import venv
from collections.abc import Sequence
from pathlib import Path

import ros_cmake

Words = Sequence[str | Path]
PACKAGE = "ovseg_ros"
NOT_SOURCE = {
    *(".git", "build", "install", "log", "demo_out", "runs"),
    *(f"{PACKAGE}/{generated}" for generated in ("msg", "srv", "_lib")),
}
NOT_SOURCE_ANYWHERE = shutil.ignore_patterns(
    ".venv*", ".*_cache", "__pycache__", "*.so", "*.egg-info"
)

# The node runs until the interrupt, seconds later, and then has to end by itself with status 0.
INTERRUPTED = ("timeout", "--preserve-status", "--signal=INT", "8")

# Runs under the installed package: what is imported must come from the folder in argv[1].
SMOKE_TEST = """
import sys
from pathlib import Path
import ovseg_ros, ovseg_ros.msg, ovseg_ros.srv, ovseg_train
from ovseg_ros.packages import ModelPackage
from rclpy.serialization import deserialize_message, serialize_message

installed = Path(sys.argv[1]).resolve()
for module in (ovseg_ros, ovseg_ros.msg, ovseg_ros.srv, ovseg_train):
    assert installed in Path(module.__file__).resolve().parents, module.__file__
labels = ovseg_ros.msg.LabelMap(revision=7)
assert deserialize_message(serialize_message(labels), ovseg_ros.msg.LabelMap) == labels
package = ModelPackage.load("tiny")
assert installed in package.folder.resolve().parents, package.folder
print("ovseg_ros", ovseg_ros.__version__, "is installed, with interfaces and", package.card.name)
"""


def check_pip(work: Path) -> None:
    """Install with pip into a fresh environment under `work` and use what was installed."""
    source, prefix = copy_source(work / "source"), work / "venv"
    venv.create(prefix, with_pip=True)
    env = ros_cmake.build_environment(prefix)
    pip: Words = [prefix / "bin" / "pip", "install", "--quiet"]
    run([*pip, "-r", source / "requirements" / "ros-kilted.txt"], env, work)
    run([*pip, f"{source}[ros,cpu]"], env, work)
    run([prefix / "bin" / "python", "-c", SMOKE_TEST, prefix], env, work)
    run([prefix / "bin" / "ovseg", "--help"], env, work)
    run([*INTERRUPTED, prefix / "bin" / "python", "-m", "ovseg_ros.nodes.main"], env, work)


def check_colcon(work: Path, colcon: Path) -> None:
    """Build and test a workspace under `work` with `colcon` and run what was installed."""
    copy_source(work / "src" / PACKAGE)
    prefix = Path(sys.prefix)
    env = ros_cmake.build_environment(prefix)
    env["COLCON_LOG_PATH"] = str(work / "log")
    arguments = ["--cmake-args", *ros_cmake.cmake_arguments(prefix)]
    run([colcon, "build", "--base-paths", "src", *arguments], env, work)
    run([colcon, "test", "--base-paths", "src"], env, work)
    run([colcon, "test-result", "--verbose"], env, work)

    install = work / "install" / PACKAGE
    use: Words = ["bash", "-c", '. "$0" && exec "$@"', work / "install" / "setup.bash"]
    run([*use, prefix / "bin" / "python", "-c", SMOKE_TEST, install], env, work)
    node = install / "lib" / PACKAGE / "segmentation_node"
    run([*use, *INTERRUPTED, node], env, work)


def copy_source(target: Path) -> Path:
    """Copy the source tree, without what was built or generated in it, to `target`."""

    def not_source(folder: str, names: list[str]) -> set[str]:
        inside = Path(folder).relative_to(ros_cmake.REPOSITORY)
        dropped = {name for name in names if (inside / name).as_posix() in NOT_SOURCE}
        return dropped | NOT_SOURCE_ANYWHERE(folder, names)

    return Path(shutil.copytree(ros_cmake.REPOSITORY, target, ignore=not_source))


def run(command: Words, env: dict[str, str], folder: Path) -> None:
    """Run one step in `folder`, its command line shown; `CalledProcessError` when it fails."""
    words = [str(word) for word in command]
    env = {**env, "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST"}
    print("+", " ".join(w if "\n" not in w else "<program>" for w in words), flush=True)
    subprocess.run(words, env=env, cwd=folder, check=True)


def main() -> int:
    """Run the check named on the command line."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    checks = parser.add_subparsers(dest="check", required=True)
    checks.add_parser("pip")
    checks.add_parser("colcon").add_argument("colcon", type=Path)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ovseg_install_") as folder:
        work = Path(folder)
        try:
            if chosen.check == "pip":
                check_pip(work)
            else:
                check_colcon(work, Path(os.path.abspath(chosen.colcon)))
        except subprocess.CalledProcessError as error:
            status = error.returncode
            print(f"{chosen.check}: the step above failed with status {status}", file=sys.stderr)
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
