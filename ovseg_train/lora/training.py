"""The training of the factors: steps, looks at the frames held out, checkpoints, resume."""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path

import torch
from rich.console import Console
from rich.progress import BarColumn, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from rich.progress import Progress as ProgressBar
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.label_rows import LabelRows
from ovseg_train.lora.factors import Factors
from ovseg_train.lora.frames import FrameSet
from ovseg_train.lora.losses import adapter_loss
from ovseg_train.lora.progress import Ending, Progress
from ovseg_train.lora.recipe import Run
from ovseg_train.lora.trainee import Trainee
from ovseg_train.lora.validation import mean_iou
from ovseg_train.lora.views import ViewStore
from ovseg_train.tiny.checkpoint import load_checkpoint, save_checkpoint
from ovseg_train.tiny.label_sampling import IGNORE, PromptBank, draw_vocabulary
from ovseg_train.tiny.losses import class_weights

_SEED_STRIDE = 1_000_003


class NoBetterFactorsError(OvsegError):
    """On the frames held out no factors were better than the base model; nothing is written."""


@dataclass(frozen=True)
class Material:
    """What is learnt from: frames, frames held out (perhaps none), and the names of classes."""

    frames: FrameSet
    held_out: FrameSet
    bank: PromptBank

    def text(self) -> Tensor:
        """Return the vectors [number of classes, D] of the classes' own names."""
        return torch.stack([self.bank.vectors(name)[0] for name in self.frames.class_names])


