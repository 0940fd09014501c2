"""What calibration runs a package's graph on: real frames, under all labels and under fewer."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import numpy as np

from ovseg_ros.adapters.mix import packed_factors
from ovseg_ros.check.material import Material
from ovseg_ros.packages import ModelPackage
from ovseg_ros.text.bank import TextBank


class CalibrationInputs:
    """The graph's inputs for each frame of `material`, without an adapter.

    Frames are read at each pass, so that as many as wanted need no more memory than one.
    """

    def __init__(self, package: ModelPackage, material: Material) -> None:
        """Encode the labels with the text tower of `package`; raises `QueryError`."""
        self._material = material
        self._threshold = package.card.default_threshold
        self._lora = packed_factors(None, package.card.lora_widths)
        self._bank = TextBank.load(package).encode(
            [spec.prompts for spec in material.specs], package.card.templates
        )

    def __len__(self) -> int:
        """How many frames there are."""
        return len(self._material)

    def __iter__(self) -> Iterator[dict[str, Any]]:
        """Yield the inputs of the graph by name; raises `FrameError` for an unreadable frame."""
        counts = sorted({len(self._bank), (len(self._bank) + 1) // 2, 1}, reverse=True)
        for index, frame in enumerate(self._material):
            rows = self._bank[: counts[index % len(counts)]]
            yield {
                "image": frame.image[None],
                "text_bank": rows,
                "label_codes": np.arange(1, len(rows) + 1, dtype=np.uint8),
                "thresholds": np.full(len(rows), self._threshold, np.float32),
                "lora_a": self._lora[0],
                "lora_b": self._lora[1],
            }
