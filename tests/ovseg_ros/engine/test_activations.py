"""Networks whose numbers leave the range of float16 are named, and nothing stays hooked."""

from __future__ import annotations

import pytest

torch = pytest.importorskip("torch", reason="torch is not installed; run `make build-torch`")

from torch import nn  # noqa: E402

from ovseg_ros.engine.activations import run_within_half  # noqa: E402
from ovseg_ros.errors import PackageError  # noqa: E402

pytestmark = pytest.mark.torch


@pytest.mark.parametrize(
    ("factor", "sentence"),
    [(1.0, None), (7e4, "'1' reach 7e\\+04"), (float("nan"), "'1' reach nan")],
)
def test_outputs_beyond_half_are_refused(factor: float, sentence: str | None) -> None:
    network = nn.Sequential(nn.Identity(), nn.Linear(1, 1, bias=False))
    nn.init.constant_(network[1].weight, factor)
    inputs = (torch.ones(1, 1),)
    if sentence is None:
        run_within_half(network, inputs)
    else:
        with pytest.raises(PackageError, match=sentence):
            run_within_half(network, inputs)
    assert not any(module._forward_hooks for module in network.modules())
