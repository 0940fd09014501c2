"""The training run: steps, checkpoints, resume, progress and the exported moving average."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn, TimeRemainingColumn
from torch import Tensor, nn
from torch.utils.tensorboard import SummaryWriter

from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.tiny import Encoded, TinySegmenter
from ovseg_train.tiny.batches import Batch, BatchSource
from ovseg_train.tiny.checkpoint import MovingAverage, load_checkpoint, save_checkpoint
from ovseg_train.tiny.label_sampling import IGNORE, PromptBank, draw_vocabulary
from ovseg_train.tiny.losses import group_loss
from ovseg_train.tiny.recipe import Recipe
from ovseg_train.tiny.training_set import TrainingSet
from ovseg_train.tiny.validation import mean_iou


class Trainer:
    """Trains a network by a recipe, from scratch or from the checkpoint in `folder`."""

    def __init__(
        self,
        network: TinySegmenter,
        recipe: Recipe,
        folders: Sequence[TrainingSet],
        bank: PromptBank,
        folder: Path,
    ) -> None:
        """Prepare the optimiser; `folders` follow the data sets of the recipe."""
        self.network = network
        _use_channels_last(network)
        self.recipe = recipe
        self.bank = bank
        self.folder = folder
        self.source = BatchSource(folders, recipe, network.config.internal_size_px)
        self.optimizer = _make_optimizer(network, recipe)
        self.average = MovingAverage(network, recipe.optimizer.ema_decay)
        self.step = 0
        self._resume()

    def run(self, validation: Mapping[str, TrainingSet]) -> None:
        """Train to the recipe's last step, validating on the folders of `validation`."""
        columns = (
            TextColumn("train"),
            BarColumn(),
            TextColumn("{task.completed}/{task.total} {task.fields[note]}"),
            TimeElapsedColumn(),
            TimeRemainingColumn(),
        )
        with SummaryWriter(str(self.folder / "tensorboard")) as board, Progress(*columns) as bar:
            task = bar.add_task("", total=self.recipe.steps, completed=self.step, note="")
            while self.step < self.recipe.steps:
                loss = self._train_step()
                board.add_scalar("loss", loss, self.step)
                bar.update(task, completed=self.step, note=f"loss {loss:.3f}")
                if self.step % self.recipe.checkpoint_steps == 0:
                    self._save()
                if self.step % self.recipe.validate_steps == 0:
                    scores = self._validate(validation)
                    for name, score in scores.items():
                        board.add_scalar(f"miou/{name}", score, self.step)
                    bar.console.print(self.step, scores)
        self._save()

    def averaged_network(self) -> TinySegmenter:
        """Return a network in eval mode with the averaged weights."""
        network = TinySegmenter(self.network.config)
        network.load_state_dict(self.average.state)
        return network.eval()

    def _train_step(self) -> float:
        generator = torch.Generator().manual_seed(self.recipe.seed * 1_000_003 + self.step)
        _set_rates(self.optimizer, self.recipe, self.step)
        self.network.train()
        batch = self.source.draw(generator)
        loss = self._loss(batch, generator)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(self.network.parameters(), self.recipe.optimizer.clip_norm)
        self.optimizer.step()
        self.average.update(self.network, self.step)
        self.step += 1
        return float(loss.detach())

    def _loss(self, batch: Batch, generator: torch.Generator) -> Tensor:
        pixels = batch.pixels.contiguous(memory_format=torch.channels_last)
        total = torch.zeros(())
        with torch.autocast("cpu", torch.bfloat16):
            encoded = self.network.encode(pixels, {})
            for group in batch.groups:
                present = group.classes.unique()
                present = present[present != IGNORE]
                if len(present) == 0:
                    continue
                vocabulary = draw_vocabulary(
                    group.folder.class_names,
                    present,
                    self.bank,
                    self.recipe.vocabulary,
                    generator,
                )
                part = Encoded(*(field[group.span] for field in encoded))
                logits, cost_logits = self.network.score(
                    part, LabelRows.all_real(vocabulary.text_bank)
                )
                share = len(group.classes) / len(batch.pixels)
                total = total + share * group_loss(
                    logits,
                    cost_logits,
                    group.classes,
                    vocabulary.row_of_class,
                    group.weights,
                    self.recipe.loss,
                )
        return total

    def _validate(self, validation: Mapping[str, TrainingSet]) -> dict[str, float]:
        network = self.averaged_network()
        return {
            name: round(mean_iou(network, folder, self.bank, self.recipe.validate_images), 4)
            for name, folder in validation.items()
        }

    def _save(self) -> None:
        state = {
            "network": self.network.state_dict(),
            "average": self.average.state,
            "optimizer": self.optimizer.state_dict(),
            "step": self.step,
        }
        save_checkpoint(self.folder, state, self.recipe)

    def _resume(self) -> None:
        state = load_checkpoint(self.folder, self.recipe)
        if state is None:
            return
        self.network.load_state_dict(state["network"])
        self.optimizer.load_state_dict(state["optimizer"])
        self.average.state = state["average"]
        self.step = state["step"]


def _use_channels_last(network: nn.Module) -> None:
    """Lay weights out as the CPU kernels like them; a third faster than the default layout."""
    for parameter in network.parameters():
        if parameter.ndim == 4:
            parameter.data = parameter.data.contiguous(memory_format=torch.channels_last)


def _make_optimizer(network: TinySegmenter, recipe: Recipe) -> torch.optim.Optimizer:
    backbone = list(network.backbone.parameters())
    known = {id(parameter) for parameter in backbone}
    head = [p for p in network.parameters() if id(p) not in known]
    rates = recipe.optimizer
    groups = [
        {"params": backbone, "base_lr": rates.backbone_lr},
        {"params": head, "base_lr": rates.head_lr},
    ]
    return torch.optim.AdamW(groups, lr=rates.head_lr, weight_decay=rates.weight_decay)


def _set_rates(optimizer: torch.optim.Optimizer, recipe: Recipe, step: int) -> None:
    """Linear warm-up, then (1 - progress) ** 0.9 as DeepLab does (Chen et al., 2017)."""
    warm = min(1.0, (step + 1) / recipe.optimizer.warmup_steps)
    decay = (1 - step / recipe.steps) ** 0.9
    for group in optimizer.param_groups:
        group["lr"] = group["base_lr"] * warm * decay
