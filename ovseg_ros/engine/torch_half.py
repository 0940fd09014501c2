"""A network in float16 with islands of float32, run by torch itself.

Autocast takes heavy operators to float16. The islands are those of exported programs (`islands`),
set apart here by name, so that they do not depend on what autocast of a device and a version lists.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ovseg_ros.models.segmenter_graph import SegmenterGraph

# Means, squares and exponentials over many terms, and what decides which label a pixel gets.
_ISLANDS = frozenset(
    {"layer_norm", "group_norm", "softmax", "sum", "mean", "normalize", "sigmoid", "amax", "topk"}
)
_QUOTIENTS = frozenset({"div", "true_divide", "__truediv__"})
_SQUARES = frozenset({"mul", "__mul__"})
_PRODUCTS = frozenset({"matmul", "__matmul__"})
_NORMS = (nn.LayerNorm, nn.GroupNorm, nn.BatchNorm2d)


def to_half(graph: SegmenterGraph) -> None:
    """Round the weights of `graph`, in place, to float16, those of norms and buffers excepted."""
    for module in graph.modules():
        if not isinstance(module, _NORMS):
            for parameter in module.parameters(recurse=False):
                # Single numbers cost nothing, and join in whatever type they meet.
                if parameter.ndim:
                    parameter.data = parameter.data.half()


def run_half(graph: SegmenterGraph, *inputs: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Run `graph`, whose weights are float16, on inputs of the types of `SegmenterGraph`."""
    image, text_bank, codes, thresholds, lora_a, lora_b = inputs
    factors = (lora_a.half(), lora_b.half())
    # Without its cache: a recorded graph would read casts that are freed when recording ends.
    with (
        torch.autocast(image.device.type, torch.float16, cache_enabled=False),
        _Float32Islands(),
    ):
        outputs: tuple[Tensor, Tensor, Tensor] = graph(
            image, text_bank, codes, thresholds, *factors
        )
    return outputs


class _Float32Islands(TorchFunctionMode):
    """Runs operators of the islands in float32, whatever type their operands have."""

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Call `func`, on float32 operands and without autocast if it is an island."""
        kwargs = kwargs or {}
        if not _is_island(getattr(func, "__name__", ""), args):
            return func(*args, **kwargs)
        device = next(value.device.type for value in args if isinstance(value, Tensor))
        with torch.autocast(device, enabled=False):
            return func(*map(_wide, args), **{name: _wide(v) for name, v in kwargs.items()})


def _is_island(name: str, args: tuple[Any, ...]) -> bool:
    if name in _ISLANDS:
        return True
    if len(args) < 2 or not isinstance(args[1], Tensor):
        return False
    if name in _SQUARES:
        return args[0] is args[1]
    if name in _PRODUCTS:
        # What comes out of another island; factors of an adapter and weights are float16.
        return args[1].dtype is torch.float32
    return name in _QUOTIENTS


def _wide(value: Any) -> Any:
    half = isinstance(value, Tensor) and value.dtype is torch.float16
    return value.float() if half else value
