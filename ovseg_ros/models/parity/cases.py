"""The cases of a folder of reference outputs: what was fed to the published program, and how."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.catseg import CatSegConfig
from ovseg_ros.models.catseg_inference import Views
from ovseg_ros.models.parity.semla import fused_weights
from ovseg_ros.models.registry import CATSEG_BASE, CATSEG_LARGE

LABELS = ("road", "building", "sky", "person", "traffic light", "tree", "parked car")
COMMA_LABELS = ("car, automobile", "traffic light", "sidewalk, pavement")
MANY_LABELS = tuple(f"thing number {i}" for i in range(300))
RESULT_SIZE_PX = (480, 640)
_NAME = re.compile(r"(single|sliding)_(raw|short640)_pool([12])(_comma|_300labels)?")
_SUFFIX_LABELS = {None: LABELS, "_comma": COMMA_LABELS, "_300labels": MANY_LABELS}
_FUSIONS: dict[str, tuple[tuple[str, float], ...]] = {
    "base_no_adapter": (),
    "fused_cat_unmerged_OFFICIAL": fused_weights(),
}
CHECKPOINTS = {"catseg_base": CATSEG_BASE, "catseg_large": CATSEG_LARGE}


@dataclass(frozen=True)
class Case:
    """One recorded run of the published program; `reference` is its .npz file.

    `adapters` are (name, weight) of those that were fused.
    """

    reference: Path
    network: CatSegConfig
    image: Path
    labels: tuple[str, ...]
    views: Views
    pooling: int
    adapters: tuple[tuple[str, float], ...] = ()

    @property
    def title(self) -> str:
        """Folder and file, as the tables show them."""
        return f"{self.reference.parent.name}/{self.reference.stem}"


def find_cases(folder: Path) -> list[Case]:
    """Return the cases of CAT-Seg that `folder` holds; raises `OvsegError` where there are none."""
    cases = [*_catseg_cases(folder), *_semla_cases(folder)]
    if not cases:
        raise OvsegError(
            f"{folder} holds no reference outputs; a folder with catseg_base/*.npz or "
            "catseg_large/*.npz and common/ was wanted"
        )
    return cases


def _catseg_cases(folder: Path) -> Iterator[Case]:
    for name, network in CHECKPOINTS.items():
        for reference in sorted((folder / name).glob("*.npz")):
            match = _NAME.fullmatch(reference.stem)
            if match is None:
                raise OvsegError(
                    f"{reference}: the name says nothing about the run; names like "
                    "single_raw_pool1 or sliding_short640_pool1_comma were wanted"
                )
            views, source, pooling, suffix = match.groups()
            yield Case(
                reference,
                network,
                _image(folder, source),
                _SUFFIX_LABELS[suffix],
                Views(views),
                int(pooling),
            )


def _semla_cases(folder: Path) -> Iterator[Case]:
    """Runs of SemLA, which is CAT-Seg large with adapters: none, a single one, or three fused."""
    single = re.compile(r"single_adapter_(.+)")
    for reference in sorted((folder / "semla_large").glob("*.npz")):
        match = single.fullmatch(reference.stem)
        adapters = ((match[1], 1.0),) if match else _FUSIONS.get(reference.stem)
        if adapters is not None:
            yield Case(
                reference,
                CATSEG_LARGE,
                _image(folder, "raw"),
                LABELS,
                Views.SINGLE,
                1,
                adapters,
            )


def _image(folder: Path, source: str) -> Path:
    name = {"raw": "image_480x640.png", "short640": "image_short640.png"}[source]
    return folder / "common" / name
