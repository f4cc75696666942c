"""One camera: images in, masks, score map and overlay out."""

from __future__ import annotations

import time
from typing import Any

from s2m_ros.config import ConfigError
from s2m_ros.nodes import ports
from s2m_ros.nodes.executing import run
from s2m_ros.nodes.graph import CAMERA_SETTINGS
from s2m_ros.nodes.seams import cv_bridge
from s2m_ros.nodes.stage_node import StageNode
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import stamp_ns


class CameraNode(StageNode):
    stage: CameraStage

    def __init__(self, **options: Any) -> None:
        super().__init__("camera", CAMERA_SETTINGS, **options)
        camera = self.config.camera
        self._masks = self.talk(ports.MASKS, camera)
        self._score = self.talk(ports.SCORE, camera)
        self._score_picture = self.talk(ports.SCORE_PICTURE, camera)
        self._candidates = self.talk(ports.CANDIDATES, camera)
        self._overlay = self.talk(ports.OVERLAY, camera)
        self.start()

    def make(self) -> CameraStage:
        """Loads the model and warms it up."""
        topic = topics.image(self.config.camera, self.config.intake.transport)
        other = cv_bridge.converter(self.named(topic))
        stage = CameraStage(self.config, self.factory, other=other, named=self.named)
        if not stage.load():
            raise ConfigError(stage.conditions.worst().reason)
        return stage

    def connect(self) -> None:
        compressed = self.config.intake.transport == "compressed"
        self.listen(
            ports.COMPRESSED if compressed else ports.IMAGE,
            self._image,
            camera=self.config.camera,
            aged=True,
            silent=State.UNKNOWN,
        )

    def _image(self, message: Any) -> None:
        begun_s = time.perf_counter()
        output = self.stage.process(message)
        self._masks.publish(output.masks)
        self.report.output(
            stamp_ns(message.header.stamp),
            (time.perf_counter() - begun_s) * 1e3,
            output.timings_ms,
        )
        if self._score.get_subscription_count() and output.score is not None:
            self._score.publish(output.score)
        if self._score_picture.get_subscription_count() and output.score_picture is not None:
            self._score_picture.publish(output.score_picture)
        if self._candidates.get_subscription_count() and output.candidates is not None:
            self._candidates.publish(output.candidates)
        if self._overlay.get_subscription_count() and output.overlay is not None:
            self._overlay.publish(output.overlay)

    def fault(self, message: Any, reason: str) -> None:
        if message is not None:
            self._masks.publish(self.stage.refuse(message.header, State.FAULT, reason))


def main(args: list[str] | None = None) -> None:
    run([CameraNode], args)


if __name__ == "__main__":
    main()
