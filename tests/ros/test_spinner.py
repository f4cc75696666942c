"""What rclpy's executor does for a node, the spinner does, too."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import TYPE_CHECKING, Any

import pytest

pytest.importorskip("rclpy")

import rclpy
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from s2m_ros.nodes.spinner import REST_S, Spinner

if TYPE_CHECKING:
    from bench import Bench, Participant


@pytest.fixture
def node(participant: Participant) -> Iterator[Node]:
    node = rclpy.create_node("spun", context=participant.context)
    yield node
    node.destroy_node()


def spin(
    bench: Bench, spinner: Spinner, until: Callable[[], Any], meanwhile: Callable[[], Any]
) -> None:
    end = time.monotonic() + 30
    while not until():
        assert time.monotonic() < end, "did not come about"
        meanwhile()
        bench.spin(0.01)
        spinner.spin_once()


def test_messages_of_all_kinds_of_subscriptions(bench: Bench, node: Node) -> None:
    plain: list[Any] = []
    informed: list[Any] = []
    raw: list[bytes] = []
    node.create_subscription(Header, "spun/a", plain.append, 10)
    node.create_subscription(Header, "spun/a", lambda m, i: informed.append((m, i)), 10)
    node.create_subscription(Header, "spun/a", raw.append, 10, raw=True)
    publisher = bench.publisher("std_msgs/msg/Header", "/spun/a", qos=10)  # type: ignore[arg-type]
    spin(
        bench, Spinner(node), lambda: plain and informed and raw,
        lambda: publisher.publish(Header(frame_id="here")),
    )  # fmt: skip
    assert plain[0].frame_id == informed[0][0].frame_id == "here"
    assert "source_timestamp" in informed[0][1]
    assert b"here" in bytes(raw[0])


def test_timers_are_on_time_and_services_answer_while_messages_come(
    bench: Bench, node: Node
) -> None:
    heard: list[Any] = []
    ticks: list[float] = []
    node.create_subscription(Header, "spun/b", heard.append, 10)
    steady = Clock(clock_type=ClockType.STEADY_TIME)
    node.create_timer(0.05, lambda: ticks.append(time.monotonic()), clock=steady)
    stopped = node.create_timer(0.01, lambda: None, clock=steady)
    stopped.cancel()

    def answer(request: Any, response: Any) -> Any:
        response.success = True
        return response

    node.create_service(Trigger, "spun/ask", answer)
    client = bench.node.create_client(Trigger, "spun/ask")
    publisher = bench.publisher("std_msgs/msg/Header", "/spun/b", qos=10)  # type: ignore[arg-type]
    asked: list[Any] = []

    def meanwhile() -> None:
        publisher.publish(Header())
        if not asked and client.service_is_ready():
            asked.append(client.call_async(Trigger.Request()))

    spin(bench, Spinner(node), lambda: len(ticks) > 20 and asked and asked[0].done(), meanwhile)
    bench.node.destroy_client(client)
    assert asked[0].result().success
    assert heard
    assert (ticks[-1] - ticks[0]) / (len(ticks) - 1) < 2 * REST_S


def test_before_anything_is_subscribed_timers_run(bench: Bench, node: Node) -> None:
    ticks: list[int] = []
    node.create_timer(0.02, lambda: ticks.append(1), clock=Clock(clock_type=ClockType.STEADY_TIME))
    spin(bench, Spinner(node), lambda: len(ticks) > 3, lambda: None)


def test_a_callback_may_end_another_subscription_and_errors_pass(bench: Bench, node: Node) -> None:
    both: list[Any] = []

    def end_all(message: Any) -> None:
        both.append(message)
        for subscription in list(node.subscriptions):
            node.destroy_subscription(subscription)

    node.create_subscription(Header, "spun/c", end_all, 10)
    node.create_subscription(Header, "spun/c", end_all, 10)
    publisher = bench.publisher("std_msgs/msg/Header", "/spun/c", qos=10)  # type: ignore[arg-type]
    spinner = Spinner(node)
    spin(bench, spinner, lambda: both, lambda: publisher.publish(Header()))
    assert len(both) == 1

    def fail() -> None:
        raise RuntimeError("of a timer")

    node.create_timer(0.01, fail, clock=Clock(clock_type=ClockType.STEADY_TIME))
    with pytest.raises(RuntimeError, match="of a timer"):
        spin(bench, spinner, lambda: False, lambda: None)
