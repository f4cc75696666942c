"""The QoS profiles: best effort towards sensors, reliable between and out of our nodes."""

from __future__ import annotations

from rclpy.qos import DurabilityPolicy, HistoryPolicy, QoSProfile, ReliabilityPolicy

from s2m_ros.nodes.ports import Qos


def profile(qos: Qos) -> QoSProfile:
    """As the table of ports states it."""
    return reliable_qos(qos.depth, qos.latched) if qos.reliable else sensor_qos(qos.depth)


def sensor_qos(depth: int = 1) -> QoSProfile:
    """Matches every publisher of a sensor."""
    return QoSProfile(
        depth=depth, history=HistoryPolicy.KEEP_LAST, reliability=ReliabilityPolicy.BEST_EFFORT
    )


def reliable_qos(depth: int = 1, latched: bool = False) -> QoSProfile:
    durability = DurabilityPolicy.TRANSIENT_LOCAL if latched else DurabilityPolicy.VOLATILE
    return QoSProfile(
        depth=depth,
        history=HistoryPolicy.KEEP_LAST,
        reliability=ReliabilityPolicy.RELIABLE,
        durability=durability,
    )
