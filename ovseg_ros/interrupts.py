"""Ctrl-C and SIGTERM that are not lost, whatever they interrupt.

Python raises an interrupt wherever its main thread happens to be. Within a destructor or a callback
of the import system it reports the exception and goes on, and what made a class comes back as a
`RuntimeError`: the command would run to its end, or fail with a traceback.
"""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

_AGAIN_AFTER_S = 0.01


@contextmanager
def interruptible() -> Iterator[None]:
    """End the block by `KeyboardInterrupt` at Ctrl-C or SIGTERM, so that files are cleaned up.

    What drops the exception hears it again, what wraps it is unwrapped. For the main thread only;
    handlers are as before behind the block.
    """
    with _handlers(), _nothing_dropped():
        try:
            yield
        except Exception as error:
            if isinstance(error.__cause__, KeyboardInterrupt):
                raise error.__cause__ from None
            raise


@contextmanager
def _handlers() -> Iterator[None]:
    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    # A job in the background of a script is not meant to hear Ctrl-C.
    asked = [each for each in (signal.SIGINT, signal.SIGTERM) if _is_heard(each)]
    before = {each: signal.signal(each, interrupt) for each in (*asked, signal.SIGALRM)}
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        for each, handler in before.items():
            signal.signal(each, handler)


def _is_heard(sign: signal.Signals) -> bool:
    return signal.getsignal(sign) is not signal.SIG_IGN


@contextmanager
def _nothing_dropped() -> Iterator[None]:
    report = sys.unraisablehook

    def again(dropped: sys.UnraisableHookArgs) -> None:
        if issubclass(dropped.exc_type, KeyboardInterrupt):
            # What is raised in here would be dropped as well; an alarm comes when this is over.
            signal.setitimer(signal.ITIMER_REAL, _AGAIN_AFTER_S)
        else:
            report(dropped)

    sys.unraisablehook = again
    try:
        yield
    finally:
        sys.unraisablehook = report
