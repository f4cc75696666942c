"""Which events of the middleware the nodes take. The module's name changed after Humble.

rclpy makes two or three event handlers for each endpoint, and its executor looks at each of them at
every turn. So only losses are taken as events; incompatible QoS is read from the graph
(``Intake.check``).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

try:
    from rclpy.event_handler import PublisherEventCallbacks, SubscriptionEventCallbacks
except ImportError:  # Humble
    from rclpy.qos_event import PublisherEventCallbacks, SubscriptionEventCallbacks


def no_events() -> Any:
    """For a publisher."""
    return PublisherEventCallbacks(use_default_callbacks=False)


def losses(count: Callable[[int], None] | None = None) -> Any:
    """For a subscription: called with the number of messages lost since the last call."""
    if count is None:
        return SubscriptionEventCallbacks(use_default_callbacks=False)
    return SubscriptionEventCallbacks(
        message_lost=lambda event: count(event.total_count_change), use_default_callbacks=False
    )
