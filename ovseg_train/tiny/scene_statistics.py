"""Mean and deviation of the scene embedding over the training images, so that distances compare."""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F

from ovseg_ros.models.tiny import TinySegmenter
from ovseg_train.tiny.training_set import TrainingSet


@torch.no_grad()
def set_scene_statistics(
    network: TinySegmenter, folders: Sequence[TrainingSet], images: int
) -> None:
    """Fill `scene_mean` and `scene_std` of `network` from `images` items of each folder."""
    network.scene_mean.zero_()
    network.scene_std.fill_(1.0)
    rows = []
    for folder in folders:
        step = max(1, len(folder) // images)
        for image in folder.images[::step][:images]:
            pixels = torch.tensor(image).permute(2, 0, 1)[None].float()
            size = network.config.internal_size_px
            pixels = F.interpolate(pixels, size=size, mode="bilinear", align_corners=False)
            maps = network.backbone((pixels - 127) / 127.5, {})
            rows.append(network.scene_embedding(maps))
    embeddings = torch.cat(rows)
    network.scene_mean.copy_(embeddings.mean(0))
    network.scene_std.copy_(embeddings.std(0).clamp_min(1e-3))
