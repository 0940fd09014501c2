"""Which weights a package holds, whatever precision or steps its program was exported with."""

from __future__ import annotations

import hashlib

import torch
from torch import nn


def base_sha256(network: nn.Module) -> str:
    """Return the SHA-256 over the names, shapes and float32 values of all weights of `network`.

    An adapter belongs to one base: it is of no use to other weights of the same shapes.
    """
    digest = hashlib.sha256()
    for name, value in sorted(network.state_dict().items()):
        digest.update(f"{name} {tuple(value.shape)}\n".encode())
        digest.update(value.detach().to(torch.float32).contiguous().numpy().tobytes())
    return digest.hexdigest()
