"""CAT-Seg and MaskCLIP train by the same steps, from folders of any names."""

from __future__ import annotations

import zlib
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from small_networks import build, build_maskclip  # noqa: E402

from ovseg_ros.models.catseg_graph import CatSegGraph  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.maskclip_graph import MaskClipGraph  # noqa: E402
from ovseg_ros.models.segmenter_graph import SegmenterGraph  # noqa: E402
from ovseg_train.lora.factors import Factors  # noqa: E402
from ovseg_train.lora.frames import Choice, choose_files, read_frames  # noqa: E402
from ovseg_train.lora.reach import split_by_use  # noqa: E402
from ovseg_train.lora.recipe import Run, load_recipe  # noqa: E402
from ovseg_train.lora.sites import choose_sites  # noqa: E402
from ovseg_train.lora.trainee import make_trainee  # noqa: E402
from ovseg_train.lora.training import Material, Trainer  # noqa: E402
from ovseg_train.tiny.label_sampling import PromptBank  # noqa: E402

pytestmark = pytest.mark.torch


class MadeUpNames:
    """A text space of 16 dimensions in which every name has a place of its own."""

    def encode(self, texts: Sequence[str]) -> np.ndarray:
        rows = [np.random.default_rng(zlib.crc32(t.encode())).normal(size=16) for t in texts]
        vectors = np.array(rows, np.float32)
        return vectors / np.linalg.norm(vectors, axis=1, keepdims=True)


def maskclip() -> SegmenterGraph:
    network = build_maskclip()
    for parameter in network.parameters():
        if not parameter.any():
            torch.nn.init.normal_(parameter, std=0.2)
    return MaskClipGraph(network)


@pytest.mark.parametrize(
    ("make", "groups"),
    [
        pytest.param(lambda: CatSegGraph(build(), Views.SINGLE), (), id="CAT-Seg"),
        pytest.param(lambda: CatSegGraph(build(), Views.SLIDING), ("aggregator",), id="its head"),
        pytest.param(maskclip, (), id="MaskCLIP"),
    ],
)
def test_the_loss_falls(
    make: Callable[[], SegmenterGraph], groups: tuple[str, ...], folder: Path, tmp_path: Path
) -> None:
    graph = make()
    recipe = load_recipe("other")
    network = replace(recipe.network, steps=16, learning_rate=1e-2, batch=1)
    vocabulary = replace(recipe.vocabulary, keep_all_share=1.0, canonical_share=1.0)
    vocabulary = replace(vocabulary, max_distractors=0)
    recipe = replace(recipe, network=network, vocabulary=vocabulary, views=1)
    choice = Choice(domain="dusk", frames=2)
    frames = read_frames(choose_files(folder, choice)[0], choice)
    chosen = choose_sites(graph, groups)
    trainee = make_trainee(graph, [name for name, _ in chosen])
    sites, _ = split_by_use(trainee, chosen, 16)
    material = Material(frames, frames.part([]), PromptBank(MadeUpNames(), ()))
    run = Run("x", recipe, [], 4, 8.0, 0, [], {}, [])
    trainer = Trainer(trainee, Factors(sites, 4, 8.0, 0), material, run, tmp_path)
    losses = trainer.run().losses
    assert sum(losses[-5:]) < 0.9 * sum(losses[:5])
    assert 0 <= trainer.measure() <= 1
