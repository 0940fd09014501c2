"""Adapters merged into the weights of a network: what factors beside them are measured against."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import torch
from torch import Tensor, nn

from ovseg_ros.adapters.factors import slices_of
from ovseg_ros.adapters.mix import LoraFactors, packed_factors
from ovseg_ros.adapters.sites import LoraSite, packed_widths
from ovseg_ros.models.lora import lora_sites


def merged_weights(
    network: nn.Module,
    factors: LoraFactors | None,
    sites: Iterable[LoraSite],
    name_of: Callable[[str], str] = lambda name: name,
) -> dict[str, Tensor]:
    """Return the state dict of `network` with the change of `factors` added to its weights.

    `sites` are those of the card that `factors` are packed for, of the segmenter or of the text
    tower; `name_of` gives the name on the card of a layer of `network` (`Layout.name`). The weights
    of `network` stay as they are. Raises `AdapterError` where the factors have other widths.
    """
    listed = tuple(sites)
    a, b = (torch.from_numpy(part) for part in packed_factors(factors, packed_widths(listed)))
    columns = {name: (at_a, at_b) for name, at_a, at_b in slices_of(listed)}
    merged = {name: value.clone() for name, value in network.state_dict().items()}
    for name, _ in lora_sites(network):
        if name_of(name) not in columns:
            continue
        at_a, at_b = columns[name_of(name)]
        weight = merged[f"{name}.weight"]
        # Summed in float64, so that the order of the ranks does not show.
        change = b[:, at_b].double().T @ a[:, at_a].double()
        weight += change.to(weight.dtype).reshape(weight.shape)
    return merged
