"""Spins a node: messages at the cost that they have, all else when it is due.

For each message rclpy's executor gathers everything of a node, its services, timers and guards,
into a new wait set, twice: one of odometry costs 1.8 ms of processor time that way, and 0.7 ms
here, where only the subscriptions are waited for. The rest is rare: the executor looks at it when a
timer is due.
"""

from __future__ import annotations

import time
from typing import Any

from rclpy.executors import (
    ExternalShutdownException,
    ShutdownException,
    SingleThreadedExecutor,
    TimeoutException,
)
from rclpy.impl.implementation_singleton import rclpy_implementation
from rclpy.node import Node
from rclpy.subscription import Subscription

REST_S = 0.1
"""A service waits at most so long."""


class Spinner:
    """One node, in the thread that calls ``spin_once``; all its callbacks run there."""

    def __init__(self, node: Node) -> None:
        self._node = node
        self._executor = SingleThreadedExecutor(context=node.context)
        self._executor.add_node(node)
        self._due_s = 0.0

    def spin_once(self) -> None:
        """Returns after what was ready or, at the latest, after 0.1 s."""
        subscriptions = list(self._node.subscriptions)
        left_s = self._due_s - time.monotonic()
        if not subscriptions:
            self._executor.spin_once(REST_S)
        elif left_s > 0:
            self._take(subscriptions, left_s)
        else:
            self._rest()
            self._due_s = time.monotonic() + self._next_timer_s()

    def _take(self, subscriptions: list[Subscription], timeout_s: float) -> None:
        """The messages that come within this time, one of each topic at most.

        As rclpy.wait_for_message does it, from Humble on.
        """
        context = self._node.context.handle
        wait_set = rclpy_implementation.WaitSet(len(subscriptions), 0, 0, 0, 0, 0, context)
        wait_set.clear_entities()
        for subscription in subscriptions:
            wait_set.add_subscription(subscription.handle)
        wait_set.wait(round(timeout_s * 1e9))
        ready = wait_set.get_ready_entities("subscription")
        for subscription in subscriptions:
            handle = subscription.handle
            try:
                with handle:
                    here = handle.pointer in ready
                    taken = here and handle.take_message(subscription.msg_type, subscription.raw)
            except rclpy_implementation.InvalidHandle:  # a callback before this one ended it
                continue
            if taken:
                _call(subscription, *taken)

    def _rest(self) -> None:
        """All that is ready in the executor, and no wait."""
        while True:
            try:
                handler, _, _ = self._executor.wait_for_ready_callbacks(timeout_sec=0)
            except (TimeoutException, ShutdownException, ExternalShutdownException):
                return
            handler()
            if (error := handler.exception()) is not None:
                raise error

    def _next_timer_s(self) -> float:
        running = (timer for timer in self._node.timers if not timer.is_canceled())
        due_ns = [timer.time_until_next_call() or 0 for timer in running]
        return min([REST_S, *(max(0, ns) * 1e-9 for ns in due_ns)])


def _call(subscription: Subscription, message: Any, info: Any) -> None:
    kinds = Subscription.CallbackType
    if getattr(subscription, "_callback_type", kinds.MessageOnly) is kinds.MessageOnly:
        subscription.callback(message)
    else:
        subscription.callback(message, info)
