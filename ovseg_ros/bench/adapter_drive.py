"""How fast and how calmly the mix follows a drive: abrupt changes of domain, and gradual ones."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from itertools import groupby
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

from ovseg_ros.adapters.adapter import Array
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.retrieval import BaseDomain
from ovseg_ros.adapters.selection import AdapterSelector
from ovseg_ros.bench.results import BenchResult, table
from ovseg_ros.errors import OvsegError
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.segmenter import Segmenter

NAME = "adapter_drive"
RATE_HZ = 15.0
STAGE_FRAMES = 75
FADE_FRAMES = 45
_FLICKER_S = 2.0


@dataclass(frozen=True)
class Stage:
    """Frames of one domain, uint8 [H, W, 3]; `fade` of them come in over the ones before."""

    domain: str
    frames: tuple[UInt8Array, ...]
    fade: int = 0


@dataclass(frozen=True)
class Change:
    """One change of domain: where the mix led, and how long after the change, s.

    A gradual change counts from its begin; `settled` is the mix at the end of the stage, in words.
    `seconds` is None where the mix at the end was in force before.
    """

    to: str
    gradual: bool
    settled: str
    seconds: float | None
    switches: int
    flicker: int


def bench_adapter_drive(
    segmenter: Segmenter,
    library: AdapterLibrary,
    frames: Sequence[tuple[str, UInt8Array]],
    base: BaseDomain | None = None,
    on_frame: Callable[[], None] = lambda: None,
) -> BenchResult:
    """Follow `frames` (domain, image) in order, once with cuts and once with cross-fades.

    Times are those of a clock at 15 Hz, so they do not depend on the machine. A stage shorter than
    5 s is played back and forth. Raises `OvsegError` for frames of one domain alone.
    """
    changes: list[Change] = []
    for gradual in (False, True):
        stages = stages_of(frames, FADE_FRAMES if gradual else 0)
        embeddings = [_embeddings(segmenter, stage, on_frame) for stage in _played(stages)]
        changes += follow(stages, embeddings, AdapterSelector(library, base=base))
    data = {
        "rate_hz": RATE_HZ,
        "stage_frames": STAGE_FRAMES,
        "fade_frames": FADE_FRAMES,
        "adapters": list(library.names),
        "changes": [asdict(change) for change in changes],
    }
    return BenchResult(NAME, "From one domain to another", data, _body(changes, library), {})


def total_frames(stages: int) -> int:
    """Return how many frames a drive of so many stages has, both ways together."""
    return 2 * stages * STAGE_FRAMES


def stages_of(frames: Sequence[tuple[str, UInt8Array]], fade: int) -> list[Stage]:
    """Return the stages of a drive, each played back and forth until it is long enough."""
    stages: list[Stage] = []
    for domain, group in groupby(frames, key=lambda frame: frame[0]):
        images = [image for _, image in group]
        there_and_back = [*images, *images[-2:0:-1]]
        played = [there_and_back[i % len(there_and_back)] for i in range(STAGE_FRAMES)]
        stages.append(Stage(domain, tuple(played), fade if stages else 0))
    if len(stages) < 2:
        raise OvsegError("the drive has one domain alone; at least two were wanted")
    return stages


def follow(
    stages: Sequence[Stage], embeddings: Sequence[Sequence[Array]], selector: AdapterSelector
) -> list[Change]:
    """Hand the embeddings of `stages` to `selector` and return what it did at each change."""
    selector.choose(AdapterMode.AUTO)
    changes, number = [], 0
    for stage, seen in zip(stages, embeddings, strict=True):
        start, timeline = number, [(-1.0, _words(selector.mix))]
        for embedding in seen:
            selector.observe(embedding, round(number * 1e9 / RATE_HZ))
            words = _words(selector.mix)
            if words != timeline[-1][1]:
                timeline.append(((number - start) / RATE_HZ, words))
            number += 1
        changes.append(_change(stage, timeline))
    return changes


def _change(stage: Stage, timeline: Sequence[tuple[float, str]]) -> Change:
    names = [words for _, words in timeline]
    back = [
        names[i] == names[i - 2] and timeline[i][0] - timeline[i - 1][0] < _FLICKER_S
        for i in range(2, len(names))
    ]
    seconds = timeline[-1][0] if len(timeline) > 1 else None
    return Change(stage.domain, stage.fade > 0, names[-1], seconds, len(timeline) - 1, sum(back))


def _words(mix: AdapterMix) -> str:
    """Return which adapters lead, largest first, without those of less than a fifth."""
    shares = sorted(zip(mix.weights, mix.names, strict=True), reverse=True)
    return " + ".join(name for weight, name in shares if weight >= 0.2) or "base model"


def _played(stages: Sequence[Stage]) -> list[Stage]:
    """Return the stages with the first frames of each blended over what was seen before."""
    played = [stages[0]]
    for before, stage in zip(stages, stages[1:], strict=False):
        frames = list(stage.frames)
        for i in range(stage.fade):
            share = (i + 1) / (stage.fade + 1)
            old = _like(frames[i], before.frames[-1 - i % len(before.frames)])
            blended = (1 - share) * old + share * frames[i].astype(np.float32)
            frames[i] = blended.round().astype(np.uint8)
        played.append(Stage(stage.domain, tuple(frames), stage.fade))
    return played


def _like(frame: UInt8Array, other: UInt8Array) -> npt.NDArray[np.float32]:
    """Return `other` in the size of `frame`."""
    height_px, width_px = frame.shape[:2]
    return np.asarray(Image.fromarray(other).resize((width_px, height_px)), np.float32)


def _embeddings(segmenter: Segmenter, stage: Stage, on_frame: Callable[[], None]) -> list[Array]:
    found = []
    for frame in stage.frames:
        found.append(np.array(segmenter.infer(frame).embedding))
        on_frame()
    return found


def _body(changes: Sequence[Change], library: AdapterLibrary) -> str:
    head = ("change", "to", "mix in the end", "reached after, s", "switches", "flicker")
    cells: list[tuple[Any, ...]] = [
        (
            "gradual" if change.gradual else "abrupt",
            change.to,
            change.settled,
            "in force already" if change.seconds is None else f"{change.seconds:.1f}",
            change.switches,
            change.flicker,
        )
        for change in changes
    ]
    return (
        f"Frames of the drive through the selector at {RATE_HZ:g} Hz on a simulated clock, "
        f"{STAGE_FRAMES / RATE_HZ:g} s of each domain, played back and forth; gradual changes are "
        f"cross-fades of {FADE_FRAMES / RATE_HZ:g} s, counted from their begin. Adapters: "
        f"{', '.join(library.names)}. A switch is a change of the adapters that have a fifth of "
        f"the mix or more; flicker: one that went back within {_FLICKER_S:g} s.\n\n"
        + table(head, cells)
    )
