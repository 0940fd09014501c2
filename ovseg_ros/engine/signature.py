"""What a segmenter program takes and gives; one of another kind is refused before any frame.

Every backend lists the ports of the graph it has loaded, so all refuse with the same words.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from ovseg_ros.errors import FrameError, PackageError
from ovseg_ros.packages import Card


class _Side(Enum):
    """Sides without a size of their own."""

    B = "B"
    H = "H"
    W = "W"
    N = "N"
    R = "R"
    E = "E"


# Queries and adapters come at run time, so a program that fixes these sides is of no use; a camera
# has one size, so one that fixes those of the frame is.
_MUST_BE_FREE = {_Side.N: "labels", _Side.R: "LoRA ranks"}

Shape = tuple["int | None", ...]

# Of a program that sets no limit; more than the cameras of a robot.
MOST_FRAMES = 16


@dataclass(frozen=True)
class Port:
    """An input or output; `dtype` as numpy calls it, `shape` with None for a free side.

    A `shape` of None is not known before the program runs.
    """

    name: str
    dtype: str
    shape: Shape | None

    def __str__(self) -> str:
        """Type and shape, for messages."""
        sides = "of unknown shape" if self.shape is None else _written(self.shape)
        return f"{self.dtype} {sides}"


@dataclass(frozen=True)
class _Wanted:
    dtype: str
    sides: tuple[int | _Side, ...]

    def __str__(self) -> str:
        return f"{self.dtype} {_written(self.sides)}"

    def accepts(self, port: Port) -> bool:
        if port.shape is None:
            return port.dtype == self.dtype
        return (
            port.dtype == self.dtype
            and len(port.shape) == len(self.sides)
            and all(map(_fits, port.shape, self.sides))
        )

    def limits(self, port: Port) -> list[str]:
        """Say in words what the sides cost that should be free and are not."""
        return [
            f"no other number of {_MUST_BE_FREE[side]} than {found} would run"
            for found, side in zip(port.shape or (), self.sides, strict=False)
            if side in _MUST_BE_FREE and found is not None
        ]


def require_signature(
    inputs: Sequence[Port], outputs: Sequence[Port], card: Card, path: Path
) -> Shape:
    """Return the shape of the frames [B, H, W, 3] that the program at `path` takes.

    Raises `PackageError` where the inputs or outputs are not those that `card` promises, with all
    differences at once.
    """
    faults = [
        *_faults("input", inputs, _wanted_inputs(card)),
        *_faults("output", outputs, _OUTPUTS),
    ]
    if faults:
        lines = "\n".join(f"  {fault}" for fault in faults)
        raise PackageError(
            f"{path} is no segmenter that its card describes; convert the package again with "
            f"`ovseg convert`, or restore it\n{lines}"
        )
    return next(port.shape for port in inputs if port.name == "image") or (None, None, None, 3)


def most_frames(wanted: Shape) -> int:
    """Return how many frames a program made for frames `wanted` [B, H, W, 3] takes at a time."""
    return wanted[0] or MOST_FRAMES


def require_frames(found: tuple[int, ...], wanted: Shape, path: Path) -> None:
    """Raise `FrameError` unless the program at `path`, made for `wanted`, takes frames `found`.

    Both are [B, H, W, 3], `wanted` with None for a side that is free.
    """
    if not all(theirs in (None, ours) for ours, theirs in zip(found, wanted, strict=True)):
        raise FrameError(
            f"{_frames(found)} was given, {path} was exported for {_frames(wanted)} alone; "
            "set the camera to that size, or convert the package again with sizes left free"
        )


def _wanted_inputs(card: Card) -> Mapping[str, _Wanted]:
    width_a, width_b = card.lora_widths
    return {
        "image": _Wanted("uint8", (_Side.B, _Side.H, _Side.W, 3)),
        "text_bank": _Wanted("float32", (_Side.N, card.embedding_dim)),
        "label_codes": _Wanted("uint8", (_Side.N,)),
        "thresholds": _Wanted("float32", (_Side.N,)),
        "lora_a": _Wanted("float32", (_Side.R, width_a)),
        "lora_b": _Wanted("float32", (_Side.R, width_b)),
    }


_OUTPUTS = {
    "mask": _Wanted("uint8", (_Side.B, _Side.H, _Side.W)),
    "confidence": _Wanted("uint8", (_Side.B, _Side.H, _Side.W)),
    "embedding": _Wanted("float32", (_Side.B, _Side.E)),
}


def _faults(kind: str, found: Sequence[Port], wanted: Mapping[str, _Wanted]) -> Iterator[str]:
    ports = {port.name: port for port in found}
    for name, want in wanted.items():
        if name not in ports:
            yield f"{kind} {name} is missing, {want} was wanted"
        elif not want.accepts(ports[name]):
            difference = f"{kind} {name}: {ports[name]} was found, {want} was wanted"
            yield "; ".join([difference, *want.limits(ports[name])])
    for port in found:
        if port.name not in wanted:
            yield f"{kind} {port.name}: {port} was found, no {kind} of this name was wanted"


def _fits(found: int | None, wanted: int | _Side) -> bool:
    if found is None or found == wanted:
        return True
    return isinstance(wanted, _Side) and wanted not in _MUST_BE_FREE


def _written(sides: Sequence[int | _Side | None]) -> str:
    return f"[{', '.join('?' if s is None else str(getattr(s, 'value', s)) for s in sides)}]"


def _frames(shape: Sequence[int | None]) -> str:
    count, height, width = ("?" if side is None else side for side in shape[:3])
    batch = "" if count in (1, "?") else f" in a batch of {count}"
    return f"a frame of {width}x{height} px{batch}"
