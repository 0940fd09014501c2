"""The training loop of the student, with checkpoint and exact resume."""

from __future__ import annotations

import hashlib
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.errors import OvsegError
from ovseg_ros.text.tokenizer import Tokenizer
from ovseg_train.text.dataset import BatchSampler, TextDataset
from ovseg_train.text.student import Student, StudentConfig


@dataclass(frozen=True)
class TrainingConfig:
    """How the student is trained.

    Attributes:
        steps: optimiser steps.
        batch_size: texts per step.
        rate: peak learning rate (AdamW, linear warm-up, cosine decay).
        warmup_steps: steps of the warm-up.
        word_drop: probability that the whole-word id of a word is hidden, so that n-grams
            alone must say what they can about an unknown word.
        gram_drop: probability that an n-gram id is hidden.
        temperature: of the relational loss.
        relation_weight: weight of the relational loss against the cosine loss.
        checkpoint_steps: steps between checkpoints.
        seed: of weights, batches and drops.
    """

    steps: int = 9000
    batch_size: int = 384
    rate: float = 4e-3
    warmup_steps: int = 200
    word_drop: float = 0.15
    gram_drop: float = 0.05
    temperature: float = 0.1
    relation_weight: float = 0.3
    checkpoint_steps: int = 500
    seed: int = 7


def train(
    dataset: TextDataset,
    tokenizer: Tokenizer,
    student_config: StudentConfig,
    config: TrainingConfig,
    checkpoint: Path,
    on_step: Callable[[int, float], None],
) -> Student:
    """Trains a student on `dataset`, resuming from `checkpoint` where it exists.

    `on_step` hears the steps done and the loss. Raises OvsegError when the checkpoint belongs
    to another configuration.
    """
    torch.manual_seed(config.seed)
    student = Student(student_config, torch.from_numpy(dataset.centre))
    optimizer = torch.optim.AdamW(student.parameters(), lr=config.rate, weight_decay=1e-3)
    sampler = BatchSampler(dataset, config.batch_size, config.seed)
    names = hashlib.sha256("\n".join(entry.name for entry in dataset.entries).encode()).hexdigest()
    identity = f"{student_config} {config} {tokenizer.config} names {names[:16]}"
    first = _resume(checkpoint, student, optimizer, identity)
    student.train()
    for step in range(first, config.steps):
        for group in optimizer.param_groups:
            group["lr"] = config.rate * _schedule(step, config)
        texts, targets = sampler.draw(step)
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        ids = _hide(_trim(tokenizer.encode(texts)), config, generator)
        loss = distillation_loss(student.direction(ids), torch.from_numpy(targets), config)
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        torch.nn.utils.clip_grad_norm_(student.parameters(), 1.0)
        optimizer.step()
        done = step + 1
        if done % config.checkpoint_steps == 0 or done == config.steps:
            _save(checkpoint, student, optimizer, identity, done)
        on_step(done, float(loss.detach()))
    return student.eval()


def distillation_loss(found: Tensor, wanted: Tensor, config: TrainingConfig) -> Tensor:
    """Cosine loss plus relational loss between unit directions `found`, `wanted` [B, D].

    The relational loss is InfoNCE over the batch with soft labels: each text's similarities to
    all targets shall be distributed as its own target's are. Two names of one thing are so
    no false negatives.
    """
    cosine = 1.0 - (found * wanted).sum(-1).mean()
    labels = (wanted @ wanted.T / config.temperature).softmax(-1)
    logits = (found @ wanted.T / config.temperature).log_softmax(-1)
    relation = F.kl_div(logits, labels, reduction="batchmean")
    return cosine + config.relation_weight * relation


def load_student(path: Path, student_config: StudentConfig) -> Student:
    """The student of a checkpoint, ready to encode."""
    state = torch.load(path, weights_only=True)["student"]
    student = Student(student_config, state["centre"])
    student.load_state_dict(state)
    return student.eval()


def _trim(ids: np.ndarray) -> Tensor:
    """Drops columns that are padding in the whole batch; they cost time and change nothing."""
    words = int((ids[:, :, 0] > 0).sum(1).max())
    grams = int((ids > 0).sum(2).max())
    return torch.from_numpy(np.ascontiguousarray(ids[:, :words, :grams]))


def _hide(ids: Tensor, config: TrainingConfig, generator: torch.Generator) -> Tensor:
    """Hides ids at random, int64 [N, W, G] -> same.

    The whole-word id is not emptied but replaced by the first n-gram's, because an empty first
    place marks padding.
    """
    draw = torch.rand(ids.shape, generator=generator)
    hidden = torch.where(draw < config.gram_drop, 0, ids)
    first = torch.where(draw[:, :, 0] < config.word_drop, ids[:, :, 1], ids[:, :, 0])
    return torch.cat([first.unsqueeze(-1), hidden[:, :, 1:]], dim=-1)


def _schedule(step: int, config: TrainingConfig) -> float:
    warm = min(1.0, (step + 1) / max(1, config.warmup_steps))
    return warm * 0.5 * (1.0 + math.cos(math.pi * step / config.steps))


def _save(
    path: Path, student: Student, optimizer: torch.optim.Optimizer, identity: str, step: int
) -> None:
    partial = path.with_name(path.name + ".partial")
    state = {
        "student": student.state_dict(),
        "optimizer": optimizer.state_dict(),
        "identity": identity,
        "step": step,
        "student_config": asdict(student.config),
    }
    torch.save(state, partial)
    os.replace(partial, path)


def _resume(path: Path, student: Student, optimizer: torch.optim.Optimizer, identity: str) -> int:
    """Restores the state and returns the step to go on with, 0 without a checkpoint."""
    if not path.exists():
        return 0
    state = torch.load(path, weights_only=True)
    if state["identity"] != identity:
        raise OvsegError(
            f"the checkpoint {path} was made with {state['identity']}, this run is {identity}; "
            "choose another --out or delete the checkpoint"
        )
    student.load_state_dict(state["student"])
    optimizer.load_state_dict(state["optimizer"])
    return int(state["step"])
