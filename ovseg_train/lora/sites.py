"""Which layers an adapter changes, chosen by groups: the first words of their names."""

from __future__ import annotations

from collections.abc import Sequence

from ovseg_ros.errors import OvsegError
from ovseg_ros.models.lora import LoraSite
from ovseg_ros.models.segmenter_graph import TEXT_TOWER, SegmenterGraph

NamedSites = tuple[tuple[str, LoraSite], ...]
_TEXT = TEXT_TOWER.removesuffix(".")


def site_groups(graph: SegmenterGraph) -> tuple[str, ...]:
    """Return the groups of the sites of `graph`, in order: what their names begin with."""
    return tuple(dict.fromkeys(name.partition(".")[0] for name, _ in graph.lora_sites))


def choose_sites(graph: SegmenterGraph, groups: Sequence[str]) -> NamedSites:
    """Return the sites of `groups` (none: all), in the order of the packed factors.

    A group may be longer than a first word, such as image.blocks.11. Raises `OvsegError` for one
    that no site is of, listing the valid ones.
    """
    for group in groups:
        if group == _TEXT:
            raise OvsegError(
                "the group 'text' cannot be trained: a package has weights for torch of what runs "
                "on every frame, not of its text tower; the groups of this package are "
                f"{', '.join(site_groups(graph))}"
            )
        if not any(_is_of(name, group) for name, _ in graph.lora_sites):
            raise OvsegError(
                f"no site is of the group '{group}'; the groups of this package are "
                f"{', '.join(site_groups(graph))}"
            )
    return tuple(
        (name, site)
        for name, site in graph.lora_sites
        if not groups or any(_is_of(name, group) for group in groups)
    )


def _is_of(name: str, group: str) -> bool:
    return name == group or name.startswith(f"{group}.")
