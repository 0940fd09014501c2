"""The door to the `tokenizers` library, which runs the tokenizers of published text towers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from ovseg_ros.errors import MissingExtraError, PackageError


def import_tokenizers() -> Any:
    """Return the tokenizers module; raises `MissingExtraError` where it is not installed."""
    try:
        import tokenizers
    except ImportError:
        raise MissingExtraError("tokenizers", "cpu") from None
    return tokenizers


def read_tokenizer(path: Path, advice: str) -> Any:
    """Return the `tokenizers.Tokenizer` at `path`.

    Raises `PackageError`, which ends in `advice`, where there is none, and `MissingExtraError`.
    """
    library = import_tokenizers()
    try:
        return library.Tokenizer.from_file(str(path))
    except Exception as error:  # the library raises bare exceptions
        raise PackageError(f"{path} is no tokenizer: {error}; {advice}") from None
