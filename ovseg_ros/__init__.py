"""Open-vocabulary segmentation for robots: a camera frame and words in, a label mask out."""

from importlib.metadata import PackageNotFoundError, version

try:
    __version__ = version("ovseg_ros")
except PackageNotFoundError:
    # A source tree on the path that was never installed.
    __version__ = "0+unknown"
