"""Where the doctor looks: a root folder, an environment and this interpreter, as values."""

from __future__ import annotations

import os
import platform
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

_CONTAINER_SIGNS = (".dockerenv", "run/.containerenv")


@dataclass(frozen=True)
class Surroundings:
    """The machine as the checks see it.

    `root` is what /proc, /etc, /sys, /opt and /var are looked up under; `cache` the folder of
    engines and verdicts; `prefix` that of the Python environment; `python` its version.
    """

    cache: Path
    root: Path = Path("/")
    environment: Mapping[str, str] = field(default_factory=lambda: dict(os.environ))
    prefix: Path = field(default_factory=lambda: Path(sys.prefix))
    python: tuple[int, int] = sys.version_info[:2]
    architecture: str = field(default_factory=platform.machine)

    def text(self, path: str) -> str | None:
        """Return the text of the file `path` under the root; None where it cannot be read."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return None

    @property
    def in_container(self) -> bool:
        """Whether this runs in a container of Docker or Podman."""
        return any((self.root / sign).exists() for sign in _CONTAINER_SIGNS)

    @property
    def on_jetson(self) -> bool:
        """Whether this is an NVIDIA Jetson."""
        return (self.root / "etc/nv_tegra_release").exists()

    @property
    def distributions(self) -> tuple[str, ...]:
        """The sorted names of the ROS distributions under /opt/ros."""
        setups = (self.root / "opt/ros").glob("*/setup.bash")
        return tuple(sorted(path.parent.name for path in setups))
