"""The real gap between day and dusk: how much of it an adapter from few frames recovers."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.adapters.file import ENDING
from ovseg_ros.packages import ModelPackage
from ovseg_train.domains.dusk import DuskDrive
from ovseg_train.lora.frames import read_frames
from ovseg_train.lora.job import Job, train_adapter
from ovseg_train.lora.recipe import load_recipe


@dataclass(frozen=True)
class GapRun:
    """One adapter of the experiment: from so many frames, which `seed` chooses."""

    frames: int
    seed: int

    @property
    def name(self) -> str:
        """What the adapter is called."""
        return f"dusk-{self.frames}-{self.seed}"


def train_gap_adapters(
    drive: DuskDrive,
    package: ModelPackage,
    out: Path,
    runs: Sequence[GapRun],
    say: Callable[[str], None] = lambda text: None,
) -> None:
    """Train the adapters of `runs` that are not in `out` yet, by the usual recipe."""
    # All steps for all: of 4 and 16 frames none are held out, and 40 are compared with these.
    recipe = replace(load_recipe(package.card.network), hold_out_share=0.0)
    for run in runs:
        if (out / f"{run.name}{ENDING}").exists():
            continue
        job = Job(
            package=package,
            name=run.name,
            domain="dusk",
            out=out,
            frames=read_frames(drive.few(run.frames, run.seed), drive.origin(run.frames, run.seed)),
            recipe=recipe,
            seed=run.seed,
            resume=(out / f"{run.name}.run").exists(),
        )
        result = train_adapter(job, say)
        say(f"{result.path}: {result.info.metrics}")
