"""Play a bag through the nodes over DDS at recorded speed, and record what they say.

The nodes are the processes that ``s2m up`` starts, in a ROS domain of their own. Messages go out as
the bytes that the bag holds, on simulated time; or stamped anew, on the machine's own time, as on
the vehicle. Outputs are recorded as they arrive, on the same clock, so that latencies can be read
from the recording alone.
"""

from __future__ import annotations

import contextlib
import importlib
import os
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from s2m_ros.audit.inputs import Inputs
from s2m_ros.audit.status import Status
from s2m_ros.bags import BagReader, BagWriter
from s2m_ros.nodes import ports
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.nodes.processes import Processes
from s2m_ros.wire import topics
from s2m_ros.wire.cdr import header_stamp_ns, marker_stamp_ns, with_header_stamp
from s2m_ros.wire.health import decode_health

START_LIMIT_S = 60.0
DRAIN_LIMIT_S = 10.0
DRAIN_QUIET_S = 1.5
CLOCK_PERIOD_S = 0.02
"""Every message of the clock costs each node about a millisecond of processor time."""

_STEP_S = 0.01
LAG_LIMIT_S = 60.0
# Topics that say nothing about the drive.
_NOISE = {"/parameter_events", "/rosout", "/clock", f"/{topics.PULSE}"}
_TRANSFORMS = "tf2_msgs/msg/TFMessage"  # an array, whose stamps are not at its beginning


class ReplayError(RuntimeError):
    """The nodes did not come up, or died. The message says which and where their log is."""


@dataclass(frozen=True, slots=True)
class Played:
    """What was sent and what came. late_ms: how far the player itself lagged, 95 % of messages.

    left_out: input topics that could not be published here, with the reason; zero_ns: time of the
    start on the clock of the recording; images: stamps of the images as they were sent, in order.
    """

    sent: Mapping[str, int]
    received: Mapping[str, int]
    late_ms: float
    startup_s: float
    left_out: Mapping[str, str]
    zero_ns: int
    images: tuple[int, ...]


def play(
    bag: BagReader,
    inputs: Inputs,
    outputs: Path,
    logs: Path,
    *,
    rate: float = 1.0,
    status: Status = lambda what, share: None,
    specs: Sequence[NodeSpec] | None = None,
    respawn_delay_s: float | None = None,
    meddle: Callable[[Processes, int], None] = lambda nodes, since_ns: None,
    restamp: bool = False,
    record: Collection[str] | None = None,
) -> Played:
    """Start the nodes, play ``bag``, record their outputs as the bag ``outputs``, end the nodes.

    Each node's output goes to ``logs``/NODE.log. status(what, share done) is called often.
    specs: the nodes, if not those of the graph; respawn_delay_s: start those again that die, which
    is an error without it; meddle(nodes, nanoseconds since the start) is called five times a second
    while messages are played; restamp: the messages carry the time at which they are sent, and no
    clock is published; record: these output topics instead of all. The nodes are always ended.
    Raises ReplayError; ImportError where ROS 2 is not installed.
    """
    # Here, before rclpy reads it; the nodes inherit it.
    environment = dds_environment()
    os.environ.update(environment)
    specs = graph(inputs.config, use_sim_time=not restamp) if specs is None else specs
    logs.mkdir(parents=True, exist_ok=True)
    with contextlib.ExitStack() as stack:
        files = {s.name: stack.enter_context((logs / f"{s.name}.log").open("w")) for s in specs}

        def report(name: str, line: str) -> None:
            files[name].write(line + "\n")
            files[name].flush()

        recorder = stack.enter_context(BagWriter(outputs, compress=False, overwrite=True))
        clock = _WallClock(bag.start_ns, rate) if restamp else _BagClock(bag.start_ns, rate)
        session = stack.enter_context(_Session(bag, inputs, recorder, clock, record))
        nodes = stack.enter_context(
            Processes(specs, report, respawn_delay_s=respawn_delay_s, environment=environment)
        )

        def check() -> None:
            nodes.poll()
            if session.since_ns is not None:
                meddle(nodes, session.since_ns)
            for name, codes in nodes.exits.items():
                if codes and respawn_delay_s is None:
                    raise ReplayError(_died(name, codes[-1], logs / f"{name}.log"))

        begun = time.monotonic()
        session.wait_until_ready({s.name for s in specs}, check, status)
        startup_s = time.monotonic() - begun
        session.play(check, status)
        session.drain(check, status)
        return Played(
            dict(session.sent),
            dict(recorder.counts),
            session.late_ms,
            startup_s,
            session.left_out,
            clock.zero_ns,
            session.images,
        )


