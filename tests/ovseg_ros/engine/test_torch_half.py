"""torch in float16: what is float16 there, what is not, and how far it is from float32."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import Any

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from small_networks import SMALL  # noqa: E402
from torch.utils._python_dispatch import TorchDispatchMode  # noqa: E402
from torch_packages import small_catseg_graph, tiny_graph  # noqa: E402

from ovseg_ros.engine.export import Trial, random_inputs  # noqa: E402
from ovseg_ros.engine.torch_half import run_half, to_half  # noqa: E402
from ovseg_ros.models.deterministic import deterministic_weights  # noqa: E402
from ovseg_ros.models.maskclip import MaskClip, MaskClipConfig  # noqa: E402
from ovseg_ros.models.maskclip_graph import MaskClipGraph  # noqa: E402
from ovseg_ros.models.segmenter_graph import SegmenterGraph  # noqa: E402

pytestmark = pytest.mark.torch
TRIAL = Trial(48, 64, 7, 2)
HEAVY = {"mm", "addmm", "bmm", "convolution"}
WIDE = {
    "native_layer_norm",
    "native_group_norm",
    "_softmax",
    "mean",
    "linalg_vector_norm",
    "sigmoid",
    "sqrt",
    "max",
    "amax",
    "topk",
    "ge",
}
# They copy from the host or wait for the device, which a CUDA graph cannot hold.
UNRECORDABLE = {"lift_fresh", "_local_scalar_dense", "nonzero", "masked_select"}


def maskclip_graph() -> MaskClipGraph:
    network = MaskClip(MaskClipConfig(SMALL.image, SMALL.text, internal_size_px=(16, 24))).eval()
    shapes = {name: value.shape for name, value in network.state_dict().items()}
    network.load_state_dict(deterministic_weights(shapes))
    return MaskClipGraph(network).eval()


GRAPHS = [
    pytest.param(tiny_graph, id="tiny"),
    pytest.param(lambda: tiny_graph(3), id="tiny, promising labels"),
    pytest.param(small_catseg_graph, id="CAT-Seg"),
    pytest.param(lambda: small_catseg_graph(most_labels=3), id="CAT-Seg, promising labels"),
    pytest.param(maskclip_graph, id="MaskCLIP"),
]


class Log(TorchDispatchMode):
    """Counts (operator, types of its operands)."""

    def __init__(self) -> None:
        super().__init__()
        self.seen: Counter[tuple[str, frozenset[Any]]] = Counter()

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        floats = (v.dtype for v in args if isinstance(v, torch.Tensor) and v.is_floating_point())
        self.seen[func.overloadpacket.__name__, frozenset(floats)] += 1
        return func(*args, **(kwargs or {}))


@pytest.mark.parametrize("make", GRAPHS)
@torch.no_grad()
def test_islands_are_float32_and_heavy_operators_half(make: Callable[[], SegmenterGraph]) -> None:
    graph = make()
    to_half(graph)
    with Log() as log:
        run_half(graph, *random_inputs(graph, TRIAL))
    types = {name: set() for name, _ in log.seen}
    for name, found in log.seen:
        types[name] |= found
    for name in WIDE & types.keys():
        assert types[name] == {torch.float32}, name
    for name in HEAVY & types.keys():
        mixed = [found for other, found in log.seen if other == name and len(found) > 1]
        assert not mixed, "operands of one type"
        wide = sum(n for (o, found), n in log.seen.items() if o == name and torch.float32 in found)
        # Cosines, sums over labels, and the attention with a mask, whose kernel is split here.
        assert name == "bmm" or not wide, f"{wide} of {name} in float32"
    assert {"addmm", "convolution"} & types.keys()


@pytest.mark.parametrize("make", GRAPHS)
@torch.no_grad()
def test_half_is_near_float32(make: Callable[[], SegmenterGraph]) -> None:
    graph, half = make(), make()
    to_half(half)
    for trial in (TRIAL, Trial(33, 50, 40, 0), Trial(33, 50, 1, 5)):
        inputs = random_inputs(graph, trial)
        wanted, found = graph(*inputs), run_half(half, *inputs)
        assert [v.dtype for v in found] == [v.dtype for v in wanted]
        assert (wanted[0] != found[0]).float().mean() < 0.05
        assert (wanted[1].float() - found[1].float()).abs().mean() < 1.0
        torch.testing.assert_close(found[2], wanted[2], atol=2e-3, rtol=0)


@pytest.mark.parametrize("make", GRAPHS)
@torch.no_grad()
def test_nothing_in_a_network_keeps_a_cuda_graph_from_being_recorded(
    make: Callable[[], SegmenterGraph],
) -> None:
    graph = make()
    with Log() as log:
        graph(*random_inputs(graph, TRIAL))
    assert not UNRECORDABLE & {name for name, _ in log.seen}


def test_norms_and_buffers_keep_their_type() -> None:
    graph = tiny_graph()
    to_half(graph)
    network = graph.network
    wide = torch.float32
    assert network.neck.smooth8[1].weight.dtype == network.scene_mean.dtype == wide
    assert network.aggregator.attention.norm.weight.dtype == network.cost_scale.dtype == wide
    assert network.backbone.blocks[0].weight.dtype == network.embed.bias.dtype == torch.float16
