"""The trained names: which labels are known and which are guesses."""

from __future__ import annotations

from pathlib import Path

import pytest

from ovseg_ros.errors import PackageError
from ovseg_ros.text import NameSource, TrainedNames


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("car", NameSource.CONCEPT),
        ("Sign Symbol", NameSource.CONCEPT),
        ("the road", NameSource.CONCEPT),
        ("buses", NameSource.CONCEPT),
        ("accordion", NameSource.CLIP),
        ("a bollard", NameSource.LEXICON),
        ("carriageway", None),
        ("\U0001f697", None),
        ("...", None),
    ],
)
def test_source_of_a_name(
    trained_names: TrainedNames, name: str, source: NameSource | None
) -> None:
    assert trained_names.source(name) is source
    assert (name in trained_names) is (source is not None)


@pytest.mark.parametrize(
    "content", [None, "", "[]", '{"concept": ["car"]}', '{"concept": 1, "clip": 2, "lexicon": 3}']
)
def test_unusable_files_are_refused(tmp_path: Path, content: str | None) -> None:
    path = tmp_path / "names.json"
    if content is not None:
        path.write_text(content, encoding="utf-8")
    with pytest.raises(PackageError, match="restore the model package"):
        TrainedNames.load(path)
