"""Selection over time: quick where the scene changes, quiet where it does not."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from small_adapters import SCENE_DIM, small_card, write_domains, write_small

from ovseg_ros.adapters.adapter import Adapter
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.retrieval_settings import RetrievalSettings
from ovseg_ros.adapters.selection import AdapterSelector, SelectionSettings
from ovseg_ros.errors import AdapterError

HZ = 15
DAY, FOG, NIGHT = (np.eye(SCENE_DIM)[i] * 6 for i in range(3))
NOISE = 0.35  # as a share of the spread per number, so frames are within their own gate
NOWHERE = np.full(SCENE_DIM, -9.0)


@pytest.fixture
def library(tmp_path: Path) -> AdapterLibrary:
    """Three domains d0 (day), d1 (fog), d2 (night), some six spreads apart."""
    return write_domains(tmp_path / "library", [DAY, FOG, NIGHT], spread=0.4)


@pytest.fixture(autouse=True)
def _folder(tmp_path: Path) -> None:
    (tmp_path / "library").mkdir()


def automatic(library: AdapterLibrary, **settings: Any) -> AdapterSelector:
    selector = AdapterSelector(library, SelectionSettings(**settings))
    selector.choose(AdapterMode.AUTO)
    return selector


def frames(
    scenes: Iterable[np.ndarray], seed: int = 0, noise: float = NOISE
) -> list[tuple[np.ndarray, int]]:
    """Return (noisy embedding, time) of `scenes` at 15 Hz."""
    rng = np.random.default_rng(seed)
    return [
        ((scene + noise * rng.standard_normal(SCENE_DIM)).astype(np.float32), i * 10**9 // HZ)
        for i, scene in enumerate(scenes)
    ]


def drive(
    selector: AdapterSelector, seen: list[tuple[np.ndarray, int]]
) -> list[tuple[float, AdapterMix]]:
    """Return (time in s, mix) of every change of what is mixed."""
    switches: list[tuple[float, AdapterMix]] = []
    factors = selector.mix.factors
    for embedding, at_ns in seen:
        mix = selector.observe(embedding, at_ns)
        if mix is not None and mix.factors is not factors:
            factors = mix.factors
            switches.append((at_ns / 1e9, mix))
    return switches


def seconds(scene: np.ndarray, length_s: float) -> list[np.ndarray]:
    return [scene] * int(length_s * HZ)


def test_the_first_frame_decides(library: AdapterLibrary) -> None:
    ((at_s, mix),) = drive(automatic(library), frames(seconds(FOG, 5)))
    assert (at_s, mix.names, mix.mode, mix.gate) == (0.0, ("d1",), AdapterMode.AUTO, "")
    assert mix.factors is not None


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(("old", "new"), list(itertools.permutations(range(3), 2)))
def test_an_abrupt_change_switches_once_within_a_second(
    library: AdapterLibrary, old: int, new: int, seed: int
) -> None:
    scenes = (DAY, FOG, NIGHT)
    seen = frames([*seconds(scenes[old], 4), *seconds(scenes[new], 4)], seed)
    first, *rest = drive(automatic(library), seen)
    assert first[1].names == (f"d{old}",)
    assert [mix.names for _, mix in rest] == [(f"d{new}",)]
    assert rest[0][0] - 4.0 <= 1.0


@pytest.mark.parametrize("seed", range(5))
def test_an_abrupt_change_without_noise_switches_within_a_second(
    library: AdapterLibrary, seed: int
) -> None:
    seen = frames([*seconds(DAY, 2), *seconds(NIGHT, 2)], seed, noise=0.0)
    _, (at_s, mix) = drive(automatic(library), seen)
    assert (mix.names, at_s <= 3.0) == (("d2",), True)


@pytest.mark.parametrize("seed", range(20))
def test_a_gradual_change_gives_few_switches(library: AdapterLibrary, seed: int) -> None:
    passage = [DAY + (FOG - DAY) * share for share in np.linspace(0, 1, 20 * HZ)]
    seen = frames([*seconds(DAY, 3), *passage, *seconds(FOG, 3)], seed)
    switches = drive(automatic(library), seen)
    assert switches[0][1].names == ("d0",)
    assert switches[-1][1].names == ("d1",)
    assert len(switches) <= 6


BORDERS = {
    "two domains": ((DAY, DAY + np.eye(SCENE_DIM)[1]), 0.5, RetrievalSettings()),
    "the gate": ((DAY,), 1.4 * 0.4 * np.sqrt(SCENE_DIM), RetrievalSettings()),
    "two domains, one winner": (
        (DAY, DAY + np.eye(SCENE_DIM)[1]),
        0.5,
        RetrievalSettings(top_k=1),
    ),
}


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize("border", BORDERS)
def test_a_scene_on_a_border_does_not_flicker(tmp_path: Path, border: str, seed: int) -> None:
    centroids, step, retrieval = BORDERS[border]
    library = write_domains(tmp_path / "library", list(centroids), spread=0.4)
    scene = DAY + step * np.eye(SCENE_DIM)[1]
    seen = frames(seconds(scene, 60), seed, noise=0.05)
    switches = drive(automatic(library, retrieval=retrieval), seen)
    assert len(switches) <= 3


@pytest.mark.parametrize("seed", range(20))
def test_no_mix_is_left_before_its_time(library: AdapterLibrary, seed: int) -> None:
    rng = np.random.default_rng(seed)
    scenes = [
        scene for _ in range(60) for scene in seconds((DAY, FOG, NIGHT)[rng.integers(3)], 0.3)
    ]
    switches = drive(automatic(library, min_dwell_s=0.8), frames(scenes, seed))
    times = [at_s for at_s, _ in switches]
    assert all(later - earlier > 0.8 - 1e-6 for earlier, later in itertools.pairwise(times))
    assert len(times) > 3


@pytest.mark.parametrize("seed", range(5))
def test_a_single_flash_changes_nothing(library: AdapterLibrary, seed: int) -> None:
    seen = frames([*seconds(DAY, 3), NIGHT, *seconds(DAY, 3), NOWHERE, *seconds(DAY, 3)], seed)
    assert len(drive(automatic(library), seen)) == 1


def test_far_from_everything_is_the_base_model_and_back(library: AdapterLibrary) -> None:
    seen = frames([*seconds(DAY, 3), *seconds(NOWHERE, 3), *seconds(DAY, 3)])
    day, base, again = (mix for _, mix in drive(automatic(library), seen))
    assert (base.names, base.factors) == ((), None)
    assert base.gate.startswith("no near adapter: the nearest, ")
    assert again.names == ("d0",)
    assert day.factors is not None and again.factors is not None
    assert np.array_equal(day.factors.a, again.factors.a)
    assert np.array_equal(day.factors.b, again.factors.b)


def test_the_same_drive_gives_the_same_switches(library: AdapterLibrary) -> None:
    seen = frames([*seconds(DAY, 2), *seconds(FOG, 2), *seconds(NIGHT, 2)])
    runs = [
        [(at_s, mix.names, mix.weights) for at_s, mix in drive(automatic(library), seen)]
        for _ in range(2)
    ]
    assert runs[0] == runs[1]


def test_a_clock_that_jumps_back_starts_again(library: AdapterLibrary) -> None:
    selector = automatic(library)
    drive(selector, [(e, t + 10**12) for e, t in frames(seconds(DAY, 3))])
    ((at_s, mix),) = drive(selector, frames(seconds(FOG, 3)))
    assert (at_s <= 1.0, mix.names) == (True, ("d1",))


@pytest.mark.parametrize(
    ("embedding", "fault", "words"),
    [
        (None, "black", "a frame shows no scene (black): the mix stays"),
        (None, "", "no embedding"),
        (np.full(SCENE_DIM, np.nan, np.float32), "", "not finite"),
        (np.full(SCENE_DIM, 3, np.float32), "", "without any variation"),
        (np.ones(3, np.float32), "", "shape [3], [8] was wanted"),
        (DAY.astype(np.float32), "saturated", "(saturated)"),
    ],
)
def test_a_frame_without_a_scene_leaves_the_mix_and_says_so(
    library: AdapterLibrary, embedding: np.ndarray | None, fault: str, words: str
) -> None:
    selector = automatic(library)
    seen = frames(seconds(FOG, 2))
    drive(selector, seen)
    before, last_ns = selector.mix, seen[-1][1]
    dark = selector.observe(embedding, last_ns + 10**8, fault)
    assert dark is not None and words in dark.gate
    assert dark.factors is before.factors and dark.names == before.names
    assert selector.observe(embedding, last_ns + 2 * 10**8, fault) is None
    after = selector.observe(seen[-1][0], last_ns + 3 * 10**8)
    assert after == before and after is not None and after.factors is before.factors


def test_a_removed_adapter_runs_until_the_next_choice(library: AdapterLibrary) -> None:
    selector = automatic(library)
    drive(selector, frames(seconds(FOG, 0.2)))
    held = selector.mix.factors
    library.remove("d1")
    seen = [(e, t + 10**9 // 5) for e, t in frames(seconds(FOG, 3), 1)]
    note = selector.observe(*seen[0])
    assert note is not None and note.factors is held
    assert note.gate == "removed from the library, in use until the next choice: d1"
    (_, mix), *more = drive(selector, seen[1:])
    assert (mix.names, more) == ((), [])
    assert mix.gate.startswith("removed from the library: d1; no near adapter")


def test_a_pinned_adapter_outlives_its_file_and_says_so(library: AdapterLibrary) -> None:
    selector = AdapterSelector(library)
    pinned = selector.choose(AdapterMode.PINNED, ["d1"])
    library.remove("d1")
    note = selector.observe(DAY.astype(np.float32), 0)
    assert note is not None and note.factors is pinned.factors
    assert note.gate == "removed from the library, in use until the next choice: d1"
    with pytest.raises(AdapterError, match="'d1' is unknown"):
        selector.choose(AdapterMode.PINNED, ["d1"])
    assert selector.mix is note


def test_a_replaced_adapter_is_taken_up(tmp_path: Path, library: AdapterLibrary) -> None:
    selector = automatic(library)
    drive(selector, frames(seconds(FOG, 1)))
    old = selector.mix
    library.path("d1").unlink()
    write_small(tmp_path / "library", "d1", centroid=FOG.astype(np.float32), spread=0.4, alpha=8.0)
    library.refresh()
    ((_, new),) = drive(selector, [(e, t + 10**9) for e, t in frames(seconds(FOG, 2))])
    assert new.names == old.names
    assert new.factors is not None and old.factors is not None
    assert np.allclose(new.factors.a, 2 * old.factors.a)


def test_an_adapter_that_cannot_be_read_is_said_and_left_out(library: AdapterLibrary) -> None:
    library.path("d1").write_bytes(b"damaged on the disk")
    selector = automatic(library)
    assert drive(selector, frames(seconds(FOG, 2))) == []
    mix = selector.mix
    assert mix.names == ()
    assert mix.gate.startswith("an adapter is refused: ") and "d1.safetensors" in mix.gate
    assert "d1" in library.refused


def test_an_adapter_that_comes_while_running_is_found(
    tmp_path: Path, library: AdapterLibrary
) -> None:
    selector = automatic(library)
    drive(selector, frames(seconds(NOWHERE, 1)))
    assert selector.mix.names == ()
    write_small(tmp_path / "library", "new", centroid=NOWHERE.astype(np.float32), spread=0.4)
    library.refresh()
    ((_, mix),) = drive(selector, [(e, t + 10**9) for e, t in frames(seconds(NOWHERE, 1))])
    assert mix.names == ("new",)


def test_the_rank_of_the_engine_limits_the_mix(tmp_path: Path) -> None:
    centroids = [DAY + 0.1 * i * np.eye(SCENE_DIM)[1] for i in range(4)]
    library = write_domains(tmp_path / "library", centroids)
    retrieval = RetrievalSettings(temperature=5.0)
    all_four = automatic(library, retrieval=retrieval)
    near = (DAY - np.eye(SCENE_DIM)[1]).astype(np.float32)
    mix = all_four.observe(near, 0)
    assert mix is not None and len(mix.names) == 4 and mix.factors is not None
    assert mix.factors.rank == 8
    limited = automatic(library, retrieval=retrieval, most_rank=5)
    mix = limited.observe(near, 0)
    assert mix is not None and mix.factors is not None
    assert (mix.names, mix.factors.rank) == (("d0", "d1"), 4)
    assert sum(mix.weights) == pytest.approx(1)
    assert mix.gate.startswith("the engine takes a rank of 5: 2 of 4 adapters near the scene")
    with pytest.raises(AdapterError, match=r"rank 6 together.*ovseg build --rank 5,6"):
        limited.choose(AdapterMode.PINNED, ["d0", "d1", "d2"])
    nothing = automatic(library, retrieval=retrieval, most_rank=1)
    mix = nothing.observe(near, 0)
    assert mix is not None and mix.factors is None and "0 of 4 adapters" in mix.gate


def test_mode_none_is_the_base_model_whatever_is_seen(library: AdapterLibrary) -> None:
    selector = automatic(library)
    drive(selector, frames(seconds(FOG, 1)))
    assert selector.choose(AdapterMode.NONE) == AdapterMix(AdapterMode.NONE)
    assert drive(selector, frames(seconds(FOG, 1))) == []


def test_auto_keeps_what_was_pinned_until_the_first_frame(library: AdapterLibrary) -> None:
    selector = AdapterSelector(library)
    pinned = selector.choose(AdapterMode.PINNED, ["d2"])
    mix = selector.choose(AdapterMode.AUTO)
    assert (mix.mode, mix.factors) == (AdapterMode.AUTO, pinned.factors)
    assert mix.gate == "waiting for a frame"
    assert drive(selector, frames(seconds(DAY, 1)))[0][1].names == ("d0",)


def test_auto_without_adapters_says_why(tmp_path: Path) -> None:
    library = AdapterLibrary.open(tmp_path / "none", small_card(), tmp_path)
    selector = AdapterSelector(library)
    assert selector.choose(AdapterMode.AUTO).gate.endswith("does not exist: base model")
    drive(selector, frames(seconds(DAY, 1)))
    assert (selector.mix.factors, selector.mix.gate) == (None, "no adapters: base model")


@pytest.mark.parametrize(
    ("names", "weights", "shares"),
    [
        (["d1"], [], (1.0,)),
        (["d0", "d2"], [], (0.5, 0.5)),
        (["d0", "d2"], [0.25, 0.5], (0.25, 0.5)),
        (["d0", "d1", "d2"], [np.float32(1 / 3)] * 3, (1 / 3,) * 3),
        (["d0"], [0.0], (0.0,)),
    ],
)
def test_pinned_is_exactly_what_was_named(
    library: AdapterLibrary, names: list[str], weights: list[float], shares: tuple[float, ...]
) -> None:
    selector = AdapterSelector(library)
    mix = selector.choose(AdapterMode.PINNED, names, weights)
    assert (mix.names, mix.weights) == (tuple(names), pytest.approx(shares))
    assert drive(selector, frames(seconds(DAY, 1))) == []
    kept: list[Adapter] = [library.adapter(name) for name in names]
    wanted = sum(w * a.factors.b.T @ a.factors.a for w, a in zip(shares, kept, strict=True))
    found = 0 if mix.factors is None else mix.factors.b.T @ mix.factors.a
    assert np.allclose(found, wanted, atol=1e-5)


@pytest.mark.parametrize(
    ("mode", "names", "weights", "words"),
    [
        (AdapterMode.PINNED, [], [], "no adapter is named"),
        (AdapterMode.PINNED, ["snow"], [], "'snow' is unknown; there are: d0, d1, d2, in"),
        (AdapterMode.PINNED, ["d0", "d0"], [], "'d0' is named twice"),
        (AdapterMode.PINNED, ["d0"], [0.5, 0.5], "2 weights were given for 1 adapters"),
        (AdapterMode.PINNED, ["d0"], [-0.1], "'d0' has the weight -0.1"),
        (AdapterMode.PINNED, ["d0"], [float("nan")], "'d0' has the weight nan"),
        (AdapterMode.PINNED, ["d0"], [1.5], "'d0' has the weight 1.5"),
        (AdapterMode.PINNED, ["d0", "d1"], [0.8, 0.4], "the weights sum to 1.2; at most 1"),
        (AdapterMode.AUTO, ["d0"], [], "mode 'auto' takes no names"),
        (AdapterMode.NONE, [], [1.0], "mode 'none' takes no names and no weights"),
    ],
)
def test_a_choice_that_makes_no_sense_is_refused_and_changes_nothing(
    library: AdapterLibrary,
    mode: AdapterMode,
    names: list[str],
    weights: list[float],
    words: str,
) -> None:
    selector = AdapterSelector(library)
    before = selector.choose(AdapterMode.PINNED, ["d2"])
    with pytest.raises(AdapterError, match=words):
        selector.choose(mode, names, weights)
    assert selector.mix is before


@pytest.mark.parametrize(
    "fields", [{"smoothing_s": -1}, {"min_dwell_s": float("nan")}, {"hysteresis": 1.0}]
)
def test_settings_that_make_no_sense_are_refused(fields: dict[str, float]) -> None:
    with pytest.raises(AdapterError):
        replace(SelectionSettings(), **fields)
