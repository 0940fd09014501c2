"""A ROS graph of its own: the environment that keeps a demo apart from every other ROS system."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.packages import package_roots

# Above 101 the ports of a domain reach into the range that Linux hands out to clients. The claim
# ports are those of the test suite, so that a demo and a test session stay apart too.
_DOMAINS = range(1, 102)
_CLAIM_PORT = 23400
_PROFILE = "fastdds_shm.xml"


@contextmanager
def private_graph() -> Iterator[dict[str, str]]:
    """Yield the environment for processes of one private graph on this machine.

    The domain id is held by a TCP port that the system frees when this process ends, however it
    ends. The Fast DDS profile gives shared memory large enough for raw images. Raises
    `OvsegError` where ROS is missing, no domain is free or the profile is not installed.
    """
    require_ros()
    profile = _find_profile()
    domain, claim = _claim_domain()
    with claim:
        yield {
            **os.environ,
            "ROS_DOMAIN_ID": str(domain),
            "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
            "ROS_LOCALHOST_ONLY": "1",
            "FASTDDS_DEFAULT_PROFILES_FILE": profile,
            "FASTRTPS_DEFAULT_PROFILES_FILE": profile,
            "PYTHONUNBUFFERED": "1",
        }


def require_ros(find: Callable[[str], object | None] = find_spec) -> None:
    """Raise `OvsegError` where rclpy or this project's messages cannot be imported."""
    if find("rclpy") is None:
        raise MissingExtraError("rclpy", "ros")
    if find("ovseg_ros.msg") is None:
        raise OvsegError(
            "the ROS messages of ovseg_ros are not built; run `make build` in the source tree, or "
            "build it with colcon and source its setup file"
        )


def _find_profile() -> str:
    for root in package_roots():
        profile = root.parent / "config" / _PROFILE
        if profile.is_file():
            return str(profile)
    raise OvsegError(f"the Fast DDS profile config/{_PROFILE} is not installed; install ovseg_ros")


def _claim_domain() -> tuple[int, socket.socket]:
    first = os.getpid() % len(_DOMAINS)
    for offset in range(len(_DOMAINS)):
        domain = _DOMAINS[(first + offset) % len(_DOMAINS)]
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind(("127.0.0.1", _CLAIM_PORT + domain))
        except OSError:
            claim.close()
            continue
        return domain, claim
    raise OvsegError(f"all {len(_DOMAINS)} ROS domains are in use by demos and tests; stop some")
