"""Random inputs of an engine, always the same for the same arguments."""

from __future__ import annotations

import numpy as np

from ovseg_ros.adapters.mix import LoraFactors
from ovseg_ros.engine.base import TextRows
from ovseg_ros.packages import ModelPackage


def random_rows(package: ModelPackage, count: int) -> TextRows:
    rng = np.random.default_rng(count)
    bank = rng.standard_normal((count, package.card.embedding_dim)).astype(np.float32)
    bank /= np.linalg.norm(bank, axis=1, keepdims=True)
    codes = np.arange(254, 254 - count, -1).clip(1).astype(np.uint8)
    return TextRows(bank, codes, np.zeros(count, np.float32))


def random_factors(package: ModelPackage, rank: int, seed: int = 0) -> LoraFactors:
    rng = np.random.default_rng(seed)
    widths = package.card.lora_widths
    a, b = (rng.normal(0, 0.05, (rank, width)).astype(np.float32) for width in widths)
    return LoraFactors(a, b)


def random_images(count: int, size: tuple[int, int]) -> np.ndarray:
    coarse = np.random.default_rng(1).integers(0, 256, (count, 4, 5, 3), np.uint8)
    rows, columns = (np.arange(n) * k // n for n, k in zip(size, (4, 5), strict=True))
    return coarse[:, rows][:, :, columns]
