"""Masks of all cameras, LiDAR, odometry and calibration in; objects in 3D out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from s2m_ros.nodes import ports
from s2m_ros.nodes.executing import run
from s2m_ros.nodes.graph import FUSION_SETTINGS
from s2m_ros.nodes.seams import tf
from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing
from s2m_ros.nodes.stage_node import StageNode
from s2m_ros.pipeline.clocks import offset_ms
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.types import State
from s2m_ros.wire.geometry import stamp_ns


class FusionNode(StageNode):
    stage: FusionStage

    def __init__(self, **options: Any) -> None:
        super().__init__("fusion", FUSION_SETTINGS, **options)
        self._transforms = tf.transforms(self)
        self._objects = self.talk(ports.OBJECTS)
        self.start()

    def make(self) -> FusionStage:
        settings = self.config.fusion
        pairing = None
        if settings.pairing.backend == "message_filters":
            pairing = MessageFiltersPairing(settings.pairing, self.config.cameras, self.factory)
        return FusionStage(
            self.config,
            self.factory,
            None if settings.calibration_file else self._transforms,
            pairing,
            named=self.named,
        )

    def connect(self) -> None:
        stage = self.stage
        for camera in self.config.cameras:
            self.listen(
                ports.MASKS, stage.add_masks, camera=camera, capacity=2, silent=State.UNKNOWN
            )
            self.listen(ports.CAMERA_INFO, partial(stage.add_camera_info, camera), camera=camera)
        # Sweeps are matched by stamp and wait for masks as late as inference makes them: neither
        # age nor a queue adds latency here, and a queue bridges a busy moment.
        self.listen(ports.POINTS, stage.add_cloud, capacity=4, silent=State.DEGRADED)
        self.listen(ports.ODOM, stage.add_odometry, capacity=50)
        if self._transforms is None and not self.config.fusion.calibration_file:
            tf.listen(self, stage.add_transforms)

    def figures(self) -> dict[str, str]:
        """Also how far the clock of the LiDAR is behind each camera's, by when messages come."""
        found, delays = super().figures(), self.intake.delays
        for camera in self.config.cameras:
            pair = (delays.get(port.topic(camera)) for port in (ports.CAMERA_INFO, ports.POINTS))
            one, other = pair
            offset = offset_ms(one, other) if one and other else None
            if offset is not None:
                found[f"clock.{camera}.lidar_behind_ms"] = f"{offset:.1f}"
        return found

    def tick(self) -> None:
        begun_s = time.perf_counter()
        for objects in self.stage.poll(self.now_ns()):
            self._objects.publish(objects)
            now_s = time.perf_counter()
            self.report.output(stamp_ns(objects.header.stamp), (now_s - begun_s) * 1e3, {})
            begun_s = now_s

    def fault(self, message: Any, reason: str) -> None:
        self._refuse(State.FAULT, reason)

    def farewell(self, reason: str) -> None:
        self._refuse(State.UNKNOWN, reason)

    def _refuse(self, state: State, reason: str) -> None:
        if self.active:
            self._objects.publish(self.stage.refuse(self.now_ns(), state, reason))


def main(args: list[str] | None = None) -> None:
    run([FusionNode], args)


if __name__ == "__main__":
    main()
