"""The three ways to change the query at run time: two topics and a service that answers."""

from __future__ import annotations

import textwrap
from collections.abc import Callable

from rclpy.lifecycle import LifecycleNode
from std_msgs.msg import String

from ovseg_ros.errors import OvsegError
from ovseg_ros.msg import LabelQuery
from ovseg_ros.nodes import qos, topics
from ovseg_ros.nodes.message_building import spec_from_message
from ovseg_ros.nodes.revision_gate import RevisionGate
from ovseg_ros.query import Query, format_query, parse_query, specs_from_prompts
from ovseg_ros.srv import SetLabels
from ovseg_ros.vocabulary import Vocabulary

MAX_SHOWN_CHARS = 500


class QueryServices:
    """`~/query`, `~/label_query` and `~/set_labels`, of the node or of one of its cameras.

    Text is encoded here, off the frame path.

    All of them are in the node's default callback group, like the lifecycle services: one at a
    time, so that no cleanup takes away what a query is using. Frames have a group of their own.
    """

    def __init__(
        self,
        node: LifecycleNode,
        camera: str,
        change: Callable[[Query], Vocabulary],
        refuse: Callable[[str], None],
        gate: RevisionGate,
    ) -> None:
        """Open the topics and the service of `camera`, `EVERY_CAMERA` for those of the node.

        `change` makes a query the one in force or raises `OvsegError`; `refuse` is told the reason;
        `gate` knows the revision in force.
        """
        self._node = node
        self._camera = camera
        self._change = change
        self._refuse = refuse
        self._gate = gate
        doors = ((String, "query", self._on_query), (LabelQuery, "label_query", self._on_labels))
        self._topics = [
            node.create_subscription(kind, topics.private(name, camera), answer, qos.reliable())
            for kind, name, answer in doors
        ]
        service = topics.private("set_labels", camera)
        self._service = node.create_service(SetLabels, service, self._on_service)

    def close(self) -> None:
        """Close the topics and the service."""
        for topic in self._topics:
            self._node.destroy_subscription(topic)
        self._node.destroy_service(self._service)

    def _on_query(self, message: String) -> None:
        self._try(lambda: parse_query(message.data))

    def _on_labels(self, message: LabelQuery) -> None:
        specs = tuple(spec_from_message(label) for label in message.labels)
        self._try(lambda: Query(specs, tuple(message.templates)))

    def _on_service(
        self, request: SetLabels.Request, response: SetLabels.Response
    ) -> SetLabels.Response:
        response.success, response.message = self._try(lambda: query_from_request(request))
        response.revision = self._gate.revision
        return response

    def _try(self, read: Callable[[], Query]) -> tuple[bool, str]:
        """Change to the query that `read` returns; return whether that worked, and a sentence."""
        try:
            query = read()
            vocabulary = self._change(query)
        except OvsegError as error:
            self._refuse(str(error))
            return False, str(error)
        labels = textwrap.shorten(format_query(query.specs), MAX_SHOWN_CHARS, placeholder=" ...")
        accepted = f"revision {vocabulary.revision}: {labels or 'as the query of the node'}"
        whose = f"query of camera '{self._camera}'" if self._camera else "query"
        self._node.get_logger().info(f"{whose} {accepted}")
        return True, accepted


def query_from_request(request: SetLabels.Request) -> Query:
    """Return the first of query, labels and prompts that is not empty; raises `QueryError`."""
    if request.query:
        return parse_query(request.query)
    if request.labels:
        return Query(tuple(spec_from_message(label) for label in request.labels))
    return Query(specs_from_prompts(list(request.prompts), list(request.class_ids)))
