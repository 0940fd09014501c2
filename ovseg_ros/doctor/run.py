"""The examination as a whole: what is asked, in which order it is judged, and what to start."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path

from ovseg_ros.doctor.asking import Answer, Question
from ovseg_ros.doctor.backends import examine_onnxruntime, examine_openvino, examine_torch
from ovseg_ros.doctor.cache_folder import examine_cache
from ovseg_ros.doctor.examination import Examination, Finding, State, Topic
from ovseg_ros.doctor.gpu import Gpus, examine_gpus
from ovseg_ros.doctor.ros import examine_ros, middleware
from ovseg_ros.doctor.shared_memory import examine_shared_memory
from ovseg_ros.doctor.surroundings import Surroundings
from ovseg_ros.doctor.system import examine_system
from ovseg_ros.doctor.tensorrt import examine_tensorrt

_CAMERA_TOPIC = "/camera/color/image_raw"
_ON_PICTURES = 'ovseg segment pictures/ --labels "person; car; road" --out masks'


def examine(
    surroundings: Surroundings,
    answers: Mapping[Question, Answer],
    packages: Sequence[str | Path] = (),
) -> Examination:
    """Judge the `answers`, what lies in `surroundings`, and the packages.

    `packages`, names or folders, are looked at beside those that are installed.
    """
    gpus = Gpus.of(answers[Question.CUDA], surroundings.on_jetson)
    tensorrt, rtx = answers[Question.TENSORRT], answers[Question.TENSORRT_RTX]
    libraries = examine_tensorrt(surroundings, tensorrt, rtx, gpus)
    system = examine_system(surroundings, answers[Question.CORE])
    driver, cuda_python = answers[Question.CUDA], answers[Question.CUDA_PYTHON]
    findings = [
        *system,
        examine_onnxruntime(answers[Question.ONNXRUNTIME]),
        examine_openvino(answers[Question.OPENVINO]),
        examine_torch(answers[Question.TORCH], gpus),
        *examine_gpus(surroundings, driver, cuda_python, gpus),
        *libraries.findings,
    ]
    checked = False
    # Packages are opened with modules that may be the very thing that is missing.
    if all(finding.state is not State.FAULT for finding in system):
        kept, checked = _what_is_kept(surroundings, gpus, libraries.usable, packages)
        findings += kept
    ros = examine_ros(
        surroundings,
        *(answers[q] for q in (Question.RCLPY, Question.INTERFACES, Question.VISION_MSGS)),
    )
    used = middleware(surroundings, answers[Question.RCLPY])
    findings += [*ros, *examine_shared_memory(surroundings, used)]
    return Examination(tuple(findings), _start(surroundings, ros, checked))


def _what_is_kept(
    surroundings: Surroundings,
    gpus: Gpus,
    libraries: Mapping[str, str],
    references: Sequence[str | Path],
) -> tuple[list[Finding], bool]:
    """Return the findings on packages, cache and engines, and whether an engine may be opened."""
    from ovseg_ros.doctor.engines import examine_engines
    from ovseg_ros.doctor.packages import examine_packages
    from ovseg_ros.packages import installed_packages

    packages = examine_packages([*installed_packages(), *references])
    engines = examine_engines(surroundings.cache, gpus, libraries, packages.usable)
    findings = [*packages.findings, examine_cache(surroundings.cache), *engines.findings]
    return findings, bool(engines.checked and gpus.devices)


def _start(surroundings: Surroundings, ros: Sequence[Finding], on_gpu: bool) -> str:
    """Return the command that starts the main job: the node where ROS is, else the files' verb."""
    needed = [f for f in ros if f.topic in (Topic.ROS, Topic.INTERFACES)]
    if not all(finding.state is State.OK for finding in needed):
        return f"{_ON_PICTURES} --backend tensorrt" if on_gpu else _ON_PICTURES
    if not on_gpu and shutil.which("ros2", path=surroundings.environment.get("PATH", "")):
        return f"ros2 launch ovseg_ros ovseg.launch.py image_topic:={_CAMERA_TOPIC}"
    engine = " -p engine.backend:=tensorrt" if on_gpu else ""
    return f"python -m ovseg_ros.nodes.main --ros-args -r image:={_CAMERA_TOPIC}{engine}"
