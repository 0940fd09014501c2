"""A query with everything that belongs to it: how to change it, what it means, what may pass."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from rclpy.lifecycle import LifecycleNode

from ovseg_ros.closing import Closing
from ovseg_ros.nodes.label_publisher import LabelPublisher
from ovseg_ros.nodes.query_services import QueryServices
from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.query import Query
from ovseg_ros.segmenter import Segmenter
from ovseg_ros.vocabulary import Vocabulary


class QueryScope(Closing):
    """The query of the node, or that of one camera, with its topics and services.

    `gate` knows the vocabulary in force and announces each before the first mask under it.
    """

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        segmenter: Segmenter,
        period_s: float,
        change: Callable[[Query], Vocabulary],
        refuse: Callable[[str], None],
    ) -> None:
        """Open the topics and services of `camera`, `EVERY_CAMERA` for those of the node.

        Labels are repeated every `period_s`; `change` makes a query the one in force or raises
        `OvsegError`; `refuse` is told the reason.
        """
        with ExitStack() as parts:
            labels = LabelPublisher(node, camera, segmenter, period_s)
            parts.callback(labels.close)
            self.gate = RevisionGate(labels.announce)
            services = QueryServices(node, camera, change, refuse, self.gate)
            parts.callback(services.close)
            self._parts = parts.pop_all()

    def close(self) -> None:
        """Close the topics and services."""
        self._parts.close()
