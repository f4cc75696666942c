"""Masks of all cameras, LiDAR, odometry and calibration in; objects in 3D out."""

from __future__ import annotations

import time
from functools import partial
from typing import Any

from s2m_ros.nodes.executing import run
from s2m_ros.nodes.graph import FUSION_SETTINGS
from s2m_ros.nodes.qos import reliable_qos, sensor_qos
from s2m_ros.nodes.seams import tf
from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing
from s2m_ros.nodes.stage_node import StageNode
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import stamp_ns


class FusionNode(StageNode):
    stage: FusionStage

    def __init__(self, **options: Any) -> None:
        super().__init__("fusion", FUSION_SETTINGS, **options)
        self._transforms = tf.transforms(self)
        self._objects = self.talk("s2m_msgs/msg/Object3DArray", topics.OBJECTS, reliable_qos(5))
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
                "s2m_msgs/msg/ObjectMaskArray",
                topics.masks(camera),
                stage.add_masks,
                reliable_qos(2),
                capacity=2,
                silent=State.UNKNOWN,
            )
            self.listen(
                "sensor_msgs/msg/CameraInfo",
                topics.camera_info(camera),
                partial(stage.add_camera_info, camera),
                sensor_qos(),
            )
        # Sweeps are matched by stamp and wait for masks as late as inference makes them: neither
        # age nor a queue adds latency here, and a queue bridges a busy moment.
        self.listen(
            "sensor_msgs/msg/PointCloud2",
            topics.POINTS,
            stage.add_cloud,
            sensor_qos(4),
            capacity=4,
            silent=State.DEGRADED,
        )
        self.listen(
            "nav_msgs/msg/Odometry", topics.ODOM, stage.add_odometry, sensor_qos(50), capacity=50
        )
        if self._transforms is None and not self.config.fusion.calibration_file:
            tf.listen(self, stage.add_transforms)

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
