"""What a parameter is: its name, its default, what it may be and when a change takes effect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import Enum
from typing import Any

from rcl_interfaces.msg import FloatingPointRange, IntegerRange, ParameterDescriptor

from ovseg_ros.errors import OvsegError


class ParameterError(OvsegError):
    """A parameter value was refused; the values in force stay as they were."""


class Applies(Enum):
    """When a change of a parameter takes effect."""

    LIVE = "at once"
    ACTIVATE = "at the next activate"
    CONFIGURE = "at the next configure"
    START = "only at start"


@dataclass(frozen=True)
class ParameterSpec:
    """One parameter. `choices` or the range `bounds` (both ends included) limit its values.

    An empty default stands for "not said", which is accepted beside the choices.
    """

    name: str
    default: bool | int | float | str | list[str]
    applies: Applies
    description: str
    choices: type[Enum] | None = None
    bounds: tuple[float, float] | None = None

    def check(self, value: Any) -> None:
        """Raise `ParameterError` unless `value` is one of the choices or inside the range."""
        if self.choices is not None:
            valid = [member.value for member in self.choices]
            if value not in valid and value != self.default:
                raise ParameterError(f"{self.name} is {value!r}; it must be {' or '.join(valid)}")
        if self.bounds is not None and not self.bounds[0] <= value <= self.bounds[1]:
            raise ParameterError(
                f"{self.name} is {value!r}; it must be from {self.bounds[0]:g} "
                f"to {self.bounds[1]:g}"
            )

    def descriptor(self) -> ParameterDescriptor:
        """Return the description that `ros2 param describe` shows."""
        descriptor = ParameterDescriptor(
            description=f"{self.description} Takes effect {self.applies.value}.",
            read_only=self.applies is Applies.START,
        )
        if self.choices is not None:
            valid = ", ".join(member.value for member in self.choices)
            descriptor.additional_constraints = f"one of: {valid}"
        if self.bounds is not None:
            low, high = self.bounds
            if isinstance(self.default, float):
                descriptor.floating_point_range = [
                    FloatingPointRange(from_value=float(low), to_value=float(high))
                ]
            else:
                descriptor.integer_range = [
                    IntegerRange(from_value=int(low), to_value=int(high), step=1)
                ]
        return descriptor
