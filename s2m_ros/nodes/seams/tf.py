"""Extrinsics from tf: tf2_ros where it is installed, else our own tree, else the file alone."""

from __future__ import annotations

import importlib.util
from collections.abc import Callable
from functools import partial
from typing import Any

from rclpy.duration import Duration
from rclpy.node import Node
from rclpy.time import Time

from s2m_ros.nodes import ports
from s2m_ros.pipeline.transforms import Transforms
from s2m_ros.types import Float64, InputError
from s2m_ros.wire.geometry import matrix

_WAIT_S = 0.05


def own_listener_possible() -> bool:
    """Whether /tf can be subscribed to at all."""
    return importlib.util.find_spec("tf2_msgs") is not None


def transforms(node: Node) -> Transforms | None:
    """What answers in place of the stage's own tree; None when that tree can be filled."""
    if importlib.util.find_spec("tf2_ros") is not None:
        return Tf2Transforms(node)
    return None if own_listener_possible() else NoTransforms()


def listen(node: Any, add: Callable[..., None]) -> None:
    """Feed ``add(message, static=)`` of a stage from the two topics of tf through its node."""
    for port, static in ((ports.TF, False), (ports.TF_STATIC, True)):
        node.listen(port, partial(add, static=static), capacity=100)


class Tf2Transforms:
    """Looks up in a tf2 buffer, at the stamp, with a bounded wait. Not from the spinning thread."""

    def __init__(self, node: Node) -> None:
        import tf2_ros

        self._tf2 = tf2_ros
        self._buffer = tf2_ros.Buffer(node=node)
        self._listener = tf2_ros.TransformListener(self._buffer, node)

    def lookup(self, target: str, source: str, stamp_ns: int) -> Float64:
        where = f"tf '{target}' <- '{source}' at {stamp_ns * 1e-9:.3f} s"
        try:
            found: Any = self._buffer.lookup_transform(
                target, source, Time(nanoseconds=stamp_ns), timeout=Duration(seconds=_WAIT_S)
            ).transform
        except self._tf2.TransformException as error:
            raise InputError(
                where,
                str(error),
                "publish the extrinsics on /tf_static, or set fusion.calibration_file",
            ) from error
        return matrix(found.translation, found.rotation, where)

    def clear_moving(self) -> None:
        self._buffer.clear()  # tf2 keeps static transforms


class NoTransforms:
    """Where neither tf2_ros nor tf2_msgs is installed."""

    def lookup(self, target: str, source: str, stamp_ns: int) -> Float64:
        raise InputError(
            f"extrinsics '{target}' <- '{source}'",
            "unknown: this machine has neither tf2_ros nor tf2_msgs to read /tf_static with",
            "set fusion.calibration_file",
        )

    def clear_moving(self) -> None:
        """There is nothing to forget."""
