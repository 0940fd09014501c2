"""The training loss of one group of crops that share a vocabulary."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_train.tiny.label_sampling import IGNORE
from ovseg_train.tiny.recipe import LossRecipe


def class_weights(pixels: np.ndarray, recipe: LossRecipe) -> Tensor:
    """Return float32 [256] weights from the pixel counts of the classes (Eigen & Fergus, 2015)."""
    share = pixels / max(pixels.sum(), 1)
    median = np.median(share[share > 0])
    weight = (median / np.maximum(share, 1e-9)) ** recipe.class_weight_power
    table = torch.ones(256)
    table[: len(pixels)] = torch.from_numpy(weight).float().clamp(*recipe.class_weight_range)
    return table


def group_loss(
    logits: Tensor,
    cost_logits: Tensor,
    classes: Tensor,
    rows: Tensor,
    weights: Tensor,
    recipe: LossRecipe,
) -> Tensor:
    """Return the scalar loss.

    `logits` [B, N, h, w] at stride 4, `cost_logits` [B, N, h/2, w/2]; `classes` int64 [B, 2h, 2w]
    class ids or 255; `rows` int64 [256] the row of each class; `weights` [256] of each class.
    A pixel whose class was not asked for competes for no label, but every label must deny it.
    """
    logits = F.interpolate(logits.float(), scale_factor=2, mode="bilinear", align_corners=False)
    competition = competition_loss(logits, classes, rows, weights)
    coarse = (slice(None), slice(2, None, 4), slice(2, None, 4))
    cost_loss = competition_loss(cost_logits.float(), classes[coarse], rows, weights)
    denial = denial_loss(logits, classes, rows, weights)
    return competition + recipe.sigmoid_weight * denial + recipe.cost_weight * cost_loss


def competition_loss(logits: Tensor, classes: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Return the cross-entropy between the labels, which makes the mask.

    `logits` [B, N, h, w] float32, `classes` [B, h, w]; the others as in `group_loss`.
    """
    target, pixel_weight = rows[classes], weights[classes]
    loss = F.cross_entropy(logits, target, ignore_index=IGNORE, reduction="none")
    weight = pixel_weight * (target != IGNORE)
    return (loss * weight).sum() / weight.sum().clamp(min=1)


def denial_loss(logits: Tensor, classes: Tensor, rows: Tensor, weights: Tensor) -> Tensor:
    """Return the binary cross-entropy of each label, which makes its confidence mean something.

    The arguments are those of `competition_loss`.
    """
    target, pixel_weight = rows[classes], weights[classes]
    known = (classes != IGNORE).float()[:, None]
    one_hot = F.one_hot(target.clamp(max=logits.shape[1]), logits.shape[1] + 1)
    one_hot = one_hot[..., :-1].permute(0, 3, 1, 2).float()
    binary = F.binary_cross_entropy_with_logits(logits, one_hot, reduction="none")
    balance = known * torch.where(one_hot > 0, pixel_weight[:, None], 1.0)
    total = (binary * balance).sum()
    return 0.25 * total / (known.sum() * logits.shape[1] ** 0.5).clamp(min=1)
