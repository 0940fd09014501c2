"""Segments of dead processes are told from those of living ones by the lock that these hold."""

import fcntl
import os

import pytest

from ovseg_ros.shm_leftovers import find_leftovers, remove_leftovers

DEAD, ALIVE, YOUNG = (f"fastdds_{n:016x}" for n in range(3))
OTHERS = ("fastdds_port7411", "fastdds_port7411_el", "sem.x", "fastdds_xyz_el", "data")


@pytest.fixture
def folder(tmp_path):
    for name in (DEAD, ALIVE, YOUNG):
        (tmp_path / name).write_bytes(bytes(8192))
        (tmp_path / f"{name}_el").touch()
        if name != YOUNG:
            os.utime(tmp_path / f"{name}_el", (0, 0))
    for name in OTHERS:
        (tmp_path / name).touch()
    with (tmp_path / f"{ALIVE}_el").open() as lock:
        fcntl.flock(lock, fcntl.LOCK_SH)
        yield tmp_path


def test_only_what_nobody_holds_is_removed(folder):
    assert find_leftovers(folder) == [folder / DEAD]
    count, size = remove_leftovers(folder)
    assert (count, size) == (1, 8192)
    left = {path.name for path in folder.iterdir()}
    assert left == {ALIVE, f"{ALIVE}_el", YOUNG, f"{YOUNG}_el", *OTHERS}
    assert remove_leftovers(folder) == (0, 0)


def test_a_machine_without_shared_memory_has_none(tmp_path):
    assert remove_leftovers(tmp_path / "nowhere") == (0, 0)
