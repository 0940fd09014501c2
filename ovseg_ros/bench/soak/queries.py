"""Queries as people and programs send them: good ones, wrong ones, huge ones and hostile ones."""

from __future__ import annotations

import json
import random
from collections.abc import Sequence
from dataclasses import dataclass

_LABELS = (1, 12)
# Whatever they look like, these are names; nothing may treat them as more than that.
_STRANGE = (
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "'; DROP TABLE labels --",
    "../../etc/passwd",
    "$(reboot)",
    "{{7*7}}",
    "%s%n%x",
    "fußgänger",
    "汽车",
    "سيارة",
    "👩‍🚒",
    "x" * 128,
)
_REFUSED = (
    "",
    "   ",
    ";;,\n;",
    "car; person; Car",
    "car|auto; truck|auto",
    "car=1.5",
    "car=nan",
    "car=often",
    "!car; !sky",
    "car\x07; person",
    "\x1b[31mcar",
    '{"labels": ["car"',
    '{"etiquettes": ["car"]}',
    '{"labels": [17]}',
    "[" * 20_000,
    "x" * 100_000,
    ";".join(f"thing {i}" for i in range(10_000)),
)


@dataclass(frozen=True)
class SoakQuery:
    """A query and whether the node must refuse it."""

    text: str
    refused: bool


def draw_query(names: Sequence[str], source: random.Random) -> SoakQuery:
    """Draw a query: of `names` mostly, one in four wrong, one in ten with strange names."""
    luck = source.random()
    if luck < 0.25:
        return SoakQuery(source.choice(_REFUSED), refused=True)
    if luck < 0.35:
        return SoakQuery(json.dumps({"labels": [source.choice(_STRANGE), names[0]]}), refused=False)
    chosen = source.sample(list(names), source.randint(*_LABELS))
    first, *others = chosen
    written = [first, *(source.choice((name, f"!{name}", f"{name}=0.3")) for name in others)]
    return SoakQuery("; ".join(written), refused=False)
