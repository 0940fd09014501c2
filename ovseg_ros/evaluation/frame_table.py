"""The table of frames as Parquet, for analysis with any tool that reads it."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ovseg_ros.errors import MissingExtraError, OvsegError
from ovseg_ros.evaluation.frame_row import FrameFate, FrameRow
from ovseg_ros.evaluation.metrics.frame_scores import FrameScores
from ovseg_ros.output import replacing

FORMAT = 1
_NUMBERS = ("mean_iou", "pixel_accuracy", "boundary_iou", "ece", "flicker", "label_change")
_PIXELS = ("evaluated_px", "unlabelled_px")


def write_frames(path: Path, frames: Sequence[FrameRow], names: Sequence[str]) -> None:
    """Write one row per frame; `names` are the labels that `FrameScores.ious` are of.

    The same frames give the same bytes. Raises `OutputError` where the file cannot be written,
    `MissingExtraError` without pyarrow.
    """
    arrow, parquet = _pyarrow()
    rows = [_as_record(row, names) for row in frames]
    table = arrow.Table.from_pylist(rows, schema=_schema(arrow))
    with replacing(path) as temporary:
        parquet.write_table(table, temporary)


def read_frames(path: Path) -> tuple[FrameRow, ...]:
    """Read a table that `write_frames` wrote.

    Raises `OvsegError` for another file, `MissingExtraError` without pyarrow.
    """
    arrow, parquet = _pyarrow()
    try:
        table = parquet.read_table(path)
    except (OSError, arrow.ArrowException) as error:
        raise OvsegError(f"{path} cannot be read as a table of frames: {error}") from None
    wanted = _schema(arrow)
    if not table.schema.equals(wanted) or table.schema.metadata != wanted.metadata:
        raise OvsegError(
            f"{path} is not a table of frames of format {FORMAT}; evaluate again with this version"
        )
    return tuple(_as_row(record) for record in table.to_pylist())


def _schema(arrow: Any) -> Any:
    """Columns do not depend on the labels, so the tables of several runs can be joined."""
    text, whole, number = arrow.string(), arrow.int64(), arrow.float64()
    pairs = arrow.list_(arrow.struct([("name", text), ("weight", number)]))
    ious = arrow.list_(arrow.struct([("label", text), ("iou", number)]))
    fields = {
        "source": text,
        "camera": text,
        "index": whole,
        "name": text,
        "stamp_ns": whole,
        "domain": text,
        "sequence": text,
        "fate": text,
        "adapters": pairs,
        **dict.fromkeys(_NUMBERS, number),
        **dict.fromkeys(_PIXELS, whole),
        "ious": ious,
        "age_ms": number,
        "inference_ms": number,
    }
    return arrow.schema(list(fields.items()), metadata={"ovseg_frames": str(FORMAT)})


def _as_record(row: FrameRow, names: Sequence[str]) -> dict[str, Any]:
    scores = vars(row.scores) if row.scores else {}
    return {
        **{name: _text(value) for name, value in vars(row).items()},
        "fate": row.fate.value,
        "adapters": [{"name": _text(name), "weight": weight} for name, weight in row.adapters],
        **{name: scores.get(name) for name in (*_NUMBERS, *_PIXELS)},
        "ious": _label_ious(scores["ious"], names) if scores else None,
    }


def _label_ious(ious: Sequence[float | None], names: Sequence[str]) -> list[dict[str, Any]]:
    return [{"label": _text(name), "iou": iou} for name, iou in zip(names, ious, strict=True)]


def _text(value: Any) -> Any:
    # A file name may hold bytes that are no UTF-8; Parquet takes none of those.
    return value.encode(errors="backslashreplace").decode() if isinstance(value, str) else value


def _as_row(record: dict[str, Any]) -> FrameRow:
    ious = record.pop("ious")
    numbers = {name: record.pop(name) for name in (*_NUMBERS, *_PIXELS)}
    adapters = tuple((pair["name"], pair["weight"]) for pair in record.pop("adapters"))
    scores = None
    if ious is not None:
        scores = FrameScores(**numbers, ious=tuple(entry["iou"] for entry in ious))
    return FrameRow(
        **{**record, "fate": FrameFate(record["fate"])}, adapters=adapters, scores=scores
    )


def require_pyarrow() -> None:
    """Raise `MissingExtraError` without pyarrow, before a long run rather than after it."""
    _pyarrow()


def _pyarrow() -> tuple[Any, Any]:
    try:
        import pyarrow
        import pyarrow.parquet
    except ImportError:
        raise MissingExtraError("pyarrow", "eval") from None
    return pyarrow, pyarrow.parquet
