"""Puts frames, masks and confidences of one stamp together, in whatever order they arrive."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass

from ovseg_ros.console.moment import Moment, Picture
from ovseg_ros.segmentation import Float32Array, MaskArray, UInt8Array

MOST_BYTES = 128 * 2**20
_MOST_STAMPS = 256


@dataclass
class _Parts:
    """What has arrived of one stamp so far."""

    picture: Picture | None = None
    mask: MaskArray | None = None
    confidence: UInt8Array | Float32Array | None = None

    @property
    def size_bytes(self) -> int:
        """What it takes in memory."""
        arrays = [part for part in (self.mask, self.confidence) if part is not None]
        return sum(part.nbytes for part in arrays) + (
            self.picture.size_bytes if self.picture else 0
        )


class Matcher:
    """Takes the parts as they come and returns each moment once it is whole.

    A moment without a confidence is let out when a newer one is whole but for it. Where frames come
    and masks do not, the frames are let out alone. Older parts are dropped with every moment.
    """

    def __init__(self, maskless_after_s: float = 1.0, most_bytes: int = MOST_BYTES) -> None:
        """Frames go out alone after `maskless_after_s` without a mask; memory is bounded."""
        self._maskless_after_s = maskless_after_s
        self._most_bytes = most_bytes
        self._waiting: OrderedDict[int, _Parts] = OrderedDict()
        self._last_mask_s: float | None = None

    def add_picture(self, stamp_ns: int, picture: Picture, now_s: float) -> Moment | None:
        """Take a frame; `now_s` is monotonic."""
        self._parts(stamp_ns).picture = picture
        if self._last_mask_s is None:
            self._last_mask_s = now_s
        if now_s - self._last_mask_s > self._maskless_after_s:
            return self._let_out(stamp_ns)
        return self._whole(stamp_ns)

    def add_mask(self, stamp_ns: int, mask: MaskArray, now_s: float) -> Moment | None:
        """Take a mask [H, W]; `now_s` is monotonic."""
        self._last_mask_s = now_s
        self._parts(stamp_ns).mask = mask
        return self._whole(stamp_ns)

    def add_confidence(self, stamp_ns: int, confidence: UInt8Array | Float32Array) -> Moment | None:
        """Take a confidence [H, W]."""
        self._parts(stamp_ns).confidence = confidence
        return self._whole(stamp_ns)

    def clear(self) -> None:
        """Forget everything that waits."""
        self._waiting.clear()
        self._last_mask_s = None

    def _parts(self, stamp_ns: int) -> _Parts:
        parts = self._waiting.setdefault(stamp_ns, _Parts())
        while len(self._waiting) > 1 and self._over_limit():
            self._waiting.popitem(last=False)
        return parts

    def _over_limit(self) -> bool:
        held = sum(parts.size_bytes for parts in self._waiting.values())
        return held > self._most_bytes or len(self._waiting) > _MOST_STAMPS

    def _whole(self, stamp_ns: int) -> Moment | None:
        parts = self._waiting.get(stamp_ns)
        if parts is None or parts.picture is None or parts.mask is None:
            return None
        if parts.confidence is not None:
            return self._let_out(stamp_ns)
        # Its confidence may be on the way; that of one before it no longer is.
        for earlier, others in self._waiting.items():
            if earlier == stamp_ns:
                return None
            if others.picture is not None and others.mask is not None:
                return self._let_out(earlier)
        return None

    def _let_out(self, stamp_ns: int) -> Moment | None:
        """Return the moment of `stamp_ns`, and drop what arrived before it."""
        while self._waiting:
            first, parts = self._waiting.popitem(last=False)
            if first == stamp_ns and parts.picture is not None:
                return Moment(stamp_ns, parts.picture, parts.mask, parts.confidence)
        return None
