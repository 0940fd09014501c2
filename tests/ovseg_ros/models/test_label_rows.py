"""A query filled up with rows that are not there gives what the query itself gives."""

from __future__ import annotations

from collections.abc import Callable

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

import small_networks  # noqa: E402

from ovseg_ros.models.catseg_graph import CatSegGraph  # noqa: E402
from ovseg_ros.models.catseg_inference import Views  # noqa: E402
from ovseg_ros.models.maskclip_graph import MaskClipGraph  # noqa: E402
from ovseg_ros.models.segmenter_graph import SegmenterGraph  # noqa: E402
from ovseg_ros.models.tiny import TinyConfig, TinyGraph, TinySegmenter  # noqa: E402
from ovseg_ros.vocabulary import PAD_CODE  # noqa: E402

pytestmark = pytest.mark.torch


def tiny(most: int | None) -> SegmenterGraph:
    torch.manual_seed(3)
    return TinyGraph(TinySegmenter(TinyConfig(internal_size_px=(64, 96))).eval(), most)


GRAPHS: dict[str, Callable[[], SegmenterGraph]] = {
    "tiny": lambda: tiny(None),
    "tiny, promising": lambda: tiny(4),
    "catseg": lambda: CatSegGraph(small_networks.build(), Views.SINGLE),
    "catseg, promising": lambda: CatSegGraph(small_networks.build(), Views.SINGLE, 4),
    "catseg, five views": lambda: CatSegGraph(small_networks.build(), Views.SLIDING),
    "maskclip": lambda: MaskClipGraph(small_networks.build_maskclip()),
}


@torch.no_grad()
@pytest.mark.parametrize("rows", [7, 16])
@pytest.mark.parametrize("name", GRAPHS)
def test_rows_that_are_not_there_change_nothing(name: str, rows: int) -> None:
    graph = GRAPHS[name]()
    generator = torch.Generator().manual_seed(5)
    image = torch.randint(0, 256, (2, 50, 70, 3), generator=generator, dtype=torch.uint8)
    bank = torch.nn.functional.normalize(
        torch.randn(rows, graph.embedding_dim, generator=generator), dim=-1
    )
    lora = [0.1 * torch.randn(2, width, generator=generator) for width in graph.lora_widths]
    real = 6
    codes = torch.full((rows,), PAD_CODE, dtype=torch.uint8)
    codes[:real] = torch.tensor([9, 0, 200, 3, 4, 5], dtype=torch.uint8)
    wanted = graph(image, bank[:real], codes[:real], torch.zeros(real), *lora)
    found = graph(image, bank, codes, torch.zeros(rows), *lora)
    assert (wanted[0] == found[0]).float().mean() > 0.999  # equal but for ties that rounding breaks
    assert not (found[0] == PAD_CODE).any()
    assert (wanted[1].int() - found[1].int()).abs().float().mean() < 0.01
    assert torch.equal(wanted[2], found[2])
    competing = graph(image, bank, codes.clamp(max=6), torch.zeros(rows), *lora)
    assert (competing[0] != found[0]).any()  # as labels these rows would have won something
