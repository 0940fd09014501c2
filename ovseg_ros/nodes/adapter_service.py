"""`~/set_adapter`: who chooses the domain adapters."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.adapters.mix import AdapterMix, AdapterMode
from ovseg_ros.errors import AdapterError
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.srv import SetAdapter


def choose_mix(package: str, mode: AdapterMode, names: Sequence[str] = ()) -> AdapterMix:
    """Return the mix for `mode` on the model package called `package`, which has no adapters.

    Raises `AdapterError` for adapters that are asked for by name.
    """
    if mode is AdapterMode.PINNED or names:
        wanted = f"adapter {ascii(names[0][:40])} is unknown" if names else "no adapter is named"
        raise AdapterError(
            f"{wanted}: package '{package}' has no adapters; use mode 'none' or 'auto'"
        )
    if mode is AdapterMode.AUTO:
        return AdapterMix(mode, gate=f"package '{package}' has no adapters: base model")
    return AdapterMix(mode)


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

    def __init__(
        self, node: LifecycleNode, segmenter: Segmenter, refuse: Callable[[str], None]
    ) -> None:
        """Open the service; `refuse` is told the reason for every refusal."""
        self._node = node
        self._segmenter = segmenter
        self._refuse = refuse
        self._service = node.create_service(SetAdapter, "~/set_adapter", self._on_request)

    def close(self) -> None:
        """Close the service."""
        self._node.destroy_service(self._service)

    def _on_request(
        self, request: SetAdapter.Request, response: SetAdapter.Response
    ) -> SetAdapter.Response:
        try:
            package = self._segmenter.package.card.name
            mix = choose_mix(package, mode_from_value(request.mode), request.names)
            self._segmenter.set_adapter(mix)
        except AdapterError as error:
            self._refuse(str(error))
            response.message = str(error)
            return response
        response.success, response.message = True, f"{mix.mode.value}: {mix.gate}"
        return response
