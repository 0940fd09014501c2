"""Which frames of CamVid's dusk drive may be learnt from, and which are measured on."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_ros.evaluation.dataset import LabelledFile, LabelledFolder
from ovseg_train.lora.frames import Choice, choose_files, choose_numbers

SEQUENCE = "0001TP"
MOST_FRAMES = 40
# The defaults of `ovseg-train lora` were chosen within these: nothing is measured on them.
_TUNED_FRAMES, _TUNED_SEED = 16, 0
_CHOICE = Choice(split="train", domain="dusk", sequence=SEQUENCE)


@dataclass(frozen=True)
class DuskDrive:
    """The drive cut in two, the same way every time.

    `learn` are the `MOST_FRAMES` frames that adapters and models may see; `measure` are all others.
    Both are spread over the drive, and frames are at least a second apart.
    """

    learn: LabelledFolder
    measure: LabelledFolder

    @classmethod
    def of(cls, camvid: Path) -> DuskDrive:
        """Cut the drive in the folder `camvid`; raises `OvsegError` where it is not all there."""
        everything, _ = choose_files(camvid, _CHOICE)
        files = everything.items
        if len(files) <= MOST_FRAMES:
            raise OvsegError(
                f"{camvid} has {len(files)} frames of the dusk drive {SEQUENCE}, more than "
                f"{MOST_FRAMES} were wanted; use the folder as it was made"
            )
        tuned = set(choose_numbers(len(files), _TUNED_FRAMES, _TUNED_SEED, str(camvid)))
        free = [number for number in range(len(files)) if number not in tuned]
        held = choose_numbers(len(free), len(files) - MOST_FRAMES, 0, str(camvid))
        measured = {free[number] for number in held}
        learnt = [number for number in range(len(files)) if number not in measured]
        return cls(_part(everything, learnt), _part(everything, sorted(measured)))

    def few(self, frames: int, seed: int) -> LabelledFolder:
        """Return `frames` of those to learn from, spread over the drive; `seed` says which."""
        numbers = choose_numbers(len(self.learn.items), frames, seed, self.learn.source)
        return _part(self.learn, numbers)

    def origin(self, frames: int, seed: int) -> Choice:
        """Return what an adapter says of the choice of `few`."""
        return replace(_CHOICE, frames=frames, seed=seed)


def _part(data: LabelledFolder, numbers: Sequence[int]) -> LabelledFolder:
    files: tuple[LabelledFile, ...] = tuple(data.items[number] for number in numbers)
    return replace(data, items=files)
