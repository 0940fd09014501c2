"""What the camera of a soak writes into the `frame_id` of a frame: the truth about it.

The node copies it into the mask, so whoever hears the mask alone can tell whether stamp and size
are those of the frame.
"""

from __future__ import annotations

from dataclasses import dataclass

_MARK = "soak"
GARBAGE_ID = f"{_MARK}/garbage"


@dataclass(frozen=True)
class FrameClaim:
    """Size and stamp of a good frame."""

    width_px: int
    height_px: int
    stamp_ns: int

    def __str__(self) -> str:
        """Return it as a `frame_id`."""
        return f"{_MARK}/{self.width_px}/{self.height_px}/{self.stamp_ns}"

    @classmethod
    def parse(cls, frame_id: str) -> FrameClaim | None:
        """Return the claim in a `frame_id`; None where it is not that of a good frame."""
        mark, *numbers = frame_id.split("/")
        if mark != _MARK or len(numbers) != 3 or not all(each.isdigit() for each in numbers):
            return None
        return cls(*map(int, numbers))