def dds_environment() -> dict[str, str]:
    """A ROS domain that nobody uses, on this machine only, with shared memory for images.

    Sockets are bound to loopback, unless a site has set a profile of its own for Fast DDS.
    """
    environment = {
        "ROS_DOMAIN_ID": str(_free_domain()),
        "ROS_AUTOMATIC_DISCOVERY_RANGE": "LOCALHOST",
    }
    ours = Path(__file__).resolve().parents[2] / "launch" / "config" / "fastdds.xml"
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        given = Path(os.environ.get(name) or ours)
        loopback = given.with_name("fastdds_loopback.xml")
        if given.name == ours.name and loopback.is_file():
            environment[name] = str(loopback)
    return environment


def _free_domain() -> int:
    """A domain whose first participant's discovery port (RTPS: 7410 + 250 d) nobody holds."""
    first = os.getpid() % 70
    for domain in (30 + (first + i) % 70 for i in range(70)):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as probe:
            try:
                probe.bind(("127.0.0.1", 7410 + 250 * domain))
            except OSError:
                continue
            return domain
    return 30 + first


def message_class(kind: str) -> Any | None:
    """The rclpy class of 'sensor_msgs/msg/Image', or None when its package is not installed."""
    package, _, name = kind.split("/")
    try:
        return getattr(importlib.import_module(f"{package}.msg"), name, None)
    except ImportError:
        return None


@dataclass
class _BagClock:
    """The bag's clock: stands at the start until the player lets it run."""

    start_ns: int
    rate: float
    begun_s: float | None = None
    simulated = True

    @property
    def zero_ns(self) -> int:
        """What it shows at the start of the drive."""
        return self.start_ns

    def start(self) -> None:
        self.begun_s = time.monotonic()

    def now_ns(self) -> int:
        if self.begun_s is None:
            return self.start_ns
        return self.start_ns + int((time.monotonic() - self.begun_s) * self.rate * 1e9)

    def due_s(self, stamp_ns: int) -> float:
        assert self.begun_s is not None
        return self.begun_s + (stamp_ns - self.start_ns) * 1e-9 / self.rate

    def stamped(self, data: bytes, kind: str) -> bytes:
        """A message as it is sent."""
        return data


@dataclass
class _WallClock(_BagClock):
    """The machine's clock. What is sent carries its time, apart from static transforms."""

    wall_ns: int = 0
    simulated = False

    def start(self) -> None:
        super().start()
        self.wall_ns = time.time_ns()

    @property
    def zero_ns(self) -> int:
        return self.wall_ns

    def now_ns(self) -> int:
        return time.time_ns()

    def stamped(self, data: bytes, kind: str) -> bytes:
        if kind == _TRANSFORMS:
            return data
        since_ns = (header_stamp_ns(data) - self.start_ns) / self.rate
        return with_header_stamp(data, self.wall_ns + round(since_ns))


@dataclass
class _Heard:
    """What is known of the drive and of the nodes' answers so far.

    played, answered: stamps of the images; last_s: when the newest answer came; end_ns: time of
    the last message of the bag, once it is played.
    """

    health: dict[str, int] = field(default_factory=dict)
    played: set[int] = field(default_factory=set)
    answered: set[tuple[str, int]] = field(default_factory=set)
    last_s: float = 0.0
    end_ns: int | None = None


