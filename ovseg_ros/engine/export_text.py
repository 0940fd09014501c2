"""A text tower to the ONNX program of a package, checked against torch before it is kept."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ovseg_ros.adapters.sites import packed_widths
from ovseg_ros.engine.export import save_program
from ovseg_ros.engine.onnxruntime import import_onnxruntime
from ovseg_ros.errors import PackageError
from ovseg_ros.models.clip_text_graph import ClipTextGraph
from ovseg_ros.models.siglip_text import SiglipTextConfig
from ovseg_ros.text.tower import TOWER_FILE, TextTokenizer

INPUTS = ("ids", "lora_a", "lora_b")
OUTPUT = "embedding"
# Of a unit vector.
_MAX_ERROR = 1e-4
# Large enough that a program which ignored its factors would be far off.
_FACTOR_SCALE = 0.1


@dataclass(frozen=True)
class TextTrial:
    """Texts and the rank of random factors to compare the program with torch on."""

    texts: tuple[str, ...]
    rank: int


_TRACED = TextTrial(("a photo of a car", "tree"), 2)
TRIALS = (
    TextTrial(("tree",), 0),
    TextTrial(("a photo of a red car behind a tree", "sky", "car"), 1),
    TextTrial(("a photo of a traffic sign", "pole"), 5),
)


def export_text(
    graph: ClipTextGraph,
    tokenizer: TextTokenizer,
    folder: Path,
    trials: Sequence[TextTrial] = TRIALS,
) -> None:
    """Write the program of `graph` into `folder` once it agrees with torch on all `trials`.

    The number of texts, the rank of the factors and for CLIP the length of texts stay free; SigLIP
    reads texts of one length. `tokenizer` is that of the tower. Raises `PackageError` where the
    program does not agree; nothing is replaced then.
    """
    dynamic = torch.export.Dim.DYNAMIC
    one_length = isinstance(graph.tower.config, SiglipTextConfig)
    texts = {0: dynamic} if one_length else {0: dynamic, 1: dynamic}
    free = (texts, {0: dynamic}, {0: dynamic})
    traced = random_inputs(graph, tokenizer, _TRACED)
    with tempfile.TemporaryDirectory(dir=folder) as scratch:
        path = Path(scratch) / TOWER_FILE
        save_program(graph, traced, INPUTS, (OUTPUT,), free, path)
        check_text(graph, tokenizer, path, trials)
        os.replace(path, folder / TOWER_FILE)


def check_text(
    graph: ClipTextGraph,
    tokenizer: TextTokenizer,
    path: Path,
    trials: Sequence[TextTrial] = TRIALS,
) -> None:
    """Compare the program at `path` with torch; raises `PackageError` where they differ."""
    session = import_onnxruntime().InferenceSession(str(path), providers=["CPUExecutionProvider"])
    for trial in trials:
        inputs = random_inputs(graph, tokenizer, trial)
        feeds = {name: value.numpy() for name, value in zip(INPUTS, inputs, strict=True)}
        (found,) = session.run([OUTPUT], feeds)
        with torch.no_grad():
            error = float(np.abs(found - graph(*inputs).numpy()).max())
        # Said this way round, NaN is an error too.
        if not error <= _MAX_ERROR:
            raise PackageError(
                f"the exported text tower differs from torch on {trial}: by {error:.2g} in a unit "
                f"vector, at most {_MAX_ERROR:g} was wanted; the weights may be damaged, or torch "
                "exports this tower wrongly: fetch the weights again, or try another torch"
            )


def random_inputs(
    graph: ClipTextGraph, tokenizer: TextTokenizer, trial: TextTrial
) -> tuple[Tensor, Tensor, Tensor]:
    """Return inputs of the graph: ids int64 [N, L] and random factors of the rank of `trial`."""
    generator = torch.Generator().manual_seed(trial.rank)
    wide_a, wide_b = packed_widths([site for _, site in graph.lora_sites])
    return (
        torch.from_numpy(tokenizer.encode(trial.texts)),
        _FACTOR_SCALE * torch.randn(trial.rank, wide_a, generator=generator),
        _FACTOR_SCALE * torch.randn(trial.rank, wide_b, generator=generator),
    )
