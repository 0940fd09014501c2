"""The Fast DDS profile, /dev/shm, and the socket buffers of other middlewares."""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_machine import machine

from ovseg_ros.doctor.examination import State, Topic
from ovseg_ros.doctor.shared_memory import (
    ProfileError,
    examine_shared_memory,
    judge_room,
    read_profile,
    shipped_profile,
)

SHIPPED = Path(__file__).parents[3] / "config" / "fastdds_shm.xml"
FAST, CYCLONE = "rmw_fastrtps_cpp", "rmw_cyclonedds_cpp"
NEW, OLD = "FASTDDS_DEFAULT_PROFILES_FILE", "FASTRTPS_DEFAULT_PROFILES_FILE"


def changed(folder: Path, before: str, after: str) -> Path:
    """Return a copy of the shipped profile with one thing changed."""
    text = SHIPPED.read_text(encoding="utf-8")
    assert before in text
    path = folder / "profile.xml"
    path.write_text(text.replace(before, after), encoding="utf-8")
    return path


def test_the_shipped_profile_is_found_and_good(tmp_path) -> None:
    profile = read_profile(SHIPPED)
    assert (profile.segment_bytes, profile.message_bytes) == (64 << 20, 16 << 20)
    assert shipped_profile(machine(tmp_path)) == SHIPPED


@pytest.mark.parametrize(
    ("before", "after", "refusal"),
    [
        pytest.param("<type>SHM</type>", "<type>UDPv4</type>", "no shared memory", id="no-shm"),
        pytest.param(
            'is_default_profile="true"', "", "no shared memory", id="not-the-default-profile"
        ),
        pytest.param("</profiles>", "", "cannot be read", id="cut-off"),
    ],
)
def test_a_profile_that_does_not_carry_images_is_refused(tmp_path, before, after, refusal) -> None:
    with pytest.raises(ProfileError, match=refusal):
        read_profile(changed(tmp_path, before, after))


@pytest.mark.parametrize(
    ("distribution", "environment", "state", "remedy"),
    [
        pytest.param("kilted", {NEW: str(SHIPPED)}, State.OK, "", id="new-name"),
        pytest.param("jazzy", {OLD: str(SHIPPED)}, State.OK, "", id="old-name"),
        pytest.param("jazzy", {}, State.WARNING, f"export {OLD}=", id="not-set"),
        pytest.param("kilted", {}, State.WARNING, f"export {NEW}=", id="not-set-kilted"),
        pytest.param(
            "jazzy", {NEW: str(SHIPPED)}, State.WARNING, f"export {OLD}=", id="name-not-read"
        ),
        pytest.param("kilted", {NEW: "no.xml"}, State.WARNING, f"export {NEW}=", id="no-file"),
    ],
)
def test_the_profile_of_this_shell(tmp_path, distribution, environment, state, remedy) -> None:
    environment = environment | {"ROS_DISTRO": distribution}
    finding = examine_shared_memory(machine(tmp_path, environment=environment), FAST)[0]
    assert (finding.topic, finding.state) == (Topic.SHM_PROFILE, state)
    assert finding.remedy == (f"{remedy}{SHIPPED}" if remedy else "")


def test_a_segment_smaller_than_a_frame_is_told(tmp_path) -> None:
    profile = changed(tmp_path, "67108864", "524288")
    finding = examine_shared_memory(machine(tmp_path, environment={NEW: str(profile)}), FAST)[0]
    assert finding.state is State.WARNING
    assert "0.5 MB, less than one 1920x1080 frame" in finding.found


@pytest.mark.parametrize(
    ("free_bytes", "state"), [(67_108_864, State.WARNING), (512 << 20, State.OK)]
)
def test_two_segments_must_fit(free_bytes, state) -> None:
    finding = judge_room(free_bytes, 1 << 30, "docker run --shm-size=1g ...")
    assert finding.state is state


@pytest.mark.parametrize(
    ("rmem_max", "state"), [("212992\n", State.WARNING), ("2147483647\n", State.OK)]
)
def test_other_middlewares_need_socket_buffers(tmp_path, rmem_max, state) -> None:
    surroundings = machine(tmp_path, {"proc/sys/net/core/rmem_max": rmem_max})
    (finding,) = examine_shared_memory(surroundings, CYCLONE)
    assert (finding.topic, finding.state) == (Topic.SOCKETS, state)


def test_nothing_is_said_where_there_is_no_ros(tmp_path) -> None:
    assert examine_shared_memory(machine(tmp_path), "") == []
