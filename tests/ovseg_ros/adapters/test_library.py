"""A folder of adapters: what is in it, what is refused, what changes while it is in use."""

from __future__ import annotations

import os
import shutil
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_adapters import SCENE_DIM, small_card, write_small

from ovseg_ros.adapters import index as index_module
from ovseg_ros.adapters import library as library_module
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.shape import DomainShape
from ovseg_ros.errors import AdapterError


def open_library(folder: Path, **options: Any) -> AdapterLibrary:
    return AdapterLibrary.open(folder, small_card(), folder.parent / "cache", **options)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "library").mkdir()
    return tmp_path / "library"


def test_adapters_come_sorted_with_centroids_spreads_and_ranks(folder: Path) -> None:
    for name in ("night", "day", "fog"):
        write_small(folder, name)
    library = open_library(folder)
    infos = list(library.infos())
    assert library.names == ("day", "fog", "night") == tuple(info.name for info in infos)
    wanted = np.stack([info.centroid for info in infos])
    assert np.array_equal(library.index.centroids, wanted)
    assert library.index.spreads.tolist() == [0.5] * 3
    assert [library.index.rank(name) for name in library.names] == [2, 2, 2]
    assert "3 adapters in" in library.state


@pytest.mark.parametrize("there", [True, False])
def test_an_empty_or_missing_folder_is_a_library_without_adapters(
    folder: Path, there: bool
) -> None:
    if not there:
        folder.rmdir()
    library = open_library(folder)
    assert library.names == ()
    assert library.state.endswith("is empty" if there else "does not exist")
    with pytest.raises(AdapterError, match="'fog' is unknown; there are: none"):
        library.factors("fog")
    folder.mkdir(exist_ok=True)
    write_small(folder)
    assert library.refresh().added == ("fog",)


def test_a_folder_that_is_a_file_is_refused(folder: Path) -> None:
    with pytest.raises(AdapterError, match="cannot read the folder of adapters"):
        open_library(write_small(folder))


def test_files_that_cannot_be_used_are_listed_and_the_others_work(folder: Path) -> None:
    shutil.copy(write_small(folder), folder / "copy.safetensors")
    shutil.copy(folder / "fog.safetensors", folder / "cut.safetensors")
    (folder / "cut.safetensors").write_bytes((folder / "fog.safetensors").read_bytes()[:99])
    (folder / "notes.txt").write_text("no adapter")
    library = open_library(folder)
    assert library.names == ("fog",)
    assert "'fog' and fog.safetensors is there too" in library.refused["copy"]
    assert "truncated" in library.refused["cut"]
    assert "1 adapters in" in library.state and "2 files refused" in library.state
    with pytest.raises(AdapterError, match="truncated"):
        library.adapter("cut")


def test_a_package_without_a_hash_refuses_every_file_and_still_opens(folder: Path) -> None:
    write_small(folder)
    library = AdapterLibrary.open(folder, small_card(base_sha256=""), folder)
    assert library.names == ()
    assert "names no base_sha256" in library.refused["fog"]


def test_changes_are_picked_up_while_it_is_open(folder: Path) -> None:
    write_small(folder, "day")
    write_small(folder, "fog")
    library = open_library(folder)
    before = library.index
    assert not library.refresh()
    assert library.index is before
    write_small(folder, "night")
    (folder / "fog.safetensors").unlink()
    (folder / "day.safetensors").unlink()
    write_small(folder, "day", spread=0.75)
    (folder / "bad.safetensors").write_bytes(b"bad bytes")
    change = library.refresh()
    assert (change.added, change.removed) == (("night",), ("fog",))
    assert (change.replaced, change.refused) == (("day",), ("bad",))
    assert str(change) == "added: night; removed: fog; replaced: day; refused: bad"
    assert library.index.spreads.tolist() == [0.75, 0.5]
    assert before.names == ("day", "fog")


def test_a_replaced_file_is_read_again(folder: Path) -> None:
    path = write_small(folder, "day")
    library = open_library(folder)
    old = library.factors("day")
    path.unlink()
    write_small(folder, "day", alpha=8.0)
    library.refresh()
    assert np.allclose(library.factors("day").a, 2 * old.a)


