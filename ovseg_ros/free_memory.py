"""Keeping the memory of a process that runs for months small, where the C library is glibc."""

from __future__ import annotations

import contextlib
import ctypes
import gc

# malloc.h: M_ARENA_MAX.
_ARENA_MAX = -8
_HEAPS = 2


def limit_heaps() -> None:
    """Let all threads of this process share two heaps; to be called before the first is started.

    By default glibc gives threads heaps of their own, eight for each core. A thread that runs an
    engine leaves some ten MB of freed memory on its heap, and with each activate it is another one.
    Threads wait for each other on a heap, but those of Python and of engines allocate little.
    """
    _glibc("mallopt", _ARENA_MAX, _HEAPS)


def give_back_memory() -> None:
    """Collect what nobody refers to any more, and hand free pages to the system; takes some ms."""
    gc.collect()
    _glibc("malloc_trim", 0)


def _glibc(function: str, *arguments: int) -> None:
    # Other C libraries have no such functions, and other habits.
    with contextlib.suppress(OSError, AttributeError):
        getattr(ctypes.CDLL(None), function)(*arguments)
