"""Runs the recorded cases of CAT-Seg and SemLA through our network and measures every stage."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from ovseg_ros.image_files import read_rgb
from ovseg_ros.models.catseg import CatSeg, CatSegConfig
from ovseg_ros.models.catseg_inference import prepare, probabilities
from ovseg_ros.models.catseg_layout import from_published, published_shapes
from ovseg_ros.models.deterministic import deterministic_weights
from ovseg_ros.models.parity.cases import RESULT_SIZE_PX, Case
from ovseg_ros.models.parity.reference import Reference, Row, relative_l2
from ovseg_ros.models.parity.semla import adapter_slices
from ovseg_ros.models.parity.stages import recording
from ovseg_ros.text.clip_tokenizer import clip_tokenizer

_ARGMAX_AGREEMENT = 0.999
_BY_LABEL = ("corr_embed0", "proj_text_guidance", "agg", "decoder")


class CatSegParity:
    """A network with the deterministic weights, rebuilt only where a case needs another."""

    def __init__(self) -> None:
        """Start without a network."""
        self._tokenizer = clip_tokenizer()
        self._built: CatSegConfig | None = None
        self._network: CatSeg | None = None

    def check_keys(self, folder: Path, network: CatSegConfig) -> Iterator[Row]:
        """Compare keys, shapes and weight values with the list recorded in `folder`."""
        path = folder / "state_dict_keys.json"
        if not path.is_file():
            return
        recorded = {e["key"]: e for e in json.loads(path.read_text(encoding="utf-8"))}
        shapes = published_shapes(CatSeg(network))
        weights = deterministic_weights(shapes)
        wrong = set(shapes) ^ set(recorded)
        wrong |= {k for k in set(shapes) - wrong if list(shapes[k]) != recorded[k]["shape"]}
        wrong |= {
            k
            for k, value in weights.items()
            if k not in wrong and _sha256(value) != recorded[k]["sha256_f32le"]
        }
        note = f"{len(recorded)} keys, shapes and hashes; wrong: {len(wrong)}"
        yield Row(path.parent.name, "state_dict", float("inf") if wrong else 0.0, note)

    @torch.no_grad()
    def check(self, case: Case) -> Iterator[Row]:
        """Run `case` and yield a row for each recorded stage."""
        reference = Reference(case.reference)
        network = self._open(case)
        lora = adapter_slices(network, case.adapters)
        ids = torch.from_numpy(self._tokenizer.encode(_prompts(case, network)))
        if "text_tokens" in reference.arrays:
            recorded = reference.arrays["text_tokens"]
            length = ids.shape[1]
            same = np.array_equal(ids, recorded[:, :length]) and not recorded[:, length:].any()
            yield Row(case.title, "text_tokens", 0.0 if same else float("inf"))
        pixels = torch.tensor(read_rgb(case.image)).permute(2, 0, 1)[None].float()
        with recording(network) as stages:
            raw = network.text(ids, lora)
            text = torch.nn.functional.normalize(raw, dim=-1)
            stages["clip_input"] = prepare(pixels, network.config, case.views)
            logits = network(stages["clip_input"], text, lora)
        stages |= {"text_raw": raw, "text_feats": text, "logits": logits}
        stages["sem_seg"] = probabilities(logits, RESULT_SIZE_PX, case.views)[0]
        yield from _rows(case, reference, _for_views(stages, len(logits)))

    def _open(self, case: Case) -> CatSeg:
        config = replace(case.network, head=replace(case.network.head, pooling=case.pooling))
        if self._built != config or self._network is None:
            network = CatSeg(config).eval()
            weights = deterministic_weights(published_shapes(network))
            network.load_state_dict(from_published(network, weights))
            self._built, self._network = config, network
        return self._network


def _prompts(case: Case, network: CatSeg) -> list[str]:
    """One prompt per label; of several names split by comma and blank the first, as published."""
    return [network.config.template.format(label.split(", ")[0]) for label in case.labels]


def _for_views(stages: dict[str, Tensor], views: int) -> dict[str, Tensor]:
    """The references hold the text guidance once per view; ours is shared until labels are cut."""
    guidance = stages["proj_text_guidance"]
    return stages | {"proj_text_guidance": guidance.expand(views, *guidance.shape[1:])}


def _rows(case: Case, reference: Reference, stages: dict[str, Tensor]) -> Iterator[Row]:
    reordered = len(case.labels) > case.network.head.capacity
    for stage in reference.stages:
        if reordered and stage.startswith(_BY_LABEL):
            yield Row(case.title, stage, None, "the labels kept have no fixed order")
        elif stage not in stages:
            yield Row(case.title, stage, float("inf"), "this stage is not recorded by us")
        else:
            yield Row(case.title, stage, reference.distance(stage, stages[stage]))
    if "sem_seg__argmax" in reference.arrays:
        yield _argmax_row(case, reference.arrays["sem_seg__argmax"], stages["sem_seg"])
    if "sem_seg__stride8" in reference.arrays:
        recorded = reference.arrays["sem_seg__stride8"].astype(np.float64)
        found = stages["sem_seg"][:, ::8, ::8].numpy().astype(np.float64)
        yield Row(case.title, "sem_seg (stride 8)", relative_l2(found, recorded))


def _argmax_row(case: Case, recorded: np.ndarray, sem_seg: Tensor) -> Row:
    share = float(np.mean(sem_seg.argmax(0).numpy() == recorded))
    enough = share >= _ARGMAX_AGREEMENT
    return Row(
        case.title, "argmax", 0.0 if enough else float("inf"), f"{share:.4%} of the pixels agree"
    )


def _sha256(value: Tensor) -> str:
    return hashlib.sha256(value.numpy().tobytes()).hexdigest()