def test_a_settled_folder_is_not_listed_again(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_small(folder)
    os.utime(folder, ns=(0, 0))
    library = open_library(folder)
    monkeypatch.setattr(library_module, "scan", lambda *_: pytest.fail("listed again"))
    assert not library.refresh()


def test_factors_are_kept_within_the_memory_given(folder: Path) -> None:
    for name in ("day", "fog", "night"):
        write_small(folder, name)
    size = open_library(folder).adapter("day").bytes
    library = open_library(folder, memory_bytes=2 * size)
    day, fog = library.adapter("day"), library.adapter("fog")
    assert library.adapter("day") is day
    library.adapter("night")
    assert library.adapter("day") is day
    assert library.adapter("fog") is not fog


def test_an_adapter_that_turns_out_unusable_is_refused_from_then_on(folder: Path) -> None:
    write_small(folder, "day")
    path = write_small(folder, "fog")
    library = open_library(folder)
    path.write_bytes(b"damaged on the disk")
    for _ in range(2):
        with pytest.raises(AdapterError, match="is not a checkpoint"):
            library.adapter("fog")
    assert library.names == ("day",)
    assert "fog" in library.refused


def test_shapes_are_read_when_asked_for_and_kept(folder: Path) -> None:
    shape = DomainShape(np.eye(2, SCENE_DIM, dtype=np.float32), 0.5)
    path = write_small(folder, "fog", shape=shape)
    write_small(folder, "day")
    library = open_library(folder)
    assert library.shape("day") is None
    found = library.shape("fog")
    assert found is not None and found.spread == 0.5
    path.unlink()
    assert library.shape("fog") is found, "from memory, until the folder is looked at again"
    library.refresh()
    with pytest.raises(AdapterError, match="'fog' is unknown"):
        library.shape("fog")


def test_an_adapter_whose_shape_cannot_be_read_is_refused_from_then_on(folder: Path) -> None:
    shape = DomainShape(np.eye(2, SCENE_DIM, dtype=np.float32), 0.5)
    path = write_small(folder, "fog", shape=shape)
    library = open_library(folder)
    path.write_bytes(path.read_bytes()[:-4])
    with pytest.raises(AdapterError, match="truncated"):
        library.shape("fog")
    assert library.names == ()
    assert "truncated" in library.refused["fog"]


def test_removing_deletes_the_file_of_a_usable_and_of_a_refused_one(folder: Path) -> None:
    write_small(folder)
    (folder / "bad.safetensors").write_bytes(b"bad bytes")
    library = open_library(folder)
    assert library.remove("fog") == folder / "fog.safetensors"
    library.remove("bad")
    assert (library.names, dict(library.refused), list(folder.iterdir())) == ((), {}, [])
    with pytest.raises(AdapterError, match=r"adapter '\.\./fog' is unknown"):
        library.remove("../fog")


@pytest.fixture
def kept_from_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep a table on disk for small libraries too."""
    monkeypatch.setattr(index_module, "SMALLEST_TABLE", 1)


@pytest.mark.usefixtures("kept_from_one")
def test_headers_are_read_once_and_the_table_is_mapped(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(12):
        write_small(folder, f"d{number:02}")
    first = open_library(folder)
    assert isinstance(first.index.table, np.memmap)
    read: list[Path] = []
    read_info = library_module.read_info
    monkeypatch.setattr(
        library_module,
        "read_info",
        lambda path, target: (read.append(path), read_info(path, target))[1],
    )
    second = open_library(folder)
    assert (second.names, read) == (first.names, [])
    assert np.array_equal(second.index.centroids, first.index.centroids)
    write_small(folder, "d05b")
    (folder / "d03.safetensors").unlink()
    third = open_library(folder)
    assert [path.stem for path in read] == ["d05b"]
    assert third.names == tuple(sorted({*first.names, "d05b"} - {"d03"}))


@pytest.mark.usefixtures("kept_from_one")
@pytest.mark.parametrize("content", [b"", b"no table", None])
def test_a_table_that_is_broken_is_made_again(folder: Path, content: bytes | None) -> None:
    write_small(folder)
    open_library(folder)
    (table,) = (folder.parent / "cache" / "adapters").iterdir()
    if content is None:
        np.save(table.open("wb"), np.zeros(3))
    else:
        table.write_bytes(content)
    assert open_library(folder).names == ("fog",)


@pytest.mark.usefixtures("kept_from_one")
def test_a_cache_that_cannot_be_written_costs_only_the_table(folder: Path) -> None:
    write_small(folder)
    (folder.parent / "cache").write_text("in the way")
    assert open_library(folder).names == ("fog",)


@pytest.mark.usefixtures("kept_from_one")
def test_the_tables_of_two_packages_are_apart(folder: Path) -> None:
    write_small(folder)
    open_library(folder)
    other = AdapterLibrary.open(folder, small_card(base_sha256="f" * 64), folder.parent / "cache")
    assert other.names == ()
    assert "other weights" in other.refused["fog"]


def test_an_adapter_without_scenes_is_there_and_never_near(folder: Path) -> None:
    write_small(folder, centroid=None, spread=None, count=0)
    library = open_library(folder)
    assert library.names == ("fog",)
    assert np.isnan(library.index.spreads[0])
    assert library.factors("fog").rank == 2


def test_it_may_be_used_from_several_threads(folder: Path) -> None:
    names = [f"d{number}" for number in range(8)]
    for name in names:
        write_small(folder, name)
    library = open_library(folder, memory_bytes=1)
    failures: list[Exception] = []

    def work(seed: int) -> None:
        try:
            for name in np.random.default_rng(seed).choice(names, 40):
                assert library.adapter(str(name)).info.name == name
                library.refresh()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not failures
