"""Fixed views of the training frames, with what is frozen of the network computed once for each."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.segmentation import UInt8Array
from ovseg_train.lora.frames import Frame, FrameSet
from ovseg_train.lora.recipe import LoraRecipe
from ovseg_train.lora.trainee import Frozen, Trainee
from ovseg_train.tiny.label_sampling import IGNORE

_MIB = 2**20


@dataclass(frozen=True)
class View:
    """What the network makes of one view before the first site, and its labels [1, h, w]."""

    frozen: Frozen
    classes: Tensor

    @property
    def bytes(self) -> int:
        """What it takes in memory."""
        return sum(part.nbytes for part in (*self.frozen, self.classes))


class ViewStore:
    """The views of a set of frames: number 0 of each is the frame itself, others are random.

    The same seed gives the same views. They are kept as long as there is room.
    """

    def __init__(self, frames: FrameSet, trainee: Trainee, recipe: LoraRecipe, seed: int) -> None:
        """Make no view yet."""
        self.frames = frames
        self._trainee = trainee
        self._recipe = recipe
        self._seed = seed
        self._kept: dict[tuple[int, int], View] = {}
        self._room = recipe.kept_mib * _MIB
        labelled = [(frame.classes != IGNORE).any() for frame in frames.frames]
        self._labelled = np.flatnonzero(labelled).tolist()

    def __len__(self) -> int:
        """Number of frames."""
        return len(self.frames.frames)

    def view(self, frame: int, number: int) -> View:
        """Return view `number` of a frame."""
        key = (frame, number)
        if key not in self._kept:
            made = self._make(self.frames.frames[frame], frame, number)
            if made.bytes > self._room:
                return made
            self._room -= made.bytes
            self._kept[key] = made
        return self._kept[key]

    def draw(self, generator: torch.Generator, count: int) -> View:
        """Return `count` random views of random frames that have labels, in one."""
        frames = torch.randint(0, len(self._labelled), (count,), generator=generator)
        numbers = torch.randint(0, self._recipe.views, (count,), generator=generator)
        pairs = zip(frames.tolist(), numbers.tolist(), strict=True)
        views = [self.view(self._labelled[i], number) for i, number in pairs]
        frozen = tuple(torch.cat(parts) for parts in zip(*(v.frozen for v in views), strict=True))
        return View(frozen, torch.cat([v.classes for v in views]))

    @torch.no_grad()
    def _make(self, frame: Frame, index: int, number: int) -> View:
        image, classes = frame.image, frame.classes
        if number > 0:
            rng = np.random.default_rng((self._seed, index, number))
            image, classes = _look_elsewhere(image, classes, self._recipe, rng)
        pixels = torch.from_numpy(np.ascontiguousarray(image.transpose(2, 0, 1)))[None].float()
        labels = torch.from_numpy(classes.astype(np.float32))[None, None]
        labels = F.interpolate(labels, size=self._trainee.target_px, mode="nearest-exact")
        return View(self._trainee.freeze(pixels), labels[0].long())


def _look_elsewhere(
    image: UInt8Array, classes: UInt8Array, recipe: LoraRecipe, rng: np.random.Generator
) -> tuple[UInt8Array, UInt8Array]:
    """Return a part of the frame of the same proportions, perhaps mirrored, a little recoloured.

    Looks change little: a domain is known by its light.
    """
    window = _random_window(classes.shape, recipe.max_zoom, rng)
    if (classes[window] != IGNORE).any():
        image, classes = image[window], classes[window]
    if rng.random() < 0.5:
        image, classes = image[:, ::-1], classes[:, ::-1]
    gamma = math.exp(recipe.look * rng.standard_normal())
    gains = np.exp(recipe.look * rng.standard_normal(3))
    seen = (image / np.float32(255)) ** np.float32(gamma) * gains.astype(np.float32)
    return (255 * seen).clip(0, 255).astype(np.uint8), np.ascontiguousarray(classes)


def _random_window(
    shape: tuple[int, ...], max_zoom: float, rng: np.random.Generator
) -> tuple[slice, slice]:
    zoom = math.exp(rng.uniform(0, math.log(max_zoom)))
    height, width = (max(1, round(side / zoom)) for side in shape)
    top = int(rng.integers(0, shape[0] - height + 1))
    left = int(rng.integers(0, shape[1] - width + 1))
    return slice(top, top + height), slice(left, left + width)
