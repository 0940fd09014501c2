"""How good the factors are on whole frames; what a report says comes from the package's program."""

from __future__ import annotations

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

from ovseg_ros.evaluation.confusion import ConfusionMatrix
from ovseg_ros.models.label_rows import LabelRows
from ovseg_ros.models.lora import LoraSlices
from ovseg_train.lora.trainee import Trainee
from ovseg_train.lora.views import ViewStore
from ovseg_train.tiny.label_sampling import IGNORE


@torch.no_grad()
def mean_iou(trainee: Trainee, store: ViewStore, text: Tensor, lora: LoraSlices) -> float:
    """Return the mean IoU in 0..1 over the classes seen in the frames of `store`, each whole.

    `text` [number of classes, D] are the vectors of the classes' own names.
    """
    matrix = ConfusionMatrix(store.frames.class_names)
    for number in range(len(store)):
        view = store.view(number, 0)
        logits = trainee.scores(view.frozen, LabelRows.all_real(text), lora).logits
        size = view.classes.shape[1:]
        logits = F.interpolate(logits, size, mode="bilinear", align_corners=False)
        predicted = logits.argmax(1)[0].numpy() + 1
        truth = view.classes[0].numpy()
        truth = np.where(truth == IGNORE, IGNORE, truth + 1)
        matrix.add(truth.astype(np.uint8), predicted.astype(np.uint8))
    return matrix.mean_iou() or 0.0
