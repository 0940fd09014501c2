"""The cache folder: there or not, writable or not, full or not."""

from __future__ import annotations

import pytest

from ovseg_ros.doctor.cache_folder import examine_cache, judge_space
from ovseg_ros.doctor.examination import State


def test_a_folder_need_not_exist_yet(tmp_path) -> None:
    finding = examine_cache(tmp_path / "not" / "yet")
    assert str(tmp_path / "not" / "yet") in finding.found
    assert not (tmp_path / "not").exists()


def test_a_file_in_its_place_is_told(tmp_path) -> None:
    (tmp_path / "cache").write_text("")
    assert examine_cache(tmp_path / "cache").state is State.WARNING


@pytest.mark.parametrize(("free_gb", "state"), [(0.5, State.WARNING), (50.0, State.OK)])
def test_room_for_an_engine(tmp_path, free_gb, state) -> None:
    assert judge_space(tmp_path, int(free_gb * 1e9)).state is state
