"""What TensorRT says while it works: its errors, kept so that ours can quote them.

TensorRT returns nothing where it fails, and tells its logger why.
"""

from __future__ import annotations

from collections import deque
from functools import cache
from threading import Lock
from typing import Any

_KEPT = 8


class Messages:
    """The last errors of one library, oldest first, each once; written by its threads."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._lines: deque[str] = deque(maxlen=_KEPT)

    def add(self, line: str) -> None:
        """Keep `line`, unless it is kept already."""
        with self._lock:
            if line not in self._lines:
                self._lines.append(line)

    def take(self) -> tuple[str, ...]:
        """Return what is kept and forget it."""
        with self._lock:
            lines = tuple(self._lines)
            self._lines.clear()
        return lines


@cache
def logger_of(module: Any) -> tuple[Any, Messages]:
    """Return the logger of `module` (tensorrt or tensorrt_rtx) and what it keeps.

    There is one per process: TensorRT-RTX ignores every logger but the first it is given, and a
    logger has to outlive all that was made with it.
    """
    messages = Messages()
    error = module.ILogger.Severity.ERROR

    class KeepingLogger(module.ILogger):  # type: ignore[misc]
        def __init__(self) -> None:
            module.ILogger.__init__(self)

        def log(self, severity: Any, msg: str) -> None:
            if int(severity) <= int(error):
                messages.add(" ".join(msg.split()))

    return KeepingLogger(), messages
