"""What cameras may be called: a part of a topic each, so that theirs can be told apart."""

from __future__ import annotations

from collections.abc import Sequence

from ovseg_ros.camera_names import MAX_CAMERAS, is_camera_name
from ovseg_ros.nodes.parameter_spec import ParameterError


def check_cameras(names: Sequence[str]) -> None:
    """Raise `ParameterError` unless `names` can be parts of topics and differ."""
    if len(names) > MAX_CAMERAS:
        raise ParameterError(
            f"cameras has {len(names)} names; at most {MAX_CAMERAS} cameras share an engine, "
            "start another node for the rest"
        )
    for name in names:
        if not is_camera_name(name):
            raise ParameterError(
                f"cameras has the name {ascii(name[:40])}; a letter followed by letters, digits "
                "and single underscores was wanted, as it becomes a part of topic names"
            )
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ParameterError(f"cameras has {', '.join(twice)} more than once; name each once")
