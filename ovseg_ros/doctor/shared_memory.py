"""Whether raw images get from process to process: the Fast DDS profile and /dev/shm.

With Fast DDS's defaults nearly every raw best-effort image is lost between two processes; see
config/fastdds_shm.xml.
"""

from __future__ import annotations

import os
import shlex
from dataclasses import dataclass
from pathlib import Path
from xml.etree import ElementTree

from ovseg_ros.doctor.examination import Finding, State, Topic
from ovseg_ros.doctor.surroundings import Surroundings

_PROFILE = Path("config") / "fastdds_shm.xml"
_NEW, _OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"
# Distributions whose Fast DDS reads the old name only.
_OLD_DISTRIBUTIONS = ("humble", "jazzy")
# One raw frame of 1920x1080 rgb8.
_FRAME_BYTES = 1920 * 1080 * 3
_DEFAULT_SEGMENT_BYTES = 64 << 20


class ProfileError(Exception):
    """A profile cannot be read, or does not carry images through shared memory."""


@dataclass(frozen=True)
class ShmProfile:
    """What a profile does: sizes in bytes of the segment and of the longest unsplit message."""

    segment_bytes: int
    message_bytes: int


def examine_shared_memory(surroundings: Surroundings, middleware: str) -> list[Finding]:
    """Return the findings that matter for `middleware`; none where there is no ROS."""
    if not middleware:
        return []
    if "fastrtps" not in middleware:
        return [_sockets(surroundings, middleware)]
    profile = _profile(surroundings)
    return [profile, _room(surroundings)]


def read_profile(path: Path) -> ShmProfile:
    """Return what the default participant of the profile at `path` does; raises `ProfileError`."""
    try:
        tree = ElementTree.parse(path).getroot()
    except (OSError, ElementTree.ParseError) as error:
        raise ProfileError(f"{path} cannot be read: {error}") from None
    # A profile may have a namespace or none; names alone decide.
    for element in tree.iter():
        element.tag = element.tag.rpartition("}")[2]
    participants = [p for p in tree.iter("participant") if p.get("is_default_profile") == "true"]
    used = {(t.text or "").strip() for p in participants for t in p.iter("transport_id")}
    for transport in tree.iter("transport_descriptor"):
        name = (transport.findtext("transport_id") or "").strip()
        if name in used and (transport.findtext("type") or "").strip() == "SHM":
            return ShmProfile(_size(transport, "segment_size"), _size(transport, "maxMessageSize"))
    raise ProfileError(f"the default participant of {path} uses no shared memory of its own")


def _size(transport: ElementTree.Element, name: str) -> int:
    text = (transport.findtext(name) or "0").strip()
    return int(text) if text.isdigit() else 0


def shipped_profile(surroundings: Surroundings) -> Path:
    """Return where the profile of this project lies: installed, or in the source tree."""
    named = surroundings.environment.get("AMENT_PREFIX_PATH", "").split(os.pathsep)
    prefixes = [Path(name) for name in named if name] + [surroundings.prefix]
    folders = [Path(__file__).resolve().parents[2], *(p / "share/ovseg_ros" for p in prefixes)]
    candidates = [folder / _PROFILE for folder in folders]
    return next((path for path in candidates if path.is_file()), _PROFILE)


def _profile(surroundings: Surroundings) -> Finding:
    environment, topic = surroundings.environment, Topic.SHM_PROFILE
    old = environment.get("ROS_DISTRO") in _OLD_DISTRIBUTIONS
    names = (_OLD, _NEW) if old else (_NEW, _OLD)
    wanted = shlex.quote(str(shipped_profile(surroundings)))
    remedy = f"export {names[0]}={wanted}"
    name = next((name for name in names if environment.get(name)), None)
    if name is None:
        found = (
            f"{names[0]} is not set in this shell; the launch file sets it for the node, "
            "the camera's process needs it too"
        )
        return Finding(topic, State.WARNING, found, remedy)
    try:
        profile = read_profile(Path(environment[name]))
    except ProfileError as error:
        return Finding(topic, State.WARNING, str(error), remedy)
    megabytes = f"{profile.segment_bytes / 1e6:.1f} MB"
    if profile.segment_bytes < _FRAME_BYTES:
        found = f"{environment[name]} has a segment of {megabytes}, less than one 1920x1080 frame"
        return Finding(topic, State.WARNING, found, remedy)
    if old and name == _NEW:
        found = f"{_NEW} is set, but Fast DDS of {environment['ROS_DISTRO']} reads {_OLD}"
        return Finding(topic, State.WARNING, found, remedy)
    return Finding(topic, State.OK, f"{name}, a segment of {megabytes}")


def _room(surroundings: Surroundings) -> Finding:
    folder = surroundings.root / "dev/shm"
    enlarge = "sudo mount -o remount,size=1G /dev/shm"
    remedy = "docker run --shm-size=1g ..." if surroundings.in_container else enlarge
    try:
        space = os.statvfs(folder)
    except OSError as error:
        return Finding(Topic.SHM, State.WARNING, f"{folder}: {error.strerror}", remedy)
    free, total = space.f_bavail * space.f_frsize, space.f_blocks * space.f_frsize
    return judge_room(free, total, remedy)


def judge_room(free_bytes: int, total_bytes: int, remedy: str) -> Finding:
    """Return the finding on /dev/shm: the camera's process and the node map a segment each."""
    found = f"/dev/shm has {free_bytes / 1e6:.0f} of {total_bytes / 1e6:.0f} MB free"
    if free_bytes < 2 * _DEFAULT_SEGMENT_BYTES:
        return Finding(
            Topic.SHM, State.WARNING, f"{found}; camera and node need 134 MB together", remedy
        )
    return Finding(Topic.SHM, State.OK, found)


def _sockets(surroundings: Surroundings, middleware: str) -> Finding:
    """Look at the buffer that raw images go through where they do not use shared memory."""
    text = (surroundings.text("proc/sys/net/core/rmem_max") or "").strip()
    bytes_ = int(text) if text.isdigit() else 0
    found = f"{middleware}: net.core.rmem_max is {bytes_ / 1e6:.1f} MB"
    if bytes_ < _FRAME_BYTES:
        remedy = "sudo sysctl -w net.core.rmem_max=33554432"
        return Finding(
            Topic.SOCKETS, State.WARNING, f"{found}, less than one 1920x1080 frame", remedy
        )
    return Finding(Topic.SOCKETS, State.OK, found)
