"""The peer of every latency here: the bare `session.run` of ONNX Runtime on the same inputs."""

from __future__ import annotations

import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from ovseg_ros.engine.onnxruntime import import_onnxruntime
from ovseg_ros.packages import ModelPackage
from ovseg_ros.segmentation import UInt8Array
from ovseg_ros.text.bank import TextBank


class BareCall:
    """An ONNX Runtime session with the options it has by default, and nothing around it."""

    def __init__(self, package: ModelPackage, text_bank: TextBank, labels: Sequence[str]) -> None:
        """Load the graph of `package` and fix its text inputs to `labels`, the base model."""
        ort = import_onnxruntime()
        self._session = ort.InferenceSession(
            str(package.segmenter_path), providers=["CPUExecutionProvider"]
        )
        card = package.card
        self._inputs: dict[str, Any] = {
            "text_bank": text_bank.encode([[name] for name in labels], card.templates),
            "label_codes": np.arange(1, len(labels) + 1, dtype=np.uint8),
            "thresholds": np.full(len(labels), card.default_threshold, np.float32),
            "lora_a": np.zeros((1, card.lora_widths[0]), np.float32),
            "lora_b": np.zeros((1, card.lora_widths[1]), np.float32),
        }

    def time_ms(self, image: UInt8Array) -> float:
        """Run the graph on `image` uint8 [H, W, 3] and return how long that took, ms."""
        inputs = {"image": image[None], **self._inputs}
        start_ns = time.perf_counter_ns()
        self._session.run(("mask", "confidence", "embedding"), inputs)
        return (time.perf_counter_ns() - start_ns) / 1e6

    def times_ms(self, images: Sequence[UInt8Array], calls: int) -> list[float]:
        """Return the times of `calls` calls over `images` in turn, after three to warm up."""
        for image in images[:3]:
            self.time_ms(image)
        return [self.time_ms(images[i % len(images)]) for i in range(calls)]
