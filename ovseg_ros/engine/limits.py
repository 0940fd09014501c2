"""How far an engine may stray from the reference before it is refused: `checks` of a card."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from ovseg_ros.errors import PackageError


@dataclass(frozen=True)
class CheckLimits:
    """The limits of `ovseg check`, each in 0..1; the defaults hold where a card says nothing.

    `embedding_cosine`: lowest cosine of the scene embeddings of any frame. `mask_agreement`:
    lowest share of equal mask pixels over all frames. `confidence_error`: highest mean absolute
    difference of the confidence. `mean_iou_loss`: highest loss of mean IoU. The limits on noise are
    wider: there no label wins by much, so rounding alone moves many pixels.
    """

    embedding_cosine: float = 0.98
    mask_agreement: float = 0.98
    confidence_error: float = 0.02
    noise_mask_agreement: float = 0.9
    noise_confidence_error: float = 0.05
    mean_iou_loss: float = 0.01

    @classmethod
    def from_card(cls, path: Path, checks: Any) -> CheckLimits:
        """Return the limits of the field `checks` of the card at `path`; None means the defaults.

        Raises `PackageError` naming the limit at fault.
        """
        if checks is None:
            return cls()
        if not isinstance(checks, Mapping):
            raise PackageError(f"{path}: field 'checks' is {checks!r}; a mapping was wanted")
        valid = [field.name for field in fields(cls)]
        for name, value in checks.items():
            if name not in valid:
                raise PackageError(
                    f"{path}: 'checks' holds '{name}'; the limits are {', '.join(valid)}"
                )
            if (
                isinstance(value, bool)
                or not isinstance(value, (int, float))
                or not 0 <= value <= 1
            ):
                raise PackageError(
                    f"{path}: 'checks.{name}' is {value!r}; a number from 0 to 1 was wanted"
                )
        return cls(**{name: float(value) for name, value in checks.items()})

    def as_json(self) -> dict[str, float]:
        """Return the limits by name."""
        return asdict(self)
