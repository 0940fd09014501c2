"""What the listener makes of what it hears: which rules were broken, and when masks came."""

from __future__ import annotations

from collections import Counter, deque
from dataclasses import dataclass
from typing import Any

from ovseg_ros.bench.soak.frame_claim import FrameClaim
from ovseg_ros.demo.ledger import LabelMapRecord, Ledger, MaskRecord
from ovseg_ros.demo.recording import SETTLE_NS

_MOST_MAPS = 200


@dataclass(frozen=True)
class HeardMask:
    """A mask, and what the camera said about its frame; None where no good frame had its id."""

    record: MaskRecord
    claim: FrameClaim | None


class Observer:
    """Judges each mask once the label maps published before it must have arrived.

    Keeps nothing of the past but the latest maps, however long it listens.
    """

    def __init__(self) -> None:
        """Start with nothing heard."""
        self._ledger = Ledger()
        self._pending: deque[HeardMask] = deque()
        self._masks: list[tuple[int, int]] = []
        self._told: Counter[str] = Counter()

    def on_labels(self, record: LabelMapRecord) -> None:
        """Book a label map."""
        self._ledger.book_labels(record)
        if len(self._ledger.maps) > _MOST_MAPS:
            del self._ledger.maps[: _MOST_MAPS // 2]

    def on_mask(self, mask: HeardMask) -> None:
        """Take a mask, to be judged later."""
        self._masks.append((mask.record.stamp_ns, mask.record.received_ns))
        self._pending.append(mask)

    def settle(self, now_ns: int) -> None:
        """Judge the masks that were received at least `SETTLE_NS` before `now_ns`."""
        while self._pending and self._pending[0].record.received_ns + SETTLE_NS <= now_ns:
            self._judge(self._pending.popleft())

    def take(self) -> dict[str, Any]:
        """Return what is new since the last call: (stamp, received) of masks, and broken rules."""
        masks, self._masks = self._masks, []
        broken = Counter({rule.value: count for rule, count in self._ledger.broken.items()})
        new, self._told = broken - self._told, broken
        return {"masks": masks, "broken": dict(new)}

    def _judge(self, mask: HeardMask) -> None:
        known = self._ledger.maps
        # Who comes late missed the maps of the masks that were under way.
        if known and mask.record.published_ns < known[0].published_ns:
            return
        stamps = (mask.claim.stamp_ns,) if mask.claim else ()
        self._ledger.book_mask(mask.record, stamps)
