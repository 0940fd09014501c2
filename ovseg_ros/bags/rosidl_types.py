"""The types of rosidl message classes, as a bag has to tell them.

The .msg files themselves are not where every kind of install can find them.
"""

from __future__ import annotations

import importlib
import re
from typing import Any

_PRIMITIVES = {"boolean": "bool", "octet": "byte", "float": "float32", "double": "float64"}


def kind_of_class(message_class: Any) -> str:
    """Return the full name of a rosidl message class, such as 'std_msgs/msg/String'."""
    return f"{message_class.__module__.split('.')[0]}/msg/{message_class.__name__}"


def definitions_of(message_class: Any) -> dict[str, str]:
    """Return the .msg texts of a class and of all types in it by name, the innermost first."""
    found: dict[str, str] = {}
    for nested in _nested_classes(message_class):
        found.update(definitions_of(nested))
    found[kind_of_class(message_class)] = message_text(message_class)
    return found


def message_text(message_class: Any) -> str:
    """Return the fields of a rosidl message class as the text of a .msg file."""
    fields = message_class.get_fields_and_field_types()
    return "".join(f"{_msg_type(kind)} {name}\n" for name, kind in fields.items())


def _msg_type(kind: str) -> str:
    sequence = re.fullmatch(r"sequence<(.+?)(?:, (\d+))?>", kind)
    if sequence:
        bound = f"<={sequence[2]}" if sequence[2] else ""
        return f"{_msg_type(sequence[1])}[{bound}]"
    return _PRIMITIVES.get(kind, kind)


def _nested_classes(message_class: Any) -> list[Any]:
    names = re.findall(
        r"(\w+)/(\w+)", " ".join(message_class.get_fields_and_field_types().values())
    )
    return [getattr(importlib.import_module(f"{package}.msg"), name) for package, name in names]
