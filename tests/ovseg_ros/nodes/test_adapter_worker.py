"""The adapters thread on the embedded default, without ROS: what frames and folders do to it."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
import pytest
from scene_adapters import (
    RANK,
    draw_scene,
    package_with_base,
    scene_statistics,
    write_scene_adapter,
)

from ovseg_ros.adapters.domain import DomainStatistics
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.selection import SelectionSettings
from ovseg_ros.engine.profile import EngineProfile
from ovseg_ros.errors import AdapterError
from ovseg_ros.nodes import adapter_worker
from ovseg_ros.nodes.adapter_worker import AdapterWorker, SeenFrame
from ovseg_ros.segmenter import Segmenter

AT_ONCE = SelectionSettings(smoothing_s=0.0, min_dwell_s=0.0, interval_s=0.0)
SCENES = ("noon", "sunset")


@pytest.fixture(scope="module")
def package(tiny_package: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded package with a base hash, and no adapters."""
    return package_with_base(tiny_package, tmp_path_factory.mktemp("package") / "tiny")


@pytest.fixture(scope="module")
def statistics(package: Path) -> dict[str, DomainStatistics]:
    return {scene: scene_statistics(package, scene) for scene in SCENES}


@pytest.fixture(scope="module")
def segmenter(package: Path) -> Iterator[Segmenter]:
    with Segmenter.open(package, "road=0; sky=0; building=0") as opened:
        yield opened


@dataclass
class Bench:
    """A worker, and everything it told."""

    segmenter: Segmenter
    folder: Path
    package: Path
    statistics: dict[str, DomainStatistics]
    switches: list[AdapterMix] = field(default_factory=list)
    changes: list[str] = field(default_factory=list)
    errors: list[Exception] = field(default_factory=list)
    worker: AdapterWorker | None = None

    def open(self, *scenes: str, settings: SelectionSettings = AT_ONCE) -> AdapterWorker:
        """Start the worker in the mode auto with adapters of `scenes`."""
        for scene in scenes:
            self.write(scene)
        card = self.segmenter.package.card
        self.worker = AdapterWorker(
            self.segmenter,
            AdapterLibrary.open(self.folder, card, self.folder / "cache"),
            settings,
            on_switch=self.switches.append,
            on_change=self.changes.append,
            on_error=self.errors.append,
        )
        self.worker.choose(AdapterMode.AUTO)
        return self.worker

    def write(self, scene: str) -> Path:
        return write_scene_adapter(self.folder, self.package, scene, self.statistics[scene])

    def show(self, scene: str, done: Callable[[], object], pixels: np.ndarray | None = None) -> int:
        """Show frames of `scene`, each segmented, until `done`; return how many."""
        assert self.worker is not None
        deadline, number = time.monotonic() + 30, 0
        while not done():
            assert time.monotonic() < deadline, (self.segmenter.adapter_mix, self.errors)
            image = draw_scene(scene, number) if pixels is None else pixels
            seen = self.segmenter.infer(image)
            self.worker.observe(SeenFrame(image, seen.embedding, time.monotonic_ns()))
            number += 1
        return number

    @property
    def names(self) -> tuple[str, ...]:
        return self.segmenter.adapter_mix.names


