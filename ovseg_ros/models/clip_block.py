"""The transformer block of CLIP (Radford et al., ICML 2021), shared by both of its towers."""

from __future__ import annotations

from enum import Enum

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from ovseg_ros.models.lora import LoraChange, LoraLinear, LoraSlices

# Large weights, some hundreds of tokens.
_CHANGE = LoraChange.SECOND_PATH
_EPS = 1e-5


class Activation(Enum):
    """The non-linearity of the feed-forward layers; which one belongs to the weights."""

    QUICK_GELU = "quick_gelu"
    GELU = "gelu"
    GELU_TANH = "gelu_tanh"  # the approximation that some SigLIP towers were trained with

    def __call__(self, x: Tensor) -> Tensor:
        """Apply it to `x`."""
        if self is Activation.QUICK_GELU:
            return x * torch.sigmoid(1.702 * x)
        return F.gelu(x, approximate="tanh" if self is Activation.GELU_TANH else "none")


class DenseResidual(Enum):
    """What the value path of the last block is added to."""

    CLASS_TOKEN = "class_token"  # CAT-Seg: the class token of the block's input, at every position
    OWN_TOKEN = "own_token"  # MaskCLIP: each position's own input


class ClipAttention(nn.Module):
    """Multi-head self-attention; query, key and value projections are LoRA sites."""

    def __init__(self, width: int, heads: int) -> None:
        """Build projections of `width` channels, split over `heads`."""
        super().__init__()
        self.heads = heads
        self.q_proj = LoraLinear(width, width, _CHANGE)
        self.k_proj = LoraLinear(width, width, _CHANGE)
        self.v_proj = LoraLinear(width, width, _CHANGE)
        self.out_proj = nn.Linear(width, width)

    def forward(self, x: Tensor, lora: LoraSlices, mask: Tensor | None = None) -> Tensor:
        """Map [B, L, C] to [B, L, C]; `mask` [L, L] is added to the attention logits."""
        b, length, width = x.shape
        q, k, v = (
            layer(x, lora).reshape(b, length, self.heads, width // self.heads).transpose(1, 2)
            for layer in (self.q_proj, self.k_proj, self.v_proj)
        )
        y = F.scaled_dot_product_attention(q, k, v, attn_mask=mask)
        return self.out_proj(y.transpose(1, 2).reshape(b, length, width))

    def value_path(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, L, C] to [B, L, C] as if every position attended to itself alone."""
        return self.out_proj(self.v_proj(x, lora))


class ClipMlp(nn.Module):
    """The feed-forward part of a block; both layers are LoRA sites."""

    def __init__(self, width: int, hidden: int, activation: Activation) -> None:
        """Build layers `width` to `hidden` and back."""
        super().__init__()
        self.activation = activation
        self.c_fc = LoraLinear(width, hidden, _CHANGE)
        self.c_proj = LoraLinear(hidden, width, _CHANGE)

    def forward(self, x: Tensor, lora: LoraSlices) -> Tensor:
        """Map [B, L, C] to [B, L, C]."""
        return self.c_proj(self.activation(self.c_fc(x, lora)), lora)


class ClipBlock(nn.Module):
    """A pre-norm residual block."""

    def __init__(
        self,
        width: int,
        heads: int,
        activation: Activation,
        mlp_ratio: float,
        eps: float = _EPS,
    ) -> None:
        """Build the block; its feed-forward part is `mlp_ratio` times as wide inside.

        `eps` keeps the norms from dividing by nothing; it belongs to the weights.
        """
        super().__init__()
        self.ln_1 = nn.LayerNorm(width, eps)
        self.attn = ClipAttention(width, heads)
        self.ln_2 = nn.LayerNorm(width, eps)
        self.mlp = ClipMlp(width, int(width * mlp_ratio), activation)

    def forward(self, x: Tensor, lora: LoraSlices, mask: Tensor | None = None) -> Tensor:
        """Map [B, L, C] to [B, L, C]."""
        x = x + self.attn(self.ln_1(x), lora, mask)
        return x + self.mlp(self.ln_2(x), lora)

    def dense(self, x: Tensor, lora: LoraSlices, residual: DenseResidual) -> Tensor:
        """Run the block without attention, so that every position keeps to itself.

        Zhou et al., ECCV 2022 (MaskCLIP), section 3.2; `residual` tells the two variants apart.
        """
        base = x[:, :1] if residual is DenseResidual.CLASS_TOKEN else x
        x = base + self.attn.value_path(self.ln_1(x), lora)
        return x + self.mlp(self.ln_2(x), lora)
