"""`Configuration`: what segments the frames, and how it is written in one line."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.engine.choice import REFERENCE, EngineChoice
from ovseg_ros.engine.profile import camera_from_text
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import DEFAULT_PACKAGE

KEYS = (
    "package",
    "backend",
    "precision",
    "device",
    "camera",
    "adapters",
    "adapter-dir",
    "labels",
    "threshold",
)


@dataclass(frozen=True)
class Configuration:
    """A package, the engine it runs on, its adapters, and what it is asked for.

    `labels` is a query, empty for the names of the ground truth; `threshold` is for labels that
    bring none (None: the package's own). One thread computes the same everywhere; `threads` 0 takes
    all cores.
    """

    package: str = DEFAULT_PACKAGE
    engine: EngineChoice = REFERENCE
    camera_px: tuple[int, int] | None = None
    adapters: str = "none"
    adapter_dir: Path | None = None
    labels: str = ""
    threshold: float | None = 0.0
    threads: int = 1

    def facts(self) -> dict[str, str]:
        """Return it in words, for a report."""
        return {
            "package": self.package,
            "engine": str(self.engine),
            "adapters": self.adapters,
            "labels": self.labels or "those of the ground truth",
            "threshold": "card" if self.threshold is None else f"{self.threshold:g}",
        }


def parse_threshold(text: str) -> float | None:
    """Return a threshold in 0..1, or None for 'card'; raises `OvsegError` for anything else."""
    if text == "card":
        return None
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0.0 <= value <= 1.0:
        raise OvsegError(f"'{text}' is neither a number from 0 to 1 nor 'card'")
    return value


def parse_against(text: str, base: Configuration) -> Configuration:
    """Return `base` with what `text` changes, such as 'package=other,adapters=fog=0.7,rain=0.3'.

    A value goes up to the next comma that a known key follows. Raises `OvsegError`.
    """
    values = _values(text)
    engine = base.engine
    if {"backend", "precision", "device"} & set(values):
        backend = values.get("backend", engine.backend.value)
        kept = engine.precision.value if "backend" not in values else ""
        engine = EngineChoice.of(backend, values.get("precision", kept), values.get("device", ""))
    directory, camera = values.get("adapter-dir"), values.get("camera")
    return replace(
        base,
        package=values.get("package", base.package),
        engine=engine,
        camera_px=camera_from_text(camera) if camera else base.camera_px,
        adapters=values.get("adapters", base.adapters),
        adapter_dir=Path(directory) if directory else base.adapter_dir,
        labels=values.get("labels", base.labels),
        threshold=parse_threshold(values["threshold"]) if "threshold" in values else base.threshold,
    )


def _values(text: str) -> dict[str, str]:
    values: dict[str, str] = {}
    last = ""
    for piece in text.split(","):
        key, sign, value = piece.partition("=")
        if sign and key.strip() in KEYS:
            last = key.strip()
            values[last] = value.strip()
        elif last:
            values[last] += f",{piece}"
        else:
            raise OvsegError(
                f"--against '{text}' does not begin with a key; write for example "
                f"adapters=auto,threshold=0.2 with the keys {', '.join(KEYS)}"
            )
    return values
