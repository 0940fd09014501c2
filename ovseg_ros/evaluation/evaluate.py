"""Evaluating a segmenter on labelled images: one confusion matrix per domain."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from ovseg_ros.errors import FrameError
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table
from ovseg_ros.evaluation.labelled import LabelledImage, LabelledImages
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import NOT_EVALUATED_ID, LabelSpec


@dataclass(frozen=True)
class DomainScores:
    """The matrices of one pass over the images, by domain; `asked` are the names asked for."""

    asked: tuple[str, ...]
    by_domain: dict[str, ConfusionMatrix]

    @property
    def total(self) -> ConfusionMatrix:
        """The sum over all domains."""
        first, *others = self.by_domain.values()
        return sum(others, first)


def evaluate(
    segmenter: Segmenter,
    data: LabelledImages,
    asked: Sequence[str] = (),
    threshold: float | None = 0.0,
    on_image: Callable[[], None] = lambda: None,
    infer: Callable[[UInt8Array], Segmentation] | None = None,
) -> DomainScores:
    """Segment every image of `data` and count its pixels against the ground truth.

    Args:
        segmenter: its query is replaced by the classes of `data`.
        data: the labelled images.
        asked: name to ask for each class by, in the order of `data.names` (default: its own).
        threshold: confidence below which a pixel gets no label; 0 labels every pixel, None takes
            the default of the model package.
        on_image: called after each image.
        infer: takes the place of the segmenter's own.

    Raises `FrameError` for an image or a ground truth that cannot be used, `QueryError` for names.
    """
    infer = infer or segmenter.infer
    class_names = tuple(data.names.values())
    asked = tuple(asked) or class_names
    vocabulary = segmenter.set_labels([LabelSpec(name, threshold=threshold) for name in asked])
    predicted_table = index_table(
        {label.id: i for i, label in enumerate(vocabulary.labels, start=1)}, otherwise=0
    )
    by_domain: dict[str, ConfusionMatrix] = {}
    for item in data.items:
        matrix = by_domain.setdefault(item.domain, ConfusionMatrix(class_names))
        truth = read_truth(item, data)
        mask = infer(item.read_image()).label_mask
        if truth.shape != mask.shape:
            raise FrameError(
                f"{item.name} is {mask.shape[1]}x{mask.shape[0]} px but its ground truth is "
                f"{truth.shape[1]}x{truth.shape[0]} px; both must have the same size"
            )
        matrix.add(truth, predicted_table[mask])
        on_image()
    return DomainScores(asked, by_domain)


def read_truth(item: LabelledImage, data: LabelledImages) -> UInt8Array:
    """Return the ground truth as uint8 [H, W]: 255 not evaluated, i = the i-th class, from 1.

    Raises `FrameError` for an id that `data.names` does not list.
    """
    ids = item.read_ids()
    indices = {class_id: i for i, class_id in enumerate(data.names, start=1)}
    table = index_table(indices | {data.ignore_id: NOT_EVALUATED_ID}, otherwise=0)
    truth: UInt8Array = table[ids]
    if not truth.all():
        unknown = int(ids[truth == 0][0])
        raise FrameError(
            f"the ground truth of {item.name} holds id {unknown}, which has no name; "
            "add it to the names or replace it by the id of pixels that are not evaluated"
        )
    return truth
