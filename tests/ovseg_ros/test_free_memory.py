"""Giving memory back never fails, whatever the C library."""

import ctypes

import pytest

from ovseg_ros.free_memory import give_back_memory, limit_heaps


@pytest.mark.parametrize("library", ["of this machine", "with other habits"])
def test_it_is_asked_for_and_nothing_breaks(monkeypatch, library):
    if library == "with other habits":
        monkeypatch.setattr(ctypes, "CDLL", lambda _: object())
    limit_heaps()
    give_back_memory()