class _Session:
    """One ROS context that plays the inputs and records the outputs."""

    def __init__(
        self,
        bag: BagReader,
        inputs: Inputs,
        recorder: BagWriter,
        clock: _BagClock,
        record: Collection[str] | None,
    ) -> None:
        import rclpy
        from rclpy.executors import SingleThreadedExecutor

        self._rclpy = rclpy
        self._bag = bag
        self._inputs = inputs
        self._recorder = recorder
        self._lock = threading.Lock()
        self._clock = clock
        self._wanted_outputs = record
        self._heard = _Heard()
        self._late_s: list[float] = []
        self._ticked_s = 0.0
        self.sent: Counter[str] = Counter()
        self.left_out: dict[str, str] = {}
        self._context = rclpy.Context()
        rclpy.init(context=self._context, domain_id=int(os.environ["ROS_DOMAIN_ID"]))
        self._node = rclpy.create_node("s2m_replay", context=self._context)
        self._executor = SingleThreadedExecutor(context=self._context)
        self._executor.add_node(self._node)
        self._publishers = dict(self._make_publishers())
        self._clock_publisher = self._make_clock()
        # Nobody reads in a recording what is made for the audit store, at the nodes' expense.
        cameras = inputs.config.cameras
        audit = {f"/{port.topic(camera)}" for port in ports.FOR_AUDIT for camera in cameras}
        self._left_alone = _NOISE | audit | inputs.topics
        self._subscribed: set[str] = set()
        self._node.create_timer(0.2, self._subscribe_new)
        self._failure: Exception | None = None
        self._thread = threading.Thread(target=self._spin, daemon=True)

    def __enter__(self) -> _Session:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._executor.shutdown(timeout_sec=2.0)
        with contextlib.suppress(Exception):  # whatever is left goes with the context
            self._node.destroy_node()
        self._rclpy.shutdown(context=self._context, uninstall_handlers=False)
        self._thread.join(timeout=2.0)

    @property
    def since_ns(self) -> int | None:
        """Time on the bag's clock since it began to run."""
        begun = self._clock.begun_s is not None
        return self._clock.now_ns() - self._clock.zero_ns if begun else None

    @property
    def images(self) -> tuple[int, ...]:
        """Stamps of the images that were sent."""
        return tuple(sorted(self._heard.played))

    @property
    def late_ms(self) -> float:
        ordered = sorted(self._late_s)
        return 1e3 * ordered[int(0.95 * (len(ordered) - 1))] if ordered else 0.0

    def wait_until_ready(self, names: set[str], check: Callable[[], None], status: Status) -> None:
        """Every input that a node wants is connected, every node is up and past building."""
        begun = time.monotonic()
        while missing := self._missing(names):
            waited = time.monotonic() - begun
            if waited > START_LIMIT_S:
                raise ReplayError(f"the nodes were not ready after {waited:.0f} s: {missing}")
            check()
            status(f"starting the nodes ({missing})", 0.0)
            self._tick()
            time.sleep(0.05)

    def play(self, check: Callable[[], None], status: Status) -> None:
        """Publish every message at its time of recording."""
        self._clock.start()
        duration = max(1, self._bag.duration_ns)
        checked = 0.0
        images = set(self._inputs.images.values())
        for message in self._bag.messages(self._inputs.topics - self.left_out.keys()):
            due_s = self._clock.due_s(message.stamp_ns)
            while (wait_s := due_s - time.monotonic()) > 0:
                self._tick()
                time.sleep(min(wait_s, _STEP_S))
            self._late_s.append(-wait_s)
            if -wait_s > LAG_LIMIT_S:
                raise ReplayError(
                    f"the player lags {-wait_s:.0f} s behind: play slower with --rate"
                )
            self._tick()
            data = self._clock.stamped(message.data, message.type)
            if message.topic in images:
                self._heard.played.add(header_stamp_ns(data))
            self._publishers[message.topic].publish(data)
            self.sent[message.topic] += 1
            if time.monotonic() - checked > 0.2:
                checked = time.monotonic()
                check()
                status("playing", (message.stamp_ns - self._bag.start_ns) / duration)
        self._heard.end_ns = self._clock.now_ns()

    def drain(self, check: Callable[[], None], status: Status) -> None:
        """Wait until the nodes have said nothing new of what was played for a while."""
        begun = time.monotonic()
        while time.monotonic() - begun < DRAIN_LIMIT_S:
            if time.monotonic() - max(self._heard.last_s, begun) > DRAIN_QUIET_S:
                return
            self._tick()
            check()
            status("waiting for the last results", 1.0)
            time.sleep(_STEP_S)

    def _missing(self, names: set[str]) -> str:
        silent = sorted(names - self._heard.health.keys())
        if silent:
            return f"no sign of {', '.join(silent)}"
        building = sorted(n for n, state in self._heard.health.items() if state == 1)
        if building:
            return f"{', '.join(building)} loading"
        deaf = [n for n in self._wanted() if self._publishers[n].get_subscription_count() == 0]
        if deaf:
            return f"nobody listens to {', '.join(deaf)}"
        absent = {"/" + topics.HAZARDS, "/" + topics.OBJECTS} - self._subscribed
        return f"nobody publishes {', '.join(sorted(absent))}" if absent else ""

    def _wanted(self) -> list[str]:
        return [
            n for n in self._publishers if n not in (topics.TF, topics.TF_STATIC)
        ]  # without tf2 nobody may listen to those

    def _tick(self) -> None:
        """Publish the clock, when it is due. Raises ReplayError when recording has ended."""
        if self._failure is not None:
            raise ReplayError(
                f"what the nodes say is no longer recorded: {self._failure!r}: report it"
            ) from self._failure
        now_s = time.monotonic()
        if not self._clock.simulated or now_s - self._ticked_s < CLOCK_PERIOD_S:
            return
        self._ticked_s = now_s
        message = self._clock_publisher[1]()
        message.clock.sec, message.clock.nanosec = divmod(self._clock.now_ns(), 1_000_000_000)
        self._clock_publisher[0].publish(message)

    def _make_clock(self) -> tuple[Any, Any]:
        from rclpy.qos import qos_profile_sensor_data
        from rosgraph_msgs.msg import Clock

        return self._node.create_publisher(Clock, topics.CLOCK, qos_profile_sensor_data), Clock

    def _make_publishers(self) -> Iterator[tuple[str, Any]]:
        from rclpy.qos import DurabilityPolicy, QoSProfile

        for topic in self._bag.topics:
            if topic.name not in self._inputs.topics:
                continue
            kind = message_class(topic.type)
            if kind is None:
                self.left_out[topic.name] = f"{topic.type} is not installed here"
                continue
            qos = QoSProfile(depth=10)
            if topic.latched:
                qos.durability = DurabilityPolicy.TRANSIENT_LOCAL
            yield topic.name, self._node.create_publisher(kind, topic.name, qos)

    def _subscribe_new(self) -> None:
        """Record every topic that appears and says something, as its publisher offers it."""
        from rclpy.qos import QoSProfile

        for name, kinds in self._node.get_topic_names_and_types():
            if name in self._subscribed or name in self._left_alone:
                continue
            if self._wanted_outputs is not None and name not in self._wanted_outputs:
                continue
            offers = [
                o
                for o in self._node.get_publishers_info_by_topic(name)
                if o.node_name != self._node.get_name()
            ]
            kind = message_class(kinds[0])
            if not offers or kind is None:
                continue
            qos = QoSProfile(
                depth=200,
                reliability=offers[0].qos_profile.reliability,
                durability=offers[0].qos_profile.durability,
            )
            with self._lock:
                self._recorder.add(name, kinds[0])
            self._node.create_subscription(kind, name, self._record(name), qos, raw=True)
            self._subscribed.add(name)

    def _record(self, name: str) -> Callable[[bytes], None]:
        bare = name.strip("/")
        is_health = bare == topics.HEALTH
        stamp_of = marker_stamp_ns if bare == topics.MARKERS else header_stamp_ns
        has_stamp = bare.startswith("s2m/") and not is_health

        def callback(data: bytes) -> None:
            logged_ns = self._clock.now_ns()
            if is_health:
                self._note_health(data)
            if self._clock.begun_s is None:
                return  # before the drive: about the start-up, kept in the logs
            if has_stamp and (stamp := stamp_of(data)) in self._heard.played:
                if (name, stamp) not in self._heard.answered:
                    self._heard.answered.add((name, stamp))
                    self._heard.last_s = time.monotonic()
            elif self._is_over(logged_ns):
                return  # that the inputs have fallen silent says nothing of the drive
            with self._lock:
                self._recorder.write(name, data, logged_ns)

        return callback

    def _is_over(self, logged_ns: int) -> bool:
        end_ns = self._heard.end_ns
        silence_ns = 0.5e6 * self._inputs.config.intake.input_timeout_ms
        return end_ns is not None and logged_ns > end_ns + silence_ns

    def _note_health(self, data: bytes) -> None:
        from rclpy.serialization import deserialize_message
        from s2m_msgs.msg import Health

        health = decode_health(deserialize_message(data, Health))
        self._heard.health[health.node.strip("/")] = int(health.state)

    def _spin(self) -> None:
        from rclpy.executors import ExternalShutdownException

        try:
            with contextlib.suppress(ExternalShutdownException):
                self._executor.spin()
        except Exception as error:
            self._failure = error


def _died(name: str, code: int, log: Path) -> str:
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    last = next(
        (line for line in reversed(lines) if line and "ended with" not in line), "no output"
    )
    return f"node {name} ended with code {code} ({last}): see {log}"
