"""LoRA sites as a card lists them: which layers take factors, and how wide these are."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from ovseg_ros.errors import PackageError


@dataclass(frozen=True)
class LoraSite:
    """One layer that LoRA can change: a weight [c_out, c_in], as laid out in the packed factors."""

    name: str
    c_in: int
    c_out: int


def sites_from_card(path: Path, field: str, listed: Any) -> tuple[LoraSite, ...]:
    """Return the sites in `field` of the card at `path`; raises `PackageError` where they are none.

    `listed` is what the card says there, a list of mappings with name, c_in and c_out.
    """
    try:
        sites = tuple(LoraSite(**site) for site in listed)
    except TypeError:
        sites = None
    if sites is None or not all(type(n) is int and n > 0 for s in sites for n in (s.c_in, s.c_out)):
        raise PackageError(
            f"{path}: field '{field}' is no list of sites, each with a name and the widths c_in "
            "and c_out; restore the file"
        )
    return sites


class HasWidths(Protocol):
    """A layer by the widths of its weight [c_out, c_in], listed or real."""

    @property
    def c_in(self) -> int:
        """Input channels."""

    @property
    def c_out(self) -> int:
        """Output channels."""


def packed_widths(sites: Sequence[HasWidths]) -> tuple[int, int]:
    """Return (sum of C_in, sum of C_out) over `sites`: the widths of the packed factors."""
    return sum(site.c_in for site in sites), sum(site.c_out for site in sites)
