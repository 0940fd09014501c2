"""Choosing how MuJoCo draws without a screen."""

from __future__ import annotations

import ctypes.util
import os
from types import ModuleType
from typing import Any

_LIBRARIES = {"osmesa": "OSMesa", "egl": "EGL"}
"""Backends that need no screen, in the order they are tried; both are equally fast here."""

_VALID = (*_LIBRARIES, "glfw")
_INSTALL = "apt install libosmesa6, or libegl1 with libgl1-mesa-dri"


class RenderingUnavailableError(RuntimeError):
    """MuJoCo or its software rendering is missing; the message says what to install."""


def load_mujoco() -> ModuleType:
    """Import MuJoCo with a rendering backend that this machine has.

    ``MUJOCO_GL`` is respected where it is set; otherwise the first of OSMesa and EGL whose
    library is found is taken. MuJoCo reads the variable once, when it is first imported.

    Raises:
        RenderingUnavailableError: no backend library, an unknown backend, or no MuJoCo.
    """
    chosen = os.environ.get("MUJOCO_GL", "").lower() or _first_available()
    if chosen not in _VALID:
        raise RenderingUnavailableError(
            f"MUJOCO_GL is {chosen!r}; valid values: {', '.join(_VALID)}"
        )
    os.environ["MUJOCO_GL"] = chosen
    try:
        import mujoco
    except ImportError as error:
        raise RenderingUnavailableError(
            f"MuJoCo did not import ({error}); install ovseg_ros[train]"
        ) from error
    except (AttributeError, OSError) as error:
        raise _not_started(error) from error
    return mujoco


def open_renderer(model: Any, width_px: int, height_px: int) -> Any:
    """Open a mujoco.Renderer for a compiled model.

    Raises:
        RenderingUnavailableError: the chosen backend cannot make an OpenGL context.
    """
    mujoco = load_mujoco()
    try:
        return mujoco.Renderer(model, height_px, width_px)
    except (RuntimeError, AttributeError, OSError, mujoco.FatalError) as error:
        raise _not_started(error) from error


def _not_started(error: Exception) -> RenderingUnavailableError:
    backend = os.environ["MUJOCO_GL"]
    return RenderingUnavailableError(
        f"MuJoCo could not draw with MUJOCO_GL={backend} ({error}); {_INSTALL}, "
        "and leave MUJOCO_GL unset to choose what is there"
    )


def _first_available() -> str:
    for choice, library in _LIBRARIES.items():
        if ctypes.util.find_library(library):
            return choice
    raise RenderingUnavailableError(
        f"neither OSMesa nor EGL was found for software rendering; {_INSTALL}"
    )
