"""The text tower of SigLIP (Zhai et al., ICCV 2023): token ids to vectors of the shared space."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ovseg_ros.models.clip_block import Activation, ClipBlock
from ovseg_ros.models.lora import LoraSlices
from ovseg_ros.models.siglip_image import EPS
from ovseg_ros.text.siglip_tokenizer import Vocabulary


@dataclass(frozen=True)
class SiglipTextConfig:
    """Dimensions of the tower and what it reads.

    `context` is the number of ids of every text, padding included; `tokens` is the number of ids
    there are, and `repository` the Hugging Face repository whose tokenizer gives them.
    """

    layers: int
    width: int
    heads: int
    embedding_dim: int
    tokens: int
    vocabulary: Vocabulary
    repository: str
    context: int = 64
    activation: Activation = Activation.GELU
    mlp_ratio: float = 4.0


class SiglipTextTower(nn.Module):
    """A transformer that looks both ways; the vector of a text is that of its last position.

    It was trained without a mask: padding takes part in the attention, so every text has to be
    padded to the whole context.
    """

    def __init__(self, config: SiglipTextConfig) -> None:
        """Build the tower; the scale and bias of the logits come with the weights, unused."""
        super().__init__()
        self.config = config
        width = config.width
        self.token_embedding = nn.Embedding(config.tokens, width)
        self.positional_embedding = nn.Parameter(torch.zeros(config.context, width))
        self.blocks = nn.ModuleList(
            ClipBlock(width, config.heads, config.activation, config.mlp_ratio, EPS)
            for _ in range(config.layers)
        )
        self.ln_final = nn.LayerNorm(width, EPS)
        self.text_projection = nn.Linear(width, config.embedding_dim)
        self.logit_scale = nn.Parameter(torch.zeros(()))
        self.logit_bias = nn.Parameter(torch.zeros(()))

    def forward(self, ids: Tensor, lora: LoraSlices) -> Tensor:
        """Return [N, D] (not normalised) for int64 `ids` [N, L], L the context."""
        # Indexed, not called: the exporter would name the node "embedding", like the output.
        x = self.token_embedding.weight[ids] + self.positional_embedding
        for block in self.blocks:
            x = block(x, lora)
        return self.text_projection(self.ln_final(x[:, -1]))
