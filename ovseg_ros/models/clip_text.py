"""The text tower of CLIP: token ids to vectors of the shared space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ovseg_ros.models.clip_block import Activation, ClipBlock
from ovseg_ros.models.lora import LoraSlices


@dataclass(frozen=True)
class TextTowerConfig:
    """Dimensions of the tower; `context` is the number of ids of a text, padding included."""

    layers: int
    width: int
    heads: int
    embedding_dim: int
    vocabulary: int = 49408
    context: int = 77
    activation: Activation = Activation.QUICK_GELU
    mlp_ratio: float = 4.0


class ClipTextTower(nn.Module):
    """A causal transformer; the vector of a text is that of its end token."""

    def __init__(self, config: TextTowerConfig) -> None:
        """Build the tower; `logit_scale` comes with the weights and is not used here."""
        super().__init__()
        self.config = config
        width = config.width
        self.token_embedding = nn.Embedding(config.vocabulary, width)
        self.positional_embedding = nn.Parameter(torch.zeros(config.context, width))
        self.blocks = nn.ModuleList(
            ClipBlock(width, config.heads, config.activation, config.mlp_ratio)
            for _ in range(config.layers)
        )
        self.ln_final = nn.LayerNorm(width)
        self.text_projection = nn.Parameter(torch.zeros(width, config.embedding_dim))
        self.logit_scale = nn.Parameter(torch.zeros(()))

    def forward(self, ids: Tensor, lora: LoraSlices) -> Tensor:
        """Return [N, D] (not normalised) for int64 `ids` [N, L], padded with 0 behind the end.

        L may be shorter than the context: attention is causal, so what follows a text's end token,
        which has the largest id, does not change its vector.
        """
        length = ids.shape[1]
        # Indexed, not called: the exporter would name the node "embedding", like the output.
        x = self.token_embedding.weight[ids] + self.positional_embedding[:length]
        mask = torch.full((length, length), -torch.inf, dtype=x.dtype, device=x.device).triu(1)
        for block in self.blocks:
            x = block(x, lora, mask)
        ends = x[torch.arange(len(ids), device=x.device), ids.argmax(-1)]
        return self.ln_final(ends) @ self.text_projection
