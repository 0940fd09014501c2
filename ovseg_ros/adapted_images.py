"""Pictures that need not follow one another, each under the adapters that suit it."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ovseg_ros.adapters.domain import frame_fault
from ovseg_ros.adapters.library import AdapterLibrary, adapter_folder
from ovseg_ros.adapters.mix import AdapterMode
from ovseg_ros.adapters.pinning import parse_choice
from ovseg_ros.adapters.retrieval import BaseDomain
from ovseg_ros.adapters.selection import AdapterSelector, SelectionSettings
from ovseg_ros.segmentation import Segmentation, UInt8Array
from ovseg_ros.segmenter import Segmenter


class AdaptedImages:
    """Segments pictures with `segmenter` under adapters chosen as the user said."""

    def __init__(self, segmenter: Segmenter, choice: str, folder: Path | None = None) -> None:
        """Take `choice`: 'auto' (by the picture), 'none', or names: 'fog', or 'fog=0.7,rain=0.3'.

        `folder` holds the adapters (None: `adapters` in the package). Raises `AdapterError` for
        names that are unknown and weights that are no shares.
        """
        card = segmenter.package.card
        library = AdapterLibrary.open(adapter_folder(segmenter.package, folder), card)
        most_rank = segmenter.backend.capabilities.most_rank
        settings = SelectionSettings(most_rank=most_rank)
        self._segmenter = segmenter
        self._selector = AdapterSelector(library, settings, BaseDomain.of(card))
        self._mode, names, weights = parse_choice(choice)
        segmenter.set_adapter(self._selector.choose(self._mode, names, weights))

    def infer(self, image: UInt8Array) -> Segmentation:
        """Segment `image` uint8 [H, W, 3] RGB; raises what `Segmenter.infer` raises.

        Under 'auto' a picture is segmented twice where it wants another mix than the one before:
        what it shows is told by the embedding, which no adapter changes.
        """
        segmentation = self._segmenter.infer(image)
        if self._mode is not AdapterMode.AUTO:
            return segmentation
        # Chosen anew, the mode forgets the scenes before: a picture is a scene of its own.
        self._selector.choose(AdapterMode.NONE)
        mix = self._selector.choose(self._mode)
        mix = self._selector.observe(segmentation.embedding, 0, frame_fault(image)) or mix
        before = segmentation.adapter_mix
        if (mix.names, mix.weights) == (before.names, before.weights):
            return replace(segmentation, adapter_mix=mix)
        self._segmenter.set_adapter(mix)
        return self._segmenter.infer(image)
