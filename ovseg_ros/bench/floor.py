"""The least time that a frame can take: its arithmetic at the rate of a plain matrix product."""

from __future__ import annotations

from collections.abc import Sequence

from ovseg_ros.packages import ModelPackage


def network_gflop(
    package: ModelPackage, frame_px: tuple[int, int], label_counts: Sequence[int]
) -> list[float]:
    """Return the products and sums of one frame of (W, H), base model, for each number of labels.

    Counted on the network in torch without any numbers, in GFLOP; what is not a matrix product or a
    convolution is not counted. Raises `MissingExtraError` without torch.
    """
    from ovseg_ros.engine.torch import import_torch

    torch = import_torch()
    from torch.utils.flop_counter import FlopCounterMode

    from ovseg_ros.engine.export import Trial, random_inputs
    from ovseg_ros.engine.torch_network import build_graph

    graph = build_graph(package).eval()
    counts = []
    for labels in label_counts:
        trial = Trial(frame_px[1], frame_px[0], labels, rank=1)
        inputs = [value.to("meta") for value in random_inputs(graph, trial)]
        with torch.no_grad(), FlopCounterMode(display=False) as counter:
            graph.to("meta")(*inputs)
        counts.append(counter.get_total_flops() / 1e9)
    return counts
