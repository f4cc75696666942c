"""What the stage nodes share: settings, life cycle, one worker thread, health, a clean end.

The executor's thread only files messages; everything else happens in the worker, so a stage needs
no lock and a long inference never delays intake, parameters or health.
"""

from __future__ import annotations

import threading
import time
import traceback
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Protocol

from rclpy.clock import Clock, ClockType, JumpThreshold
from rclpy.duration import Duration
from rclpy.lifecycle import TransitionCallbackReturn as Result
from std_srvs.srv import Trigger

from s2m_ros.config import Config, ConfigError
from s2m_ros.nodes.factory import RclpyFactory
from s2m_ros.nodes.inbox import Inbox
from s2m_ros.nodes.intake import Intake
from s2m_ros.nodes.managed_node import RETRY_S, ManagedNode, Phase
from s2m_ros.nodes.parameters import Settings
from s2m_ros.nodes.ports import Port
from s2m_ros.nodes.reporting import BEAT_S, Reporter
from s2m_ros.pipeline.conditions import Condition, Conditions, worst
from s2m_ros.types import InputError, State

_TICK_S = 0.05
_RESET, _CALL = "clock jump", "call"
_JUMP_FORWARD_S = 10.0  # less is a player that stuttered
_LAST_WORDS_S = 3.0


class Stage(Protocol):
    conditions: Conditions

    @property
    def drops(self) -> Mapping[str, int]: ...
    @property
    def figures(self) -> Mapping[str, str]: ...
    def reset(self, why: str = ...) -> None: ...
    def adjust(self, config: Config) -> None: ...


