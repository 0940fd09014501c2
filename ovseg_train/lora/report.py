"""What an adapter is worth on frames it has not seen, measured with the package's own program."""

from __future__ import annotations

from collections.abc import Callable

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode, LoraFactors
from ovseg_ros.evaluation.dataset import LabelledFolder
from ovseg_ros.evaluation.evaluate import evaluate
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmenter import Segmenter


def base_and_adapted(
    package: ModelPackage,
    factors: LoraFactors,
    data: LabelledFolder,
    on_image: Callable[[], None] = lambda: None,
) -> tuple[float | None, float | None]:
    """Return the mean IoU in 0..1 of the base and under `factors` on all images of `data`.

    None where no pixel is labelled. Raises `FrameError` for an image that cannot be used.
    """
    scores = []
    with Segmenter.open(package.folder) as segmenter:
        for mix in (
            AdapterMix(),
            AdapterMix(AdapterMode.PINNED, ("new",), (1.0,), factors=factors),
        ):
            segmenter.set_adapter(mix)
            scores.append(evaluate(segmenter, data, on_image=on_image).total.mean_iou())
    base, adapted = scores
    return base, adapted
