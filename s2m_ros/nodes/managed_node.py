"""A managed node whose transitions run in its worker thread.

rclpy runs a transition inside the service's callback: minutes of building an engine would silence
health, parameters and ``get_state``. Here the callback is a coroutine that waits for the worker,
so the answer is still the honest one and the executor stays free.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable
from enum import Enum
from functools import partial
from typing import Any

from lifecycle_msgs.msg import Transition
from rcl_interfaces.msg import ParameterDescriptor
from rclpy.callback_groups import ReentrantCallbackGroup
from rclpy.clock import Clock, ClockType
from rclpy.lifecycle import LifecycleNodeMixin
from rclpy.lifecycle import TransitionCallbackReturn as Result
from rclpy.node import Node
from rclpy.task import Future

RETRY_S = 3.0


class Phase(Enum):
    """The primary states of a managed node."""

    UNCONFIGURED = "unconfigured"
    INACTIVE = "inactive"
    ACTIVE = "active"
    FINALIZED = "finalized"


_LEADS = {  # transition: (from, to)
    "configure": ((Phase.UNCONFIGURED,), Phase.INACTIVE),
    "cleanup": ((Phase.INACTIVE,), Phase.UNCONFIGURED),
    "activate": ((Phase.INACTIVE,), Phase.ACTIVE),
    "deactivate": ((Phase.ACTIVE,), Phase.INACTIVE),
    "shutdown": ((Phase.UNCONFIGURED, Phase.INACTIVE, Phase.ACTIVE), Phase.FINALIZED),
}
_NAMES = {
    Transition.TRANSITION_CONFIGURE: "configure",
    Transition.TRANSITION_CLEANUP: "cleanup",
    Transition.TRANSITION_ACTIVATE: "activate",
    Transition.TRANSITION_DEACTIVATE: "deactivate",
    Transition.TRANSITION_UNCONFIGURED_SHUTDOWN: "shutdown",
    Transition.TRANSITION_INACTIVE_SHUTDOWN: "shutdown",
    Transition.TRANSITION_ACTIVE_SHUTDOWN: "shutdown",
}


class ManagedNode(LifecycleNodeMixin, Node):
    """Subclasses override ``on_configure`` and the like, which run in the worker, and ``settle``.

    With the parameter ``autostart`` the node configures and activates itself, and tries again while
    that fails; without it a lifecycle manager does (ros2 lifecycle, nav2_lifecycle_manager).
    """

    def __init__(self, name: str, **options: Any) -> None:
        Node.__init__(self, name, **options)
        # A transition may take minutes; get_state answers meanwhile.
        LifecycleNodeMixin.__init__(self, callback_group=ReentrantCallbackGroup())
        self._service_change_state.callback = self._requested
        self.phase = Phase.UNCONFIGURED
        self.changing = ""
        """The transition under way, or empty."""
        self.autostart = bool(
            self.declare_parameter(
                "autostart",
                True,
                ParameterDescriptor(
                    description="Configure and activate by itself; false: a lifecycle manager does",
                    read_only=True,
                ),
            ).value
        )
        self._starter = self.create_timer(
            0.01,
            self._bring_up,
            callback_group=ReentrantCallbackGroup(),
            clock=Clock(clock_type=ClockType.STEADY_TIME),
        )
        if not self.autostart:
            self._starter.cancel()

    # What a subclass offers.

    def in_worker(self, call: Callable[[], None]) -> None:
        """Have the worker thread call this."""
        raise NotImplementedError

    def settle(self) -> None:
        """In the executor's thread, after each transition: take up or leave the inputs."""

    # The machinery.

    async def change(self, transition: str) -> bool:
        """Make a transition by its name; False, with a line in the log, when it is not made."""
        leads = _LEADS.get(transition)
        if self.changing or leads is None or self.phase not in leads[0]:
            doing = f"'{self.changing}' is under way" if self.changing else self.phase.value
            self.get_logger().error(f"no transition '{transition}' now: the node is {doing}")
            return False
        self.changing = transition
        done = Future()
        self.in_worker(partial(self._make, transition, done))
        await done
        self.changing = ""
        self.settle()
        return bool(done.result())

    def _make(self, transition: str, done: Any) -> None:
        """In the worker: run the callback of a transition and note where it led."""
        result = Result.ERROR
        try:
            result = getattr(self, f"trigger_{transition}")()
        except Exception:  # the state machine itself: nothing of ours raises through it
            self.get_logger().error(traceback.format_exc())
        if result == Result.SUCCESS:
            self.phase = _LEADS[transition][1]
        elif result == Result.ERROR:
            self.phase = Phase.UNCONFIGURED
        done.set_result(result == Result.SUCCESS)
        if self.executor is not None:
            self.executor.wake()

    async def _requested(self, request: Any, response: Any) -> Any:
        wanted = request.transition
        response.success = await self.change(wanted.label or _NAMES.get(wanted.id, str(wanted.id)))
        return response

    async def _bring_up(self) -> None:
        """From the start on, until it is active: configure and activate."""
        self._starter.cancel()
        if self.phase is Phase.UNCONFIGURED and await self.change("configure"):
            await self.change("activate")
        elif self.phase is Phase.UNCONFIGURED:
            self._starter.timer_period_ns = round(RETRY_S * 1e9)
            self._starter.reset()
