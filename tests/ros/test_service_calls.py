"""Whoever calls services of a node is known to it first, or is told that it does not answer."""

import pytest

pytest.importorskip("rclpy", reason="rclpy is not installed; run `make build`")
from lifecycle_msgs.srv import ChangeState  # noqa: E402

from ovseg_ros.errors import OvsegError  # noqa: E402
from ovseg_ros.nodes.demo.process import ros_node  # noqa: E402
from ovseg_ros.nodes.demo.service_calls import (  # noqa: E402
    ask,
    change_state,
    introduce,
    transition_request,
)

pytestmark = pytest.mark.ros


def test_an_introduced_client_is_answered_and_nothing_of_it_stays(start_node):
    target = start_node().target
    with ros_node("caller") as (node, executor):
        states = node.create_client(ChangeState, f"{target.name}/change_state")
        introduce(node, executor, target.name)
        assert list(node.clients) == [states]
        change_state(executor, states, "configure")


def test_a_node_that_is_not_there_is_named(capsys):
    with pytest.raises(SystemExit), ros_node("caller") as (node, executor):
        with pytest.raises(OvsegError, match="/nobody/get_state did not answer within 0.2 s"):
            introduce(node, executor, "/nobody", timeout_s=0.2)
        assert list(node.clients) == []
        introduce(node, executor, "/nobody", timeout_s=0.1)
    assert "/nobody/get_state" in capsys.readouterr().out


def test_a_question_to_nobody_is_given_up_and_forgotten():
    with ros_node("caller") as (node, executor):
        states = node.create_client(ChangeState, "/nobody/change_state")
        request = transition_request("configure")
        assert ask(executor, states, request, timeout_s=0.2) is None
        assert ask(executor, states, request, timeout_s=60.0, go_on=lambda: False) is None
        with pytest.raises(OvsegError, match="/nobody/change_state did not answer within 0.1 s"):
            change_state(executor, states, "configure", timeout_s=0.1)
