"""What a weight file is, told by its first bytes: endings of file names are no evidence."""

from __future__ import annotations

import zipfile
from enum import Enum
from pathlib import Path

from ovseg_ros.errors import WeightsError

_HEAD_BYTES = 64
_PICKLE_PROTOCOL = b"\x80"
_LONGEST_SAFETENSORS_HEADER = 100_000_000
# What is downloaded by mistake most often, by its first bytes.
_MISTAKES = (
    (b"<", "a web page or XML; the download gave a login or error page instead of the file"),
    (
        b"version https://git-lfs",
        "a Git LFS pointer, not the file it points to; run `git lfs pull`",
    ),
    (b"\x1f\x8b", "a gzip archive; unpack it first"),
    (b"Rar!", "a RAR archive; unpack it first"),
)


class FileKind(Enum):
    """The kinds of weight files that can be opened without running code from them."""

    SAFETENSORS = "safetensors"
    TORCH = "torch checkpoint"
    TORCH_BEFORE_1_6 = "torch checkpoint in the format before 1.6"
    TORCHSCRIPT = "TorchScript archive"


def file_kind(path: Path) -> FileKind:
    """Return the kind of the file at `path`.

    Raises `WeightsError` where it is missing, empty, truncated or no checkpoint at all.
    """
    head = _head(path)
    # First, because the length that a safetensors file begins with can look like anything.
    if _begins_like_safetensors(head):
        return FileKind.SAFETENSORS
    if head.startswith(b"PK"):
        return _kind_of_zip(path)
    if head.startswith(_PICKLE_PROTOCOL):
        return FileKind.TORCH_BEFORE_1_6
    found = next((what for start, what in _MISTAKES if head.lstrip().startswith(start)), None)
    raise WeightsError(
        f"{path} is not a checkpoint: found {found or f'a file that begins with {head[:16]!r}'}; "
        "wanted: .safetensors, or a file written by torch.save"
    )


def _begins_like_safetensors(head: bytes) -> bool:
    """Eight bytes with the length of a JSON header, which has a limit, then the header."""
    return head[8:9] == b"{" and int.from_bytes(head[:8], "little") <= _LONGEST_SAFETENSORS_HEADER


def _head(path: Path) -> bytes:
    try:
        with path.open("rb") as stream:
            head = stream.read(_HEAD_BYTES)
    except OSError as error:
        raise WeightsError(
            f"cannot read the weights {path}: {error.strerror}; give the path of a checkpoint"
        ) from None
    if not head:
        raise WeightsError(f"{path} is empty; fetch it again")
    return head


def _kind_of_zip(path: Path) -> FileKind:
    try:
        with zipfile.ZipFile(path) as archive:
            names = {name.partition("/")[2] for name in archive.namelist()}
    except (zipfile.BadZipFile, OSError):
        raise WeightsError(
            f"{path} is truncated or damaged: it begins like a torch checkpoint, but its directory "
            "of contents, which is at the end, is missing; fetch it again"
        ) from None
    if "data.pkl" not in names:
        raise WeightsError(
            f"{path} is a zip archive without 'data.pkl', so not a torch checkpoint; "
            "unpack it if the checkpoint is inside"
        )
    return FileKind.TORCHSCRIPT if "constants.pkl" in names else FileKind.TORCH