class StageNode(ManagedNode):
    """A node around one stage.

    Subclasses make their publishers with ``talk`` in the constructor and then call ``start``; they
    offer ``make``, ``connect`` and the outputs that say that something is wrong.
    """

    def __init__(self, name: str, branches: Sequence[str], **options: Any) -> None:
        super().__init__(name, **options)
        self._settings = Settings(self, branches, lambda: self._configured, self._adjust)
        self.factory = RclpyFactory()
        self.conditions = Conditions()
        self.stage: Stage | None = None
        self._drops: Counter[str] = Counter()
        self._inbox = Inbox()
        self.intake = Intake(self, self._inbox, self.conditions)
        self.listen, self.named = self.intake.listen, self.intake.named
        self._failed = False
        self._busy: tuple[float, str] | None = None
        self._worker = threading.Thread(target=self._work, name=f"{name}_worker", daemon=True)

    # What a subclass offers. All of it but ``connect`` runs in the worker.

    def make(self) -> Stage:
        """A stage for ``config``, ready to work. Raises InputError or ConfigError."""
        raise NotImplementedError

    def connect(self) -> None:
        """Subscribe with ``listen``. Runs in the executor's thread."""
        raise NotImplementedError

    def tick(self) -> None:
        """Runs after each message, and about 20 times a second while active."""

    def fault(self, message: Any, reason: str) -> None:
        """Something failed unexpectedly: the output that says so.

        message: the one being handled, or None when it was no handler that failed.
        """

    def farewell(self, reason: str) -> None:
        """The node stops looking, its stage was reset: the last output, which says so."""

    def figures(self) -> dict[str, str]:
        """What diagnostics show beside state, latencies and drops. In the executor's thread."""
        stage = self.stage
        return {
            "life": self.changing or self.phase.value,
            **(stage.figures if stage else {}),
            **self.intake.figures,
        }

    # Set-up.

    def talk(self, port: Port, camera: str = "") -> Any:
        """A publisher that is silent while the node is not active."""
        return self.intake.talk(port, self.create_lifecycle_publisher, camera)

    def start(self) -> None:
        """After the publishers are made: health, services, the worker."""
        self.report = Reporter(
            self, lambda: self.verdict, lambda: self.conditions.latched, self.intake.errors
        )
        self._idle("starting" if self.autostart else "unconfigured", coming=self.autostart)
        self._jump = self.get_clock().create_jump_callback(
            JumpThreshold(
                min_forward=Duration(seconds=_JUMP_FORWARD_S),
                min_backward=Duration(nanoseconds=-1),
                on_clock_change=False,
            ),
            post_callback=self._jumped,
        )
        self.create_timer(BEAT_S, self._beat, clock=Clock(clock_type=ClockType.STEADY_TIME))
        self.create_service(Trigger, "~/clear_fault", self._clear_fault)
        self._worker.start()

    def close(self) -> None:
        """Say the last words and end the worker; afterwards nothing is published."""
        if self._worker.is_alive() and self.phase is not Phase.FINALIZED and self.context.ok():
            said = threading.Event()
            self._inbox.flush()
            self.in_worker(self.trigger_shutdown)
            self.in_worker(said.set)
            said.wait(_LAST_WORDS_S)
        self._inbox.close()
        if self._worker.is_alive():
            self._worker.join(timeout=_LAST_WORDS_S)

    def now_ns(self) -> int:
        return int(self.get_clock().now().nanoseconds)

    @property
    def config(self) -> Config:
        """The settings as they are now."""
        return self._settings.config

    @property
    def active(self) -> bool:
        return self.phase is Phase.ACTIVE

    @property
    def verdict(self) -> Condition:
        """What the node as a whole is worth now."""
        stage = self.stage
        own = self.conditions.worst()
        return own if stage is None else worst([own, stage.conditions.worst()])

    @property
    def drops(self) -> Mapping[str, int]:
        stage = self.stage
        return {**(stage.drops if stage else {}), **self._drops, **self.intake.drops}

    # The transitions, in the worker.

    def on_configure(self, state: Any) -> Any:
        if not self._failed:
            self._idle("loading models and files", coming=True)
        self._failed = True
        try:
            self.stage = self.make()
        except (InputError, ConfigError) as error:
            again = f": trying again in {RETRY_S:g} s" if self.autostart else ""
            self.conditions.set("life", State.UNKNOWN, f"not configured: {error}{again}")
            self.report.update(self.drops)
            return Result.FAILURE
        except Exception as error:
            self._defect(error, None)
            return Result.ERROR
        self._failed = False
        self._idle("inactive", coming=self.autostart)
        return super().on_configure(state)

    def on_deactivate(self, state: Any) -> Any:
        self._leave("deactivated")
        self._idle("inactive")
        return super().on_deactivate(state)

    def on_cleanup(self, state: Any) -> Any:
        self.stage = None
        self._idle("unconfigured")
        return super().on_cleanup(state)

    def on_shutdown(self, state: Any) -> Any:
        if self.active:
            self._leave("shut down")
        self._idle("shut down")
        return super().on_shutdown(state)

    def on_error(self, state: Any) -> Any:
        self.stage = None
        return super().on_error(state)

    def _leave(self, how: str) -> None:
        reason = f"{self.get_fully_qualified_name()} was {how}: nothing is looked at"

        def leave() -> None:
            if self.stage is not None:
                self.stage.reset("deactivations")
            self.farewell(reason)

        self._guarded(leave, None)

    def _idle(self, what: str, *, coming: bool = False) -> None:
        """Say where in its life the node is; coming: it will work by itself, in a while."""
        remedy = "configure and activate it, by a lifecycle manager or ros2 lifecycle set"
        if what == "shut down":
            remedy = "start it again"
        reason = what if coming else f"{what}: nothing is looked at: {remedy}"
        self.conditions.set("life", State.BUILDING if coming else State.UNKNOWN, reason)
        self.report.update(self.drops)

    # In the executor's thread.

    def settle(self) -> None:
        """Subscribe when active; else leave the topics and forget what waits."""
        if self.active and not self.intake.open:
            self.connect()
            self.intake.check(self.config.intake)  # what is silent so far, before all looks well
            self.conditions.clear("life")
        elif not self.active and self.intake.open:
            self.intake.leave()
            self._inbox.flush(keep=_CALL)
        self.report.publish(self.drops)

    @property
    def _configured(self) -> bool:
        return self.stage is not None or bool(self.changing)

    def _adjust(self, config: Config) -> None:
        self.in_worker(lambda: self.stage.adjust(config) if self.stage else None)

    def in_worker(self, call: Callable[[], Any]) -> None:
        self._inbox.put(_CALL, call, capacity=1000)

    def _jumped(self, jump: Any) -> None:
        if jump.delta.nanoseconds >= self.now_ns():  # from zero: simulated time begins
            return
        self._inbox.flush(keep=_CALL)
        self._inbox.put(_RESET, None)

    def _beat(self) -> None:
        self._guarded(self._look_after, None)
        self.intake.hearing.require()

    def _look_after(self) -> None:
        self.intake.check(self.config.intake)
        self._check_worker()
        self.report.values = self.figures()
        self.report.beat(self.drops)

    def _check_worker(self) -> None:
        """A worker that hangs in one message: health, from this thread, would look well."""
        busy = self._busy
        busy_s = 0.0 if busy is None else time.monotonic() - busy[0]
        if busy is None or busy_s * 1e3 < self.config.intake.input_timeout_ms:
            self.conditions.clear("worker")
            return
        self.conditions.set(
            "worker",
            State.UNKNOWN,
            f"{self.named(busy[1])}: one message has been worked on for {busy_s:.1f} s: lighten "
            "the load; if it hangs, restart the node and report it",
        )

    def _clear_fault(self, request: Any, response: Any) -> Any:
        self.conditions.clear_latched()
        verdict = self.verdict
        response.success, response.message = True, verdict.reason or verdict.state.name
        return response

    # In the worker, if nothing else is said.

    def _work(self) -> None:
        while not self._inbox.closed:
            item = self._inbox.get(_TICK_S)
            if item is not None and item.key == _CALL:
                self._guarded(item.message, None)
            elif item is not None and self.active:
                self._busy = time.monotonic(), item.key
                self._guarded(lambda: self._handle(item.key, item.message), item.message)  # noqa: B023
                self._busy = None
            if self.active:
                self._guarded(self._after, None)

    def _handle(self, key: str, message: Any) -> None:
        if key == _RESET:
            assert self.stage is not None
            self.stage.reset()
        else:
            self.intake.work(key, message, self.config.intake)

    def _after(self) -> None:
        self.tick()
        self.report.update(self.drops)

    def _guarded(self, action: Callable[[], None], message: Any) -> None:
        """A defect of ours must not end the node, nor pass unseen: it is latched as FAULT. In any
        thread."""
        try:
            action()
        except Exception as error:
            if not self.context.ok():
                self._inbox.close()  # the process is ending: publishing is over
                return
            self._defect(error, message)

    def _defect(self, error: Exception, message: Any) -> None:
        reason = f"{type(error).__name__}: {error}: report it with the log; ~/clear_fault"
        self.get_logger().error(traceback.format_exc())
        self._drops["faults"] += 1
        self.conditions.latch("fault", State.FAULT, reason)
        try:
            self.fault(message, reason)
        except Exception:
            self.get_logger().error(traceback.format_exc())
