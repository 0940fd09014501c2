"""Libraries of the generated interfaces in a pip install.

rosidl opens its type support libraries by bare file name. colcon puts them on the library search
path; a pip install keeps them in `ovseg_ros/_lib`, where no search path leads. A library that the
process has already loaded satisfies such an open, so the interface modules of a pip install load
them first.
"""

from __future__ import annotations

import ctypes
from pathlib import Path


def preload_libraries() -> None:
    """Load the type support libraries of `ovseg_ros/_lib`; a second call costs next to nothing.

    Raises:
        OSError: the ROS libraries they need are not on the library search path, as happens when
            the interpreter was started without the environment of the ROS wheels.
    """
    for library in sorted((Path(__file__).parent / "_lib").glob("lib*.so")):
        ctypes.CDLL(str(library))
