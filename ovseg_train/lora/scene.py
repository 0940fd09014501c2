"""Where a domain is among all scenes, as the node sees them: through the package's own program."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from ovseg_ros.adapters.domain import DomainStatistics, frame_fault
from ovseg_ros.engine.base import TextRows
from ovseg_ros.engine.onnxruntime import OnnxRuntimeBackend
from ovseg_ros.errors import OvsegError
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmentation import UInt8Array


def domain_statistics(package: ModelPackage, images: Sequence[UInt8Array]) -> DomainStatistics:
    """Return centroid and spread of `images` uint8 [H, W, 3]; those that show no scene are out.

    Raises `OvsegError` where fewer than two are left, and `AdapterError` for equal ones.
    """
    shown = [image for image in images if not frame_fault(image)]
    if len(shown) < 2:
        raise OvsegError(
            f"{len(shown)} of the {len(images)} images shows a scene (others are black, saturated "
            "or of one colour), two at least were wanted: one picture tells no domain; give more"
        )
    return DomainStatistics.of(scene_embeddings(package, shown))


def scene_embeddings(
    package: ModelPackage, images: Sequence[UInt8Array]
) -> npt.NDArray[np.float32]:
    """Return the embeddings float32 [number of images, E] of `images` uint8 [H, W, 3]."""
    bank = np.zeros((1, package.card.embedding_dim), np.float32)
    bank[0, 0] = 1  # the scene does not depend on the labels
    with OnnxRuntimeBackend(package, threads=0) as backend:
        backend.set_text(TextRows(bank, np.ones(1, np.uint8), np.zeros(1, np.float32)))
        return np.concatenate([backend.infer(image[None]).embedding for image in images])
