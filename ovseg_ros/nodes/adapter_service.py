"""`~/set_adapter`: who chooses the domain adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.errors import AdapterError, OvsegError
from ovseg_ros.srv import SetAdapter

Choose = Callable[[AdapterMode, Sequence[str], Sequence[float]], AdapterMix]


def mode_from_value(value: str) -> AdapterMode:
    """Return the mode called `value`; raises `AdapterError` listing the valid ones."""
    try:
        return AdapterMode(value)
    except ValueError:
        valid = ", ".join(mode.value for mode in AdapterMode)
        raise AdapterError(
            f"adapter mode {ascii(value[:40])} is unknown; the modes are {valid}"
        ) from None


class AdapterService:
    """Answers `~/set_adapter`, in the callback group of the lifecycle services."""

    def __init__(self, node: LifecycleNode, choose: Choose, refuse: Callable[[str], None]) -> None:
        """Open the service.

        `choose` puts a mix in force or raises `OvsegError`; `refuse` is told the reason.
        """
        self._node = node
        self._choose = choose
        self._refuse = refuse
        self._service = node.create_service(SetAdapter, "~/set_adapter", self._on_request)

    def close(self) -> None:
        """Close the service."""
        self._node.destroy_service(self._service)

    def _on_request(
        self, request: SetAdapter.Request, response: SetAdapter.Response
    ) -> SetAdapter.Response:
        try:
            mode = mode_from_value(request.mode)
            response.message = str(self._choose(mode, list(request.names), list(request.weights)))
            response.success = True
        except OvsegError as error:
            self._refuse(str(error))
            response.message = str(error)
        return response
