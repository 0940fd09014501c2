"""Timings kept from build to build, with a stand-in for the library that measures them."""

from __future__ import annotations

from pathlib import Path

import pytest
import stored_engines as engines

from ovseg_ros.engine.tensorrt.timing import kept_timings, timing_path


class Timings:
    def __init__(self, data: bytes) -> None:
        self.data = data

    def serialize(self) -> bytes:
        return self.data


class Config:
    """Takes timings that begin with 'good', or none, as TensorRT takes those of its own."""

    def __init__(self) -> None:
        self.timings: Timings | None = None

    def create_timing_cache(self, data: bytes) -> Timings | None:
        return None if data == b"damaged" else Timings(data)

    def set_timing_cache(self, timings: Timings, ignore_mismatch: bool) -> bool:
        assert not ignore_mismatch
        fits = timings.data[:4] in (b"", b"good")
        if fits:
            self.timings = timings
        return fits

    def get_timing_cache(self) -> Timings | None:
        return self.timings


@pytest.mark.parametrize(
    ("before", "used"),
    [(None, b""), (b"good 1", b"good 1"), (b"foreign", b""), (b"damaged", b"")],
)
@pytest.mark.parametrize("fails", [False, True])
def test_timings_are_kept_whether_the_build_succeeds_or_not(tmp_path, before, used, fails) -> None:
    library, config = engines.library(), Config()
    path = timing_path(tmp_path, library, "Orin (8.7)")
    assert path == tmp_path / "timing" / "tensorrt-11.4.0-Orin-8.7-.cache"
    if before is not None:
        path.parent.mkdir()
        path.write_bytes(before)
    try:
        with kept_timings(library, config, path):
            assert config.timings is not None and config.timings.data == used
            config.timings.data = b"good 2"
            if fails:
                raise KeyboardInterrupt
    except KeyboardInterrupt:
        assert fails
    assert path.read_bytes() == b"good 2"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


def test_a_folder_that_cannot_be_written_is_no_reason_to_fail(tmp_path: Path) -> None:
    (tmp_path / "timing").write_text("a file")
    library = engines.library()
    with kept_timings(library, Config(), timing_path(tmp_path, library, "x")):
        pass
    assert (tmp_path / "timing").read_text() == "a file"


def test_the_library_for_rtx_measures_nothing(tmp_path: Path) -> None:
    library = engines.library()
    library.module.IBuilderConfig = type("Portable", (), {"num_compute_capabilities": 0})
    with kept_timings(library, None, tmp_path / "timing" / "x.cache"):
        pass
    assert not list(tmp_path.iterdir())
