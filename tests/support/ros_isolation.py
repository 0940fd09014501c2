"""Keep the ROS graph of one test session away from every other ROS graph on the machine."""

from __future__ import annotations

import os
import socket
from pathlib import Path

# Above 101 the ports of a domain reach into the range that Linux hands out to clients.
DOMAINS = range(1, 102)
CLAIM_PORT = 23400


def isolate_ros(profile: Path) -> socket.socket:
    """Set the ROS variables of this process and its children; rclpy must not be initialised yet.

    Returns the socket that claims the domain: keep it open for as long as the domain is used.
    """
    domain, claim = claim_domain()
    os.environ.update(
        ROS_DOMAIN_ID=str(domain),
        ROS_LOCALHOST_ONLY="1",
        ROS_AUTOMATIC_DISCOVERY_RANGE="LOCALHOST",
        # Wrong types in message fields are errors here; in production rclpy does not look.
        ROS_PYTHON_CHECK_FIELDS="1",
        FASTDDS_DEFAULT_PROFILES_FILE=str(profile),
        FASTRTPS_DEFAULT_PROFILES_FILE=str(profile),
    )
    return claim


def claim_domain() -> tuple[int, socket.socket]:
    """Return a ROS domain id that no other test session holds, and the socket that holds it.

    Sessions find out about each other by a TCP port per domain, which the system frees when a
    session ends, however it ends.

    Raises:
        RuntimeError: all domains are claimed.
    """
    first = os.getpid() % len(DOMAINS)
    for offset in range(len(DOMAINS)):
        domain = DOMAINS[(first + offset) % len(DOMAINS)]
        claim = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            claim.bind(("127.0.0.1", CLAIM_PORT + domain))
        except OSError:
            claim.close()
            continue
        return domain, claim
    raise RuntimeError(f"all {len(DOMAINS)} ROS domains are taken by test sessions on this machine")
