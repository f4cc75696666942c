"""The topics of each node, with type and QoS: what the nodes open and what docs/topics.md lists.

Imports no ROS package. QoS: best effort towards sensors, which matches every publisher; reliable
between and out of our nodes.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from s2m_ros.wire import topics


@dataclass(frozen=True)
class Qos:
    """History is always KEEP_LAST; latched: TRANSIENT_LOCAL, else VOLATILE."""

    depth: int
    reliable: bool = True
    latched: bool = False


@dataclass(frozen=True)
class Port:
    """One topic, relative to the namespace; of some there is one a camera."""

    name: str | Callable[[str], str]
    kind: str
    qos: Qos
    meaning: str

    def topic(self, camera: str = "") -> str:
        return self.name if isinstance(self.name, str) else self.name(camera)


def _compressed(camera: str) -> str:
    return topics.image(camera, "compressed")


IMAGE = Port(topics.image, "sensor_msgs/msg/Image", Qos(1, reliable=False), "Pictures")
COMPRESSED = Port(
    _compressed,
    "sensor_msgs/msg/CompressedImage",
    Qos(1, reliable=False),
    "Pictures in place of the raw ones (`intake.transport: compressed`)",
)
CAMERA_INFO = Port(
    topics.camera_info,
    "sensor_msgs/msg/CameraInfo",
    Qos(1, reliable=False),
    "Intrinsics, unless the calibration file has them",
)
POINTS = Port(
    topics.POINTS, "sensor_msgs/msg/PointCloud2", Qos(4, reliable=False), "Sweeps of the LiDAR"
)
ODOM = Port(topics.ODOM, "nav_msgs/msg/Odometry", Qos(50, reliable=False), "Motion of the vehicle")
TF = Port(topics.TF, "tf2_msgs/msg/TFMessage", Qos(100), "Extrinsics, and the map of the zones")
TF_STATIC = Port(topics.TF_STATIC, TF.kind, Qos(100, latched=True), TF.meaning)
MASKS = Port(
    topics.masks,
    "s2m_msgs/msg/ObjectMaskArray",
    Qos(2),
    "Unknown objects in one picture; empty means clear only while state is OK",
)
SCORE = Port(topics.score, "sensor_msgs/msg/Image", Qos(1), "Anomaly score map, 32FC1")
SCORE_PICTURE = Port(
    topics.score_picture,
    "sensor_msgs/msg/Image",
    Qos(2),
    "Anomaly score map in 255 steps of grey, mono8, for the audit store",
)
CANDIDATES = Port(
    topics.candidates,
    "s2m_msgs/msg/MaskCandidateArray",
    Qos(2),
    "Prompts, and every mask that was weighed and its fate, for the audit store",
)
OVERLAY = Port(
    topics.overlay, "sensor_msgs/msg/CompressedImage", Qos(1), "Picture with the masks drawn in"
)
OBJECTS = Port(topics.OBJECTS, "s2m_msgs/msg/Object3DArray", Qos(5), "Objects of one instant in 3D")
TRACKS = Port(
    topics.TRACKS, "s2m_msgs/msg/TrackArray", Qos(5), "All tracks, tentative ones too, for audits"
)
HAZARDS = Port(
    topics.HAZARDS,
    "s2m_msgs/msg/HazardArray",
    Qos(5),
    "Judged tracks, for the planner; empty means clear only while state is OK",
)
MARKERS = Port(
    topics.MARKERS, "visualization_msgs/msg/MarkerArray", Qos(5), "The hazards for RViz, Foxglove"
)
DETECTIONS = Port(
    topics.DETECTIONS,
    "vision_msgs/msg/Detection3DArray",
    Qos(5),
    "The hazards once more, where vision_msgs is installed",
)
HEALTH = Port(
    topics.HEALTH, "s2m_msgs/msg/Health", Qos(50), "State of each node, five times a second"
)
PULSE = Port(
    topics.PULSE,
    "std_msgs/msg/Empty",
    Qos(1),
    "Twice a second, from the monitor: a node that hears neither this nor any other topic ends, to "
    "be started again",
)
DIAGNOSTICS = Port(
    topics.DIAGNOSTICS, "diagnostic_msgs/msg/DiagnosticArray", Qos(10), "The same with all figures"
)
DEBUG = tuple(
    Port(f"~/debug/{name}", "std_msgs/msg/Float64", Qos(10), meaning)
    for name, meaning in (
        ("processing_time_ms", "Time that the node worked on an output"),
        ("pipeline_latency_ms", "From the stamp of the picture to the output"),
        ("cyclic_time_ms", "From output to output"),
    )
)
STAGE_OUT = (HEALTH, DIAGNOSTICS, *DEBUG)
FOR_AUDIT = (SCORE_PICTURE, CANDIDATES, TRACKS)
"""Made only while somebody listens: it costs the nodes time that the vehicle needs."""


@dataclass(frozen=True)
class Ports:
    """What a node subscribes to and publishes."""

    inputs: tuple[Port, ...]
    outputs: tuple[Port, ...]


PORTS = {
    "camera": Ports(
        (IMAGE, COMPRESSED, PULSE), (MASKS, SCORE, SCORE_PICTURE, CANDIDATES, OVERLAY, *STAGE_OUT)
    ),
    "fusion": Ports(
        (MASKS, CAMERA_INFO, POINTS, ODOM, TF, TF_STATIC, PULSE), (OBJECTS, *STAGE_OUT)
    ),
    "tracker": Ports(
        (OBJECTS, TF, TF_STATIC, PULSE), (HAZARDS, MARKERS, TRACKS, DETECTIONS, *STAGE_OUT)
    ),
    "monitor": Ports((HEALTH,), (HAZARDS, MARKERS, PULSE, *STAGE_OUT)),
    "audit": Ports(
        (
            IMAGE,
            COMPRESSED,
            CAMERA_INFO,
            POINTS,
            ODOM,
            TF,
            TF_STATIC,
            MASKS,
            OBJECTS,
            HAZARDS,
            MARKERS,
            HEALTH,
            *FOR_AUDIT,
        ),
        STAGE_OUT,
    ),
}
