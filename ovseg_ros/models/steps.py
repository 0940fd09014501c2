"""Work on many labels or rows that an exported program does part by part.

The maps of one label are a few megabytes, those of 150 labels gigabytes: a program that takes them
one by one needs the memory of one, and a processor's cache holds it. What computes on many labels
at once is better served with all of them. Run by torch itself, all parts are worked on at once.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum
from typing import Any

import torch
from torch import Tensor


class Steps(Enum):
    """How an exported program goes through labels and rows."""

    ONE_BY_ONE = "one_by_one"
    AT_ONCE = "at_once"


def each_part(change: Callable[[Tensor], Tensor], x: Tensor, dim: int, steps: Steps) -> Tensor:
    """Return `change` of `x`, which maps any part of it along `dim` to as many entries there.

    What `change` uses besides its argument is computed once if it is computed outside.
    """
    if steps is Steps.AT_ONCE or not torch.compiler.is_exporting():
        return change(x)

    def step(carry: Tensor, part: Tensor) -> tuple[Tensor, Tensor]:
        return carry.clone(), change(part.unsqueeze(dim)).squeeze(dim)

    # A scan has to carry something from part to part, even where there is nothing to carry.
    _, parts = _scan(step, x.new_zeros(1), x.movedim(dim, 0))
    changed: Tensor = parts.movedim(0, dim)
    return changed


def best_label(score: Callable[[Tensor], Tensor], x: Tensor, steps: Steps) -> tuple[Tensor, Tensor]:
    """Return the highest score [B, h, w] and whose it is, int64 [B, h, w]; of equals the first.

    `score` maps x [A, M, ...] of any M labels to [B, M, h, w].
    """
    if steps is Steps.AT_ONCE or not torch.compiler.is_exporting():
        best, winner = score(x).max(1)
        return best, winner

    def step(
        carry: tuple[Tensor, Tensor, Tensor], label: Tensor
    ) -> tuple[tuple[Tensor, Tensor, Tensor], Tensor]:
        best, winner, number = carry
        found = score(label.unsqueeze(1)).squeeze(1)
        better = found > best
        best, winner = torch.where(better, found, best), torch.where(better, number, winner)
        return (best.contiguous(), winner.contiguous(), number + 1), number.clone()

    first = score(x[:, :1]).squeeze(1).contiguous()
    nobody = torch.zeros_like(first, dtype=torch.int64)
    start = (first, nobody, torch.zeros(1, dtype=torch.int64, device=x.device))
    (best, winner, _), _ = _scan(step, start, x.transpose(0, 1))
    return best, winner


def _scan(step: Callable[..., Any], start: Any, parts: Tensor) -> Any:
    from torch._higher_order_ops.scan import scan

    return scan(step, start, parts)
