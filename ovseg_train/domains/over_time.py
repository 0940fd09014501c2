"""A sequence segmented as the node does it: the mix follows the scene, on a simulated clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ovseg_ros.adapters.domain import frame_fault
from ovseg_ros.adapters.library import AdapterLibrary
from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.adapters.selection import AdapterSelector
from ovseg_ros.evaluation.confusion import ConfusionMatrix, index_table
from ovseg_ros.evaluation.dataset import LabelledFolder
from ovseg_ros.evaluation.evaluate import read_truth
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import LabelSpec


@dataclass(frozen=True)
class Followed:
    """mIoU 0..1 of the base model and with selection on, on the same frames.

    `frames_adapted` were segmented with adapters; `switches` counts changes of the mix.
    """

    frames: int
    base_miou: float
    auto_miou: float
    frames_adapted: int
    switches: int


def follow(
    segmenter: Segmenter,
    library: AdapterLibrary,
    data: LabelledFolder,
    rate_hz: float,
    lead_in: int = 0,
    on_frame: Callable[[], None] = lambda: None,
) -> Followed:
    """Segment the frames of `data` in order, `rate_hz` of them a second, with selection on.

    As in the node, a frame decides about the mix of the next one. The first `lead_in` frames are
    seen but not counted. Raises `FrameError`.
    """
    names = tuple(data.names.values())
    vocabulary = segmenter.set_labels([LabelSpec(name, threshold=0.0) for name in names])
    predicted = index_table({lab.id: i for i, lab in enumerate(vocabulary.labels, start=1)}, 0)
    base, auto = ConfusionMatrix(names), ConfusionMatrix(names)
    selector = AdapterSelector(library)
    mix = selector.choose(AdapterMode.AUTO)
    adapted = switches = 0
    for number, item in enumerate(data.items):
        image, truth = item.read_image(), read_truth(item, data)
        segmenter.set_adapter(AdapterMix())
        found = segmenter.infer(image)
        base_mask = found.label_mask.copy()
        if number >= lead_in:
            mask = base_mask
            if mix.factors is not None:
                adapted += 1
                segmenter.set_adapter(mix)
                mask = segmenter.infer(image).label_mask
            base.add(truth, predicted[base_mask])
            auto.add(truth, predicted[mask])
        at_ns = round(number * 1e9 / rate_hz)
        chosen = selector.observe(found.embedding, at_ns, frame_fault(image))
        if chosen is not None:
            switches += (chosen.names, chosen.weights) != (mix.names, mix.weights)
            mix = chosen
        on_frame()
    return Followed(
        len(data.items) - lead_in, base.mean_iou() or 0.0, auto.mean_iou() or 0.0, adapted, switches
    )
