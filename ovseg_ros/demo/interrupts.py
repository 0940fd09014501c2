"""Ctrl-C and SIGTERM that are not lost, whatever they interrupt."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_SIGNALS = (signal.SIGINT, signal.SIGTERM)


@contextmanager
def interruptible() -> Iterator[Callable[[], None]]:
    """Let SIGTERM end the block as Ctrl-C does, so that processes and files are cleaned up.

    Yields what raises the interrupt again if it was lost: where one arrives within a destructor or
    the callback of an import, Python reports it and goes on.
    """
    arrived = threading.Event()

    def interrupt(*_: object) -> None:
        arrived.set()
        raise KeyboardInterrupt

    def go_on() -> None:
        if arrived.is_set():
            raise KeyboardInterrupt

    # A job in the background of a script is not meant to hear Ctrl-C.
    heard = [each for each in _SIGNALS if signal.getsignal(each) is not signal.SIG_IGN]
    before = {each: signal.signal(each, interrupt) for each in heard}
    try:
        yield go_on
    finally:
        for each, handler in before.items():
            signal.signal(each, handler)
