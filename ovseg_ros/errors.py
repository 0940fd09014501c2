"""The errors users see: each says what was found, what was wanted and what to do."""

from __future__ import annotations


class OvsegError(Exception):
    """Base of every error this project raises on purpose; its text is fit to show to a user."""


class QueryError(OvsegError):
    """A label query was refused; the vocabulary in force stays as it was."""


class PackageError(OvsegError):
    """A model package is missing, incomplete, altered or of a kind that this program cannot run."""


class FrameError(OvsegError):
    """A camera frame cannot be used; the frame is dropped and counted."""


class PointsError(OvsegError):
    """No point cloud can be made of a frame; its mask is published all the same."""


class BackendError(OvsegError):
    """An inference backend is not available or cannot run the package."""


class StalledEngineError(BackendError):
    """An inference did not come back in time; its engine is given up, and another may be loaded."""


class GpuMemoryError(BackendError):
    """The GPU has too little memory left for an engine; another one may run instead if allowed."""


class AdapterError(OvsegError):
    """An adapter or a mix of adapters cannot be used with the loaded package."""


class WeightsError(OvsegError):
    """A weight file cannot be fetched, is not what it should be, or does not fit the network."""


class MissingExtraError(OvsegError):
    """An optional dependency is not installed."""

    def __init__(self, module: str, extra: str) -> None:
        """Name the missing `module` and the `extra` of this project that provides it."""
        super().__init__(
            f"the Python module '{module}' is not installed; it comes with the extra '{extra}': "
            f"install it with  pip install 'ovseg_ros[{extra}]'"
        )
