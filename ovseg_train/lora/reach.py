"""Which sites a network uses at all: a factor that never enters the result cannot be trained."""

from __future__ import annotations

import torch

from ovseg_ros.models.label_rows import LabelRows
from ovseg_train.lora.sites import NamedSites
from ovseg_train.lora.trainee import Trainee

_PROBE_PX = (64, 96)


def split_by_use(
    trainee: Trainee, sites: NamedSites, text_dim: int
) -> tuple[NamedSites, tuple[str, ...]]:
    """Return (sites through which a gradient flows, names of the others).

    Query and key of CLIP's last block are such others: dense prediction runs it without attention.
    """
    generator = torch.Generator().manual_seed(0)
    pixels = 255 * torch.rand(1, 3, *_PROBE_PX, generator=generator)
    rows = torch.nn.functional.normalize(torch.randn(2, text_dim, generator=generator), dim=-1)
    # Each site has tensors of its own here: cut from a packed one all would get zeros at least.
    a = [torch.ones(1, site.c_in, requires_grad=True) for _, site in sites]
    b = [torch.zeros(1, site.c_out, requires_grad=True) for _, site in sites]
    lora = {id(s): s.changed(x, y) for (_, s), x, y in zip(sites, a, b, strict=True)}
    with torch.no_grad():
        frozen = trainee.freeze(pixels)
    logits = trainee.scores(frozen, LabelRows.all_real(rows), lora).logits
    flows = torch.autograd.grad(logits.sum(), b, allow_unused=True)
    used = tuple(site for site, flow in zip(sites, flows, strict=True) if flow is not None)
    dead = tuple(name for (name, _), flow in zip(sites, flows, strict=True) if flow is None)
    return used, dead
