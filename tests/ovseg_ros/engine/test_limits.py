"""The limits of a card: defaults where it says nothing, a sentence where it says nonsense."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from ovseg_ros.engine.limits import CheckLimits
from ovseg_ros.errors import PackageError

CARD = Path("package") / "card.yaml"


def test_a_card_changes_only_the_limits_that_it_names() -> None:
    assert CheckLimits.from_card(CARD, None) == CheckLimits()
    changed = CheckLimits.from_card(CARD, {"mask_agreement": 1})
    assert changed == CheckLimits(mask_agreement=1.0)


@pytest.mark.parametrize(
    ("checks", "message"),
    [
        ([0.9], "a mapping was wanted"),
        ({"cosine": 0.9}, "'cosine'; the limits are embedding_cosine, mask_agreement"),
        ({"mask_agreement": 98}, "'checks.mask_agreement' is 98"),
        ({"mask_agreement": "high"}, "a number from 0 to 1"),
        ({"mask_agreement": True}, "a number from 0 to 1"),
        ({"confidence_error": float("nan")}, "a number from 0 to 1"),
    ],
)
def test_a_limit_that_makes_no_sense_is_refused_by_name(checks: Any, message: str) -> None:
    with pytest.raises(PackageError, match=message):
        CheckLimits.from_card(CARD, checks)
