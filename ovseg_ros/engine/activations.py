"""How large the numbers inside a network get, for types that end early."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from ovseg_ros.errors import PackageError

_HALF_MAX = torch.finfo(torch.float16).max


@torch.no_grad()
def run_within_half(network: nn.Module, inputs: tuple[Tensor, ...]) -> Any:
    """Return what `network` makes of `inputs`; refuse it where a module's output leaves float16.

    Raises `PackageError` naming the first such module.
    """

    def look(name: str, output: Any) -> None:
        if not isinstance(output, Tensor) or not output.is_floating_point():
            return
        largest = float(output.abs().amax()) if output.numel() else 0.0
        if not largest <= _HALF_MAX:
            raise PackageError(
                f"the outputs of '{name}' reach {largest:.3g} on a random frame; float16 ends at "
                f"{_HALF_MAX:.0f}: convert this network with --precision fp32"
            )

    hooks = [
        module.register_forward_hook(lambda _module, _inputs, output, name=name: look(name, output))
        for name, module in network.named_modules()
        if name
    ]
    try:
        return network(*inputs)
    finally:
        for hook in hooks:
            hook.remove()
