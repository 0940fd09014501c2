"""A quick look at accuracy while training; the numbers that are reported come from `ovseg eval`."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F

from ovseg_ros.models.tiny import TinySegmenter
from ovseg_train.tiny.label_sampling import PromptBank
from ovseg_train.tiny.training_set import TrainingSet


@torch.no_grad()
def mean_iou(network: TinySegmenter, folder: TrainingSet, bank: PromptBank, images: int) -> float:
    """Return the mean IoU in 0..1 over the classes seen in `images` evenly spread items.

    Labels are called by the names of the data set; prediction and truth are compared at stride 2.
    """
    text = torch.stack([bank.vectors(name)[0] for name in folder.class_names])
    count = len(folder.class_names)
    confusion = np.zeros((count, count), np.int64)
    for index in np.linspace(0, len(folder) - 1, min(images, len(folder))).astype(int):
        height, width = network.config.internal_size_px
        pixels = torch.tensor(folder.images[index]).permute(2, 0, 1)[None].float()
        pixels = F.interpolate(pixels, size=(height, width), mode="bilinear", align_corners=False)
        logits, _, _ = network((pixels - 127) / 127.5, text, {})
        predicted = F.interpolate(logits, scale_factor=2, mode="bilinear")[0].argmax(0)
        truth = torch.tensor(folder.labels[index])[None, None].float()
        truth = F.interpolate(truth, size=predicted.shape, mode="nearest-exact")[0, 0].long()
        known = truth < count
        pairs = truth[known] * count + predicted[known]
        confusion += np.bincount(pairs.numpy(), minlength=count * count).reshape(count, count)
    hits = np.diag(confusion)
    union = confusion.sum(0) + confusion.sum(1) - hits
    return float((hits / np.maximum(union, 1))[confusion.sum(1) > 0].mean())
