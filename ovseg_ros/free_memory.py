"""Giving memory back to the system once an engine is gone."""

from __future__ import annotations

import contextlib
import ctypes
import gc


def give_back_memory() -> None:
    """Collect what nobody refers to any more, and hand free pages to the system; takes some ms.

    Threads that load and run engines leave their free memory scattered over the heaps of glibc,
    which keeps it: without this, a process that loads an engine again and again grows by some ten
    MB each time. Other C libraries have no such call, and nothing happens.
    """
    gc.collect()
    with contextlib.suppress(OSError, AttributeError):
        ctypes.CDLL(None).malloc_trim(0)
