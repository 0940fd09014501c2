"""The Python names that a pickle asks for, read off its opcodes without running any of them."""

from __future__ import annotations

import pickletools
from collections.abc import Iterator
from typing import IO, Any

_STRINGS = {"SHORT_BINUNICODE", "BINUNICODE", "BINUNICODE8", "UNICODE"}
_GETS = {"BINGET", "LONG_BINGET", "GET"}
_PUTS = {"BINPUT", "LONG_BINPUT", "PUT"}


def pickle_globals(pickle: bytes | IO[bytes]) -> list[str]:
    """Return the dotted names of the globals in the first pickle of `pickle`, in their order.

    It is for explaining, not for deciding: a pickle can compose names that this does not see, and a
    damaged pickle gives those before the damage.
    """
    return list(dict.fromkeys(_globals(pickle)))


def _globals(pickle: bytes | IO[bytes]) -> Iterator[str]:
    pushed: list[str] = []
    memo: dict[int, str] = {}
    try:
        argument: Any
        for opcode, argument, _ in pickletools.genops(pickle):
            if opcode.name in {"GLOBAL", "INST"}:
                yield str(argument).replace(" ", ".")
            elif opcode.name == "STACK_GLOBAL":
                yield ".".join(pushed[-2:])
            elif opcode.name in _STRINGS:
                pushed.append(str(argument))
            elif opcode.name == "MEMOIZE":
                memo[len(memo)] = pushed[-1] if pushed else ""
            elif opcode.name in _PUTS:
                memo[argument] = pushed[-1] if pushed else ""
            elif opcode.name in _GETS:
                pushed.append(memo.get(argument, ""))
    except (ValueError, EOFError):
        return
