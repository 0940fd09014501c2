"""Published weights to a model package: the program, the text tower, the tokenizer and the card."""

from __future__ import annotations

import os
import shutil
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import Tensor

from ovseg_ros.engine.convertible import Convertible, Variant, convertible
from ovseg_ros.engine.export import OPSET, export_segmenter
from ovseg_ros.engine.export_text import export_text
from ovseg_ros.engine.islands import island_kinds
from ovseg_ros.errors import PackageError
from ovseg_ros.models.clip_text_graph import ClipTextGraph
from ovseg_ros.models.deterministic import deterministic_weights
from ovseg_ros.models.identity import base_sha256
from ovseg_ros.models.lora import lora_sites
from ovseg_ros.models.registry import find_network
from ovseg_ros.models.segmenter_graph import TEXT_TOWER
from ovseg_ros.models.siglip_text import SiglipTextConfig
from ovseg_ros.packages import seal
from ovseg_ros.text.clip_tokenizer import ClipTokenizer, clip_tokenizer
from ovseg_ros.text.siglip_tokenizer import SiglipTokenizer, siglip_tokenizer
from ovseg_ros.text.tower import TOKENIZER_FILE
from ovseg_ros.weights.checkpoint import read_checkpoint
from ovseg_ros.weights.matching import match_state_dict

LABEL_CAPACITY = 254
_Tokenizer = ClipTokenizer | SiglipTokenizer
_MADE_UP = {
    "license": "Apache-2.0",
    "training_data": [],
    "limits": ["The weights are made up: its masks mean nothing. For tests and benchmarks only."],
}


def convert_checkpoint(
    name: str,
    weights_file: Path,
    out: Path,
    variant: Variant,
    tokenizer_file: Path | None = None,
) -> None:
    """Write the package of network `name` with the published weights in `weights_file` to `out`.

    `tokenizer_file` is what SigLIP's texts are cut with; CLIP has a tokenizer of its own. Raises
    `WeightsError` where the file is unsafe, broken or does not fit, `PackageError` where `out` is
    taken or the tokenizer is missing or wrong, and `MissingExtraError` where a library is not
    installed.
    """
    tokenizer = _tokenizer(name, tokenizer_file)
    parts = convertible(name, variant)
    found, layout = read_checkpoint(weights_file), parts.layout
    weights = match_state_dict(found, layout.shapes, weights_file, layout.harmless)
    _write(name, parts, tokenizer, weights, {"weights": weights_file.name}, out)


def convert_deterministic(
    name: str, out: Path, variant: Variant, tokenizer_file: Path | None = None
) -> None:
    """Write the package of network `name` with weights that need no download to `out`."""
    tokenizer = _tokenizer(name, tokenizer_file)
    parts = convertible(name, variant)
    weights = deterministic_weights(parts.layout.shapes)
    _write(name, parts, tokenizer, weights, {"weights": "deterministic", **_MADE_UP}, out)


def _tokenizer(name: str, file: Path | None) -> _Tokenizer:
    """Return the tokenizer of network `name`: CLIP's, or SigLIP's from `file`."""
    text = find_network(name).text
    if not isinstance(text, SiglipTextConfig):
        if file is not None:
            raise PackageError(
                f"a tokenizer {file} was given, but {name} stands on CLIP, whose tokenizer is "
                "known: leave --tokenizer out"
            )
        return clip_tokenizer()
    if file is None:
        raise PackageError(
            f"{name} stands on SigLIP, whose tokenizer comes with its weights: give --tokenizer "
            f"the tokenizer.json of the Hugging Face repository {text.repository}"
        )
    return siglip_tokenizer(file, text.vocabulary, text.tokens, text.context)


def _write(
    name: str,
    parts: Convertible,
    tokenizer: _Tokenizer,
    weights: Mapping[str, Tensor],
    provenance: Mapping[str, Any],
    out: Path,
) -> None:
    """Build the package beside `out` and rename it, so that a half-written one is never seen."""
    if out.exists():
        raise PackageError(f"{out} exists already; remove it, or give another --out")
    parts.network.load_state_dict(parts.layout.to_ours(weights))
    out.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(dir=out.parent, prefix=f".{out.name}."))
    try:
        export_segmenter(parts.graph, scratch, precision=parts.precision)
        export_text(ClipTextGraph(parts.network.text), tokenizer, scratch)
        tokenizer.save(scratch / TOKENIZER_FILE)
        seal(scratch, {**_card(name, parts), **provenance})
        scratch.chmod(0o755)
        os.replace(scratch, out)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _card(name: str, parts: Convertible) -> dict[str, Any]:
    config = parts.network.config
    return {
        "name": name,
        "network": name,
        "base_sha256": base_sha256(parts.network),
        "embedding_dim": parts.graph.embedding_dim,
        "scene_embedding_dim": 2 * config.image.width,
        "label_capacity": LABEL_CAPACITY,
        "default_threshold": 0.0,
        "templates": [config.template],
        "opset": OPSET,
        "precision": parts.precision.value,
        "float32_islands": island_kinds(parts.precision),
        "limits": ["Trained on English names."],
        **parts.card,
        "lora_sites": [
            {"name": parts.layout.name(n), "c_in": site.c_in, "c_out": site.c_out}
            for n, site in parts.graph.lora_sites
        ],
        "text_lora_sites": [
            {"name": parts.layout.name(f"{TEXT_TOWER}{n}"), "c_in": site.c_in, "c_out": site.c_out}
            for n, site in lora_sites(parts.network.text)
        ],
    }