class Trainer:
    """Trains `factors` from scratch, or from the checkpoint in `folder`."""

    def __init__(
        self, trainee: Trainee, factors: Factors, material: Material, run: Run, folder: Path
    ) -> None:
        """Prepare the optimiser.

        Raises `OvsegError` where the checkpoint in `folder` is of another `run`.
        """
        self.factors = factors
        self._trainee = trainee
        self._material = material
        self._run = run
        self._recipe = run.recipe
        self._folder = folder
        self._store = ViewStore(material.frames, trainee, run.recipe, run.seed)
        self._held_out = ViewStore(material.held_out, trainee, run.recipe, run.seed)
        self._weights = class_weights(material.frames.class_pixels(), run.recipe.loss)
        self._optimizer = torch.optim.AdamW(
            factors.parameters(),
            lr=run.recipe.network.learning_rate,
            weight_decay=run.recipe.weight_decay,
        )
        self.progress = Progress()
        self._resume()

    def run(self) -> Progress:
        """Train to the end; `factors` are then those to keep, as is said in the progress.

        Raises `OvsegError` where no factors are of use: the loss was not a number from the start,
        or none were better than the base model on the frames held out.
        """
        steps = self._recipe.network.steps
        columns = (
            TextColumn("train"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        bar = ProgressBar(*columns, console=Console(stderr=True))
        with SummaryWriter(str(self._folder / "tensorboard")) as board, bar:
            task = bar.add_task("", total=steps, completed=self.progress.step, note="")
            while self.progress.ending is None:
                loss = self._step()
                board.add_scalar("loss", loss, self.progress.step)
                bar.update(task, completed=self.progress.step, note=f"loss {loss:.3f}")
                self._look_up(board)
        self._save()
        self._take_the_good()
        return self.progress

    def measure(self) -> float:
        """Return the mIoU in 0..1 of the training frames under the factors at hand."""
        return self._miou(self._store)

    def measure_base(self) -> float:
        """Return the mIoU in 0..1 of the training frames under the base model."""
        return mean_iou(self._trainee, self._store, self._material.text(), {})

    def _step(self) -> float:
        """Do the next step and return its loss; where that is not finite, change nothing."""
        progress = self.progress
        if progress.step == 0 and len(self._held_out):
            progress.base_miou = self._miou(self._held_out)
            progress.look(progress.base_miou, self.factors.state_dict())
        generator = torch.Generator().manual_seed(self._run.seed * _SEED_STRIDE + progress.step)
        for group in self._optimizer.param_groups:
            group["lr"] = self._rate()
        loss = self._loss(generator)
        value = float(loss.detach())
        if not math.isfinite(value):
            progress.ending = Ending.NOT_FINITE
            return value
        if not len(self._held_out):
            progress.keep(self.factors.state_dict())
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.factors.parameters(), self._recipe.clip_norm)
        self._optimizer.step()
        progress.step += 1
        progress.losses.append(value)
        return value

    def _loss(self, generator: torch.Generator) -> Tensor:
        view = self._store.draw(generator, self._recipe.network.batch)
        present = view.classes.unique()
        vocabulary = draw_vocabulary(
            self._material.frames.class_names,
            present[present != IGNORE],
            self._material.bank,
            self._recipe.vocabulary,
            generator,
        )
        labels = LabelRows.all_real(vocabulary.text_bank)
        return adapter_loss(
            self._trainee.scores(view.frozen, labels, self.factors.slices()),
            self._trainee.confidence,
            view.classes,
            vocabulary.row_of_class,
            self._weights,
            self._recipe.loss,
        )

    def _rate(self) -> float:
        """Linear warm-up, then half a cosine down to nothing."""
        step, recipe = self.progress.step, self._recipe
        warm = min(1.0, (step + 1) / recipe.warmup_steps)
        return (
            recipe.network.learning_rate
            * warm
            * 0.5
            * (1 + math.cos(math.pi * step / recipe.network.steps))
        )

    def _look_up(self, board: SummaryWriter) -> None:
        """Look at the frames held out, decide whether to go on, save where it is time to."""
        progress, recipe = self.progress, self._recipe
        last = progress.step >= recipe.network.steps
        if progress.ending is None and (last or progress.step % recipe.evaluate_steps == 0):
            if len(self._held_out):
                miou = self._miou(self._held_out)
                progress.look(miou, self.factors.state_dict())
                board.add_scalar("miou/held_out", miou, progress.step)
                if progress.looks_without_better >= recipe.patience:
                    progress.ending = Ending.NO_BETTER
            if last:
                progress.ending = progress.ending or Ending.ALL_STEPS
        if progress.step % recipe.checkpoint_steps == 0:
            self._save()

    def _take_the_good(self) -> None:
        progress = self.progress
        held = len(self._held_out) > 0
        gained = (progress.best_miou or 0.0) - (progress.base_miou or 0.0)
        useless = gained < self._recipe.least_gain if held else progress.good_step == 0
        if useless and (held or progress.ending is Ending.NOT_FINITE):
            finite = progress.ending is not Ending.NOT_FINITE
            raise (NoBetterFactorsError if finite else OvsegError)(_of_no_use(progress))
        if held or progress.ending is Ending.NOT_FINITE:
            self.factors.load_state_dict(progress.good)
        else:
            progress.keep(self.factors.state_dict())

    def _miou(self, store: ViewStore) -> float:
        with torch.no_grad():
            lora = self.factors.slices()
        return mean_iou(self._trainee, store, self._material.text(), lora)

    def _save(self) -> None:
        state = {
            "factors": self.factors.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "progress": self.progress.as_dict(),
        }
        save_checkpoint(self._folder, state, self._run)

    def _resume(self) -> None:
        state = load_checkpoint(self._folder, self._run)
        if state is None:
            return
        self.factors.load_state_dict(state["factors"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.progress = Progress.from_dict(state["progress"])


def _of_no_use(progress: Progress) -> str:
    if progress.ending is Ending.NOT_FINITE:
        return (
            f"the loss was not a number after {progress.step} steps, and no factors before that "
            "are of use; nothing was written: lower --learning-rate, or look for broken images"
        )
    return (
        f"in {progress.step} steps no factors were clearly better than the base model on the "
        f"frames held out (mIoU {progress.base_miou or 0:.3f} and at best "
        f"{progress.best_miou or 0:.3f}); nothing was written: give more frames, change "
        "--learning-rate, or train without frames held out (--hold-out 0)"
    )
