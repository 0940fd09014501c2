"""The loss of a step, that of the embedded default where a network has what it needs."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from ovseg_train.lora.trainee import Confidence, Scores
from ovseg_train.tiny.losses import competition_loss, denial_loss, group_loss
from ovseg_train.tiny.recipe import LossRecipe


def adapter_loss(
    scores: Scores,
    confidence: Confidence,
    classes: Tensor,
    rows: Tensor,
    weights: Tensor,
    recipe: LossRecipe,
) -> Tensor:
    """Return the scalar loss of `scores` against `classes` int64 [B, 2h, 2w].

    `rows` and `weights` as in `group_loss`. Labels whose confidences are those of a softmax only
    compete; others must mean something alone, too.
    """
    if scores.cost is not None:
        return group_loss(scores.logits, scores.cost, classes, rows, weights, recipe)
    logits = scores.logits.float()
    logits = F.interpolate(logits, scale_factor=2, mode="bilinear", align_corners=False)
    loss = competition_loss(logits, classes, rows, weights)
    if confidence is Confidence.SOFTMAX:
        return loss
    return loss + recipe.sigmoid_weight * denial_loss(logits, classes, rows, weights)
