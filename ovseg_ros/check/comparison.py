"""Two engines on the same frames: how far the one strays from the other."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.check.material import Material, noise_frames, random_adapter, spread_ids
from ovseg_ros.engine.verdicts import CheckRow
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table
from ovseg_ros.segmentation import Float32Array, Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter

_ADAPTED_FRAMES = 3


@dataclass
class Deviation:
    """What pairs of results have differed by so far."""

    cosines: list[float] = field(default_factory=list)
    agreements: list[float] = field(default_factory=list)
    confidence_errors: list[float] = field(default_factory=list)

    def add(self, wanted: Segmentation, found: Segmentation) -> None:
        """Count one pair of results for the same frame."""
        self.cosines.append(cosine(wanted.embedding, found.embedding))
        self.agreements.append(float((wanted.label_mask == found.label_mask).mean()))
        error = wanted.confidence.astype(np.int16) - found.confidence
        self.confidence_errors.append(float(np.abs(error).mean()) / 255)

    def rows(self, name: str, least_agreement: float, most_error: float) -> list[CheckRow]:
        """Return the mean mask agreement and confidence error under `name`, with their limits."""
        agreement, error = float(np.mean(self.agreements)), float(np.mean(self.confidence_errors))
        return [
            CheckRow(f"mask agreement, {name}", agreement, least_agreement, True),
            CheckRow(f"confidence error, {name}", error, most_error, False),
        ]


@dataclass(frozen=True)
class Pair:
    """The engine that is right by definition, and the one that is checked."""

    reference: Segmenter
    candidate: Segmenter

    def both(self, image: UInt8Array) -> tuple[Segmentation, Segmentation]:
        """Segment `image` uint8 [H, W, 3] with both."""
        return self.reference.infer(image), self.candidate.infer(image)

    def set_adapter(self, mix: AdapterMix) -> None:
        """Make `mix` the adapters of both."""
        self.reference.set_adapter(mix)
        self.candidate.set_adapter(mix)


def compare(
    pair: Pair, material: Material, on_frame: Callable[[], None] = lambda: None
) -> tuple[CheckRow, ...]:
    """Compare both engines of `pair` against the limits on the card of their package.

    `on_frame` is called after each frame of `material`. Raises `FrameError` for a frame that
    cannot be read and `QueryError` for labels that the package does not take.
    """
    card = pair.reference.package.card
    limits = card.checks
    for segmenter in (pair.reference, pair.candidate):
        segmenter.set_labels(spread_ids(material.specs, card.label_capacity))
    camera_px = pair.candidate.backend.capabilities.camera_px
    if camera_px is not None:
        material = material.scaled_to(camera_px)
    frames, iou_rows, images = _on_frames(pair, material, on_frame)
    adapted = _on_adapters(pair, images) if card.lora_sites else []
    noise = _on_noise(pair)
    lowest = min(frames.cosines + noise.cosines)
    return (
        CheckRow("embedding cosine, lowest", lowest, limits.embedding_cosine, True),
        *frames.rows("frames", limits.mask_agreement, limits.confidence_error),
        *noise.rows("noise", limits.noise_mask_agreement, limits.noise_confidence_error),
        *adapted,
        *iou_rows,
    )


def cosine(first: Float32Array, second: Float32Array) -> float:
    """Return the cosine of two vectors [E]; 1 where both are zero, 0 where one is."""
    norms = float(np.linalg.norm(first)) * float(np.linalg.norm(second))
    if norms == 0.0:
        return float(not first.any() and not second.any())
    return float(np.dot(first.astype(np.float64), second)) / norms


def _on_frames(
    pair: Pair, material: Material, on_frame: Callable[[], None]
) -> tuple[Deviation, list[CheckRow], list[UInt8Array]]:
    """Return deviation, the row of mean IoU and the first few images."""
    deviation = Deviation()
    images: list[UInt8Array] = []
    matrices = [ConfusionMatrix(material.truth_names) for _ in range(2)]
    tables = [_table(segmenter) for segmenter in (pair.reference, pair.candidate)]
    for frame in material:
        results = pair.both(frame.image)
        deviation.add(*results)
        if frame.truth is not None:
            for matrix, table, result in zip(matrices, tables, results, strict=True):
                matrix.add(frame.truth, table[result.label_mask])
        if len(images) < _ADAPTED_FRAMES:
            images.append(frame.image)
        on_frame()
    return deviation, _iou_rows(pair, matrices), images


def _iou_rows(pair: Pair, matrices: Sequence[ConfusionMatrix]) -> list[CheckRow]:
    wanted, found = (matrix.mean_iou() for matrix in matrices)
    if wanted is None or found is None:
        return []
    limit = pair.reference.package.card.checks.mean_iou_loss
    name = f"mean IoU lost ({wanted:.4f} to {found:.4f})"
    return [CheckRow(name, wanted - found, limit, False)]


def _on_noise(pair: Pair) -> Deviation:
    deviation = Deviation()
    for image in noise_frames(pair.candidate.backend.capabilities.camera_px):
        deviation.add(*pair.both(image))
    return deviation


def _on_adapters(pair: Pair, images: Sequence[UInt8Array]) -> list[CheckRow]:
    """Compare under random adapters A and B; A again after B must give the very same numbers."""
    card, limits = pair.reference.package.card, pair.reference.package.card.checks
    first, second = (
        AdapterMix(AdapterMode.PINNED, (name,), (1.0,), (0.0,), "check", random_adapter(card, seed))
        for seed, name in enumerate(("A", "B"))
    )
    deviation, largest = Deviation(), 0.0
    for image in images:
        pair.set_adapter(first)
        wanted, before = pair.both(image)
        deviation.add(wanted, before)
        pair.set_adapter(second)
        deviation.add(*pair.both(image))
        pair.set_adapter(first)
        largest = max(largest, _largest_difference(before, pair.candidate.infer(image)))
    pair.set_adapter(AdapterMix())
    return [
        *deviation.rows("adapters", limits.mask_agreement, limits.confidence_error),
        CheckRow("difference of adapter A after A, B, A", largest, 0.0, False),
    ]


def _largest_difference(first: Segmentation, second: Segmentation) -> float:
    return max(
        float(np.abs(a.astype(np.float64) - b).max())
        for a, b in (
            (first.label_mask, second.label_mask),
            (first.confidence, second.confidence),
            (first.embedding, second.embedding),
        )
    )


def _table(segmenter: Segmenter) -> UInt8Array:
    labels = segmenter.vocabulary.labels
    return index_table({label.id: i for i, label in enumerate(labels, start=1)}, otherwise=0)
