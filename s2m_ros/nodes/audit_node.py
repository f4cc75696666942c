"""Writes the audit store: what the other nodes publish, as the bytes that came.

Nothing is deserialised here but the hazards, which say what is worth keeping. ``~/keep`` is the
operator's button.
"""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any

from rcl_interfaces.msg import ParameterDescriptor
from rclpy.clock import Clock, ClockType
from rclpy.node import Node
from std_srvs.srv import Trigger

from s2m_ros.config import Config, ConfigError
from s2m_ros.nodes import ports
from s2m_ros.nodes.executing import run
from s2m_ros.nodes.factory import message_type
from s2m_ros.nodes.graph import AUDIT_SETTINGS
from s2m_ros.nodes.parameters import Settings
from s2m_ros.nodes.ports import Port
from s2m_ros.nodes.qos import profile
from s2m_ros.nodes.reporting import BEAT_S, Reporter
from s2m_ros.nodes.seams.qos_events import losses
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.store.feed import RawFeed
from s2m_ros.store.layout import about
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import InputError

_EACH_CAMERA = (ports.MASKS, ports.SCORE_PICTURE, ports.CANDIDATES, ports.CAMERA_INFO)
_ONCE = (
    ports.OBJECTS, ports.TRACKS, ports.HAZARDS, ports.MARKERS, ports.HEALTH, ports.TF_STATIC,
)  # fmt: skip
_INPUTS = (ports.POINTS, ports.ODOM, ports.TF)


class AuditNode(Node):
    def __init__(self, **options: Any) -> None:
        super().__init__("audit", **options)
        config = Settings(self, AUDIT_SETTINGS, lambda: True, lambda config: None).config
        said = self.declare_parameter(
            "described",
            "",
            ParameterDescriptor(description="Settings of all nodes, JSON", read_only=True),
        ).value
        settings = config.audit
        if not settings.folder:
            raise ConfigError("audit.folder: is empty: name the folder of the store")
        self._writer = StoreWriter(Path(settings.folder).expanduser(), settings, _about(said))
        self._writer.__enter__()
        self._feed = RawFeed(self._writer, settings)
        compressed = config.intake.transport == "compressed"
        image = ports.COMPRESSED if compressed else ports.IMAGE
        for camera in config.cameras:
            for port in _EACH_CAMERA:
                self._listen(port, port.topic(camera), camera)
            if settings.picture_width or settings.inputs:
                self._listen(image, image.topic(camera), camera)
        for port in (*_ONCE, *(_INPUTS if settings.inputs else ())):
            self._listen(port, port.topic())
        self.create_service(Trigger, "~/keep", self._keep)
        self._report = Reporter(self, lambda: self._verdict)
        steady = Clock(clock_type=ClockType.STEADY_TIME)
        self.create_timer(BEAT_S, self._beat, clock=steady)

    def close(self) -> None:
        """Write what waits, and close the file."""
        self._writer.__exit__(None, None, None)

    @property
    def _verdict(self) -> Condition:
        """A store that fails never makes the vehicle worse than DEGRADED."""
        return self._writer.condition

    def _listen(self, port: Port, topic: str, camera: str = "") -> None:
        try:
            kind = message_type(port.kind)
        except ModuleNotFoundError as error:  # tf2_msgs is no part of the wheels
            self.get_logger().warning(f"{topic} is not stored: {error}")
            return
        file = partial(self._file, topic, port.kind, camera)
        self.create_subscription(
            kind, topic, file, profile(port.qos), event_callbacks=losses(), raw=True
        )

    def _file(self, topic: str, kind: str, camera: str, data: bytes) -> None:
        now_ns = int(self.get_clock().now().nanoseconds)
        self._feed.take(topic, kind, camera, bytes(data), now_ns)

    def _keep(self, request: Any, response: Any) -> Any:
        now_ns = int(self.get_clock().now().nanoseconds)
        response.success = self._writer.keep(now_ns, "operator")
        response.message = self._verdict.reason or f"kept around {now_ns * 1e-9:.1f} s"
        return response

    def _beat(self) -> None:
        self._report.values = {
            "written_mb": f"{self._writer.bytes_written / 1e6:.1f}",
            "busy_s": f"{self._writer.busy_s:.1f}",
        }
        self._report.beat(self._writer.drops)


def _about(settings: str) -> dict[str, str]:
    """What the store says of the vehicle; what cannot be read of it is said instead."""
    config = Config.model_validate_json(settings) if settings else Config()
    try:
        return about(config, mode="live")
    except (InputError, ConfigError) as error:
        return {"mode": "live", "incomplete": str(error)}


def main(args: list[str] | None = None) -> None:
    run([AuditNode], args)


if __name__ == "__main__":
    main()
