"""vision_msgs/Detection3DArray as an extra output of the tracker, where it is installed."""

from __future__ import annotations

import importlib.util
from typing import Any

from s2m_ros.nodes.ports import DETECTIONS
from s2m_ros.wire.protocol import MessageFactory


def installed() -> bool:
    return importlib.util.find_spec("vision_msgs") is not None


def detections(factory: MessageFactory, hazards: Any) -> Any:
    """A Detection3DArray from a HazardArray: one hypothesis each, class_id the hazard level.

    The array has no state: who must tell "clear" from "not seen" reads s2m/hazards.
    """
    return factory.make(
        DETECTIONS.kind,
        header=hazards.header,
        detections=[
            factory.make(
                "vision_msgs/msg/Detection3D",
                header=hazards.header,
                id=str(hazard.track_id),
                bbox=factory.make(
                    "vision_msgs/msg/BoundingBox3D", center=hazard.pose, size=hazard.size
                ),
                results=[_hypothesis(factory, hazard)],
            )
            for hazard in hazards.hazards
        ],
    )


def _hypothesis(factory: MessageFactory, hazard: Any) -> Any:
    covariance = [0.0] * 36
    for row in range(3):  # position of (position, velocity) -> position of (position, rotation)
        for column in range(3):
            covariance[6 * row + column] = float(hazard.covariance[6 * row + column])
    return factory.make(
        "vision_msgs/msg/ObjectHypothesisWithPose",
        hypothesis=factory.make(
            "vision_msgs/msg/ObjectHypothesis",
            class_id=f"unknown/level_{int(hazard.level)}",
            score=float(hazard.existence),
        ),
        pose=factory.make(
            "geometry_msgs/msg/PoseWithCovariance", pose=hazard.pose, covariance=covariance
        ),
    )
