"""A test bench over the real middleware: nodes as processes, topics to and from them.

Every wait has a limit, and its failure shows what the nodes printed.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import rclpy
from rclpy.executors import SingleThreadedExecutor
from rclpy.qos import QoSProfile

from s2m_ros.nodes.factory import RclpyFactory, message_type
from s2m_ros.nodes.graph import NodeSpec
from s2m_ros.nodes.qos import reliable_qos, sensor_qos
from s2m_ros.types import State
from s2m_ros.wire import topics

LIMIT_S = 60.0
LEASE_S = 30.0  # longer than Fast DDS keeps a participant of which it hears nothing
# Settings under which a machine that is busy with other things is no finding.
PATIENT = {
    "intake.max_age_ms": 20_000.0,
    "intake.frozen_ms": 0.0,  # the picture of a test is always the same
    "intake.input_timeout_ms": 3_000.0,
    "fusion.pairing.max_difference_ms": 90.0,
}


class Participant:
    """This process in the middleware: one for all tests, for making and ending them takes time."""

    def __init__(self, domain: int) -> None:
        self.domain = domain
        self.context = rclpy.Context()
        rclpy.init(context=self.context, domain_id=domain)
        self.node = rclpy.create_node(f"bench_{os.getpid()}", context=self.context)
        self.executor = SingleThreadedExecutor(context=self.context)
        self.executor.add_node(self.node)

    def close(self) -> None:
        self.executor.shutdown()
        self.node.destroy_node()
        rclpy.shutdown(context=self.context)


class Bench:
    """What one test starts, publishes and hears. Use as a context manager.

    Relative topics are those of ``namespace``.
    """

    def __init__(self, participant: Participant, folder: Path) -> None:
        self.factory = RclpyFactory()
        self.node = participant.node
        self.namespace = ""
        self._executor = participant.executor
        self._domain = participant.domain
        self._folder = folder
        self._ended: set[int] = set()
        self._processes: list[tuple[subprocess.Popen[bytes], Path]] = []
        self._publishers: list[Any] = []
        self._subscriptions: list[Any] = []

    def __enter__(self) -> Bench:
        return self

    def __exit__(self, *_: object) -> None:
        for process, _log in self._processes:
            _end_or_kill(process)
        self._await_departures()
        for publisher in self._publishers:
            self.node.destroy_publisher(publisher)
        for subscription in self._subscriptions:
            self.node.destroy_subscription(subscription)

    def _await_departures(self) -> None:
        """A node that was killed stays in the graph until its lease ends, some 20 s, and takes the
        calls of services that are meant for its successor of the same name."""
        end = time.monotonic() + LEASE_S
        while len(self.node.get_node_names()) > 1 and time.monotonic() < end:
            self.spin(0.05)

    # Nodes.

    def start(self, spec: NodeSpec) -> subprocess.Popen[bytes]:
        return self.run(spec.command())

    def run(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        log = self._folder / f"node_{len(self._processes)}.log"
        environment = {
            **os.environ,
            "ROS_DOMAIN_ID": str(self._domain),
            "PYTHONFAULTHANDLER": "1",
            "OMP_NUM_THREADS": "1",
        }
        with log.open("wb") as stream:
            process = subprocess.Popen(
                command, stdout=stream, stderr=subprocess.STDOUT, env=environment
            )
        self._processes.append((process, log))
        return process

    def script(self, code: str, spec: NodeSpec) -> subprocess.Popen[bytes]:
        """A node started by a script of its own, with the arguments of a spec."""
        return self.run([sys.executable, "-c", code, *spec.ros_arguments()])

    def end(self, process: subprocess.Popen[bytes], number: int = signal.SIGINT) -> str:
        """End a node by a signal; its exit code must be 0. Returns what it printed."""
        self._ended.add(process.pid)
        process.send_signal(number)
        try:
            code = process.wait(15)
        except subprocess.TimeoutExpired:
            process.send_signal(signal.SIGABRT)  # faulthandler prints every thread
            process.wait(10)
            raise AssertionError(f"the node did not end:\n{self.logs()}") from None
        assert code == 0, f"exit code {code}:\n{self.logs()}"
        return self.logs()

    def lose(self, process: subprocess.Popen[bytes]) -> None:
        """A node dies, as by SIGKILL."""
        self._ended.add(process.pid)
        process.kill()
        process.wait(10)

    def logs(self) -> str:
        return "\n".join(log.read_text(errors="replace") for _, log in self._processes)

    # Topics.

    def publisher(self, kind: str, topic: str, qos: QoSProfile | None = None) -> Any:
        publisher = self.node.create_publisher(
            message_type(kind), self._named(topic), qos or sensor_qos(5)
        )
        self._publishers.append(publisher)
        return publisher

    def collect(self, kind: str, topic: str, qos: QoSProfile | None = None) -> list[Any]:
        """All messages of a topic from now on, as a growing list."""
        got: list[Any] = []
        subscription = self.node.create_subscription(
            message_type(kind), self._named(topic), got.append, qos or reliable_qos(100)
        )
        self._subscriptions.append(subscription)
        return got

    def _named(self, topic: str) -> str:
        return topic if topic.startswith("/") else f"{self.namespace}/{topic}"

    def now_ns(self) -> int:
        return int(self.node.get_clock().now().nanoseconds)

    def spin(self, seconds: float) -> None:
        end = time.monotonic() + seconds
        while (left := end - time.monotonic()) > 0:
            self._executor.spin_once(timeout_sec=left)

    def until(
        self,
        found: Callable[[], Any],
        what: str,
        meanwhile: Callable[[], None] | None = None,
        period_s: float = 0.2,
    ) -> Any:
        """Spin, doing ``meanwhile`` each period, until ``found`` gives something true."""
        end = time.monotonic() + LIMIT_S
        due = 0.0
        while time.monotonic() < end:
            if meanwhile is not None and time.monotonic() >= due:
                meanwhile()
                due = time.monotonic() + period_s
            self._executor.spin_once(timeout_sec=0.02)
            if result := found():
                return result
            if any(p.poll() is not None and p.pid not in self._ended for p, _ in self._processes):
                break  # a node died: no use to wait
        raise AssertionError(f"{what} did not come within {LIMIT_S:g} s:\n{self.logs()}")


def _end_or_kill(process: subprocess.Popen[bytes]) -> None:
    if process.poll() is not None:
        return
    process.send_signal(signal.SIGINT)
    try:
        process.wait(5)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait(10)


class Watch:
    """The state of outputs and health, to wait for."""

    def __init__(self, bench: Bench, kind: str = "", topic: str = "") -> None:
        self.bench = bench
        self.outputs = bench.collect(kind, topic) if topic else []
        self.health = bench.collect("s2m_msgs/msg/Health", topics.HEALTH)
        self.diagnostics = bench.collect("diagnostic_msgs/msg/DiagnosticArray", topics.DIAGNOSTICS)

    def output(
        self, state: State, reason: str = "", meanwhile: Callable[[], None] | None = None
    ) -> Any:
        """The next output in a state whose reason has this text."""
        return self._next(self.outputs, "output", state, reason, meanwhile)

    def healthy(
        self, state: State, reason: str = "", meanwhile: Callable[[], None] | None = None
    ) -> Any:
        """The next Health in a state whose reason has this text."""
        return self._next(self.health, "health", state, reason, meanwhile)

    def value(self, name: str, meanwhile: Callable[[], None] | None = None) -> str:
        """The next value of this name in the diagnostics."""
        start = len(self.diagnostics)

        def find() -> str:
            for array in self.diagnostics[start:]:
                for pair in array.status[0].values:
                    if pair.key == name:
                        return str(pair.value)
            return ""

        return str(self.bench.until(find, f"diagnostic value {name!r}", meanwhile))

    def _next(
        self,
        got: list[Any],
        what: str,
        state: State,
        reason: str,
        meanwhile: Callable[[], None] | None,
    ) -> Any:
        start = len(got)
        try:
            return self.bench.until(
                lambda: next(
                    (m for m in got[start:] if m.state == state and reason in m.reason), None
                ),
                f"{what} {state.name} '{reason}'",
                meanwhile,
            )
        except AssertionError as error:
            seen = {f"{State(m.state).name}: {m.reason}" for m in got[start:]}
            raise AssertionError(f"{error}\nseen instead: {sorted(seen)}") from None