@pytest.fixture
def bench(
    segmenter: Segmenter,
    package: Path,
    statistics: dict[str, DomainStatistics],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> Iterator[Bench]:
    monkeypatch.setattr(adapter_worker, "REFRESH_S", 0.05)
    segmenter.set_adapter(AdapterMix())
    made = Bench(segmenter, tmp_path / "adapters", package, statistics)
    yield made
    if made.worker is not None:
        made.worker.close()


def test_the_mix_follows_the_scene_and_every_switch_is_told(bench: Bench) -> None:
    worker = bench.open("noon", "sunset")
    bench.show("noon", lambda: bench.names == ("noon",))
    bench.show("sunset", lambda: bench.names == ("sunset",))
    assert [mix.names for mix in bench.switches] == [("noon",), ("sunset",)]
    assert worker.switches == 2
    assert worker.mix.distances[0] < 1.7 * bench.statistics["sunset"].spread
    assert bench.errors == []


def test_a_scene_that_nothing_is_near_to_gets_the_base_model_and_says_so(bench: Bench) -> None:
    bench.open("noon")
    bench.show("night", lambda: "no near adapter" in bench.segmenter.adapter_mix.gate)
    assert bench.segmenter.adapter_mix.factors is None
    assert bench.switches == []


def test_a_covered_camera_leaves_the_scene_to_the_others(bench: Bench) -> None:
    """The lens cap of one camera neither stops the choice nor darkens it."""
    worker = bench.open("noon", "sunset")
    black = np.zeros((60, 80, 3), np.uint8)

    def cover() -> None:
        seen = bench.segmenter.infer(black)
        worker.observe(SeenFrame(black, seen.embedding, time.monotonic_ns(), "rear"))

    for scene in ("noon", "sunset"):
        cover()
        bench.show(scene, lambda scene=scene: cover() or bench.names == (scene,))
    assert bench.errors == []


@pytest.mark.parametrize(
    ("level", "word"), [(0, "black"), (255, "saturated"), (90, "a single colour")]
)
def test_frames_without_a_scene_leave_the_mix_and_say_why(
    bench: Bench, level: int, word: str
) -> None:
    bench.open("noon")
    bench.show("noon", lambda: bench.names == ("noon",))
    pixels = np.full((120, 160, 3), level, np.uint8)
    bench.show("noon", lambda: word in bench.segmenter.adapter_mix.gate, pixels)
    assert bench.names == ("noon",)
    assert len(bench.switches) == 1, "another sentence is no other mix"


def test_adapters_come_and_go_while_it_runs(bench: Bench) -> None:
    bench.open()
    bench.show("noon", lambda: "no adapters" in bench.segmenter.adapter_mix.gate)
    path = bench.write("noon")
    bench.show("noon", lambda: bench.names == ("noon",))
    path.unlink()
    bench.show("noon", lambda: bench.names == ())
    assert bench.changes == ["added: noon", "removed: noon"]
    assert bench.errors == []


def test_a_damaged_file_is_refused_with_its_reason_and_nothing_stops(bench: Bench) -> None:
    bench.open("noon")
    (bench.folder / "broken.safetensors").write_bytes(b"no adapter at all, but long enough")
    bench.show("noon", lambda: bench.errors)
    assert "'broken' is refused" in str(bench.errors[0])
    bench.show("noon", lambda: bench.names == ("noon",))
    assert len(bench.errors) == 1, "it is told once"


def test_files_refused_at_the_start_are_told_too(bench: Bench) -> None:
    bench.folder.mkdir()
    for number in range(8):
        (bench.folder / f"bad{number}.safetensors").write_bytes(b"{}")
    bench.open()
    assert len(bench.errors) == 6
    assert "3 more adapters are refused" in str(bench.errors[-1])


def test_a_pinned_mix_stays_whatever_the_scene(bench: Bench) -> None:
    worker = bench.open("noon", "sunset")
    bench.show("noon", lambda: bench.names == ("noon",))
    worker.choose(AdapterMode.PINNED, ["sunset", "noon"], [0.5, 0.25])
    shown = bench.segmenter.infer(draw_scene("noon", 0)).adapter_mix
    assert (shown.names, shown.weights) == (("sunset", "noon"), (0.5, 0.25))
    before = len(bench.switches)
    (bench.folder / "noon.safetensors").unlink()
    bench.show("noon", lambda: "removed" in bench.segmenter.adapter_mix.gate)
    assert bench.names == ("sunset", "noon"), "in use from memory"
    with pytest.raises(AdapterError, match="'fog' is unknown; there are: sunset"):
        worker.choose(AdapterMode.PINNED, ["fog"])
    assert len(bench.switches) == before


def test_settings_change_while_it_runs(bench: Bench) -> None:
    worker = bench.open("noon")
    bench.show("noon", lambda: bench.names == ("noon",))
    closed = replace(AT_ONCE, retrieval=replace(AT_ONCE.retrieval, gate=0.01))
    worker.configure(closed)
    bench.show("noon", lambda: bench.names == ())


def test_more_rank_than_the_engine_takes_is_refused(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    profile = EngineProfile((160, 120), rank_buckets=(RANK,))
    small = replace(bench.segmenter.backend.capabilities, profile=profile)
    monkeypatch.setattr(bench.segmenter.backend, "capabilities", small)
    worker = bench.open("noon", "sunset")
    with pytest.raises(AdapterError, match=rf"rank {2 * RANK} together.*ovseg build --rank"):
        worker.choose(AdapterMode.PINNED, ["noon", "sunset"])
    assert worker.choose(AdapterMode.PINNED, ["noon"]).names == ("noon",)


def test_an_error_costs_the_adapters_at_most(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    bench.open("noon")

    def fail(mix: AdapterMix) -> None:
        raise ZeroDivisionError("of all things")

    with monkeypatch.context() as broken:
        broken.setattr(bench.segmenter, "set_adapter", fail)
        bench.show("noon", lambda: bench.errors)
    sentence = adapter_worker.error_sentence(bench.errors[0])
    assert "stay as they are: ZeroDivisionError: of all things" in sentence
    bench.show("noon", lambda: bench.names == ("noon",))
    assert len(bench.errors) == 1, "not with every frame"
