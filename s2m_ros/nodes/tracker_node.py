"""Objects in 3D in; hazards and their markers out."""

from __future__ import annotations

import time
from typing import Any

from rclpy.duration import Duration

from s2m_ros.nodes import ports
from s2m_ros.nodes.executing import run
from s2m_ros.nodes.graph import TRACKER_SETTINGS
from s2m_ros.nodes.seams import tf, vision_msgs
from s2m_ros.nodes.stage_node import StageNode
from s2m_ros.pipeline.tracking import TrackingOutput, TrackingStage
from s2m_ros.pipeline.transforms import Transforms
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.tracks import encode_tracks

_BASE_FRAME = "base_link"
_DELIVERY_S = 0.3


class TrackerNode(StageNode):
    stage: TrackingStage

    def __init__(self, **options: Any) -> None:
        super().__init__("tracker", TRACKER_SETTINGS, **options)
        self._transforms: Transforms | None = None
        self._frame = _BASE_FRAME
        self._heard_s = 0.0
        self._hazards = self.talk(ports.HAZARDS)
        self._markers = self.talk(ports.MARKERS)
        self._tracks = self.talk(ports.TRACKS)
        self._detections = self.talk(ports.DETECTIONS) if vision_msgs.installed() else None
        self.start()

    def make(self) -> TrackingStage:
        return TrackingStage(self.config, self.factory, named=self.named)

    def connect(self) -> None:
        self._heard_s = time.monotonic()
        if self.stage.needs_transforms:  # all of /tf is much to listen to for nothing
            self._transforms = self._transforms or tf.transforms(self)
            if self._transforms is None:
                tf.listen(self, self.stage.add_transforms)
            else:
                self.stage.transforms = self._transforms
        self.listen(ports.OBJECTS, self._track, capacity=5, silent=State.UNKNOWN)

    def _track(self, message: Any) -> None:
        begun_s = time.perf_counter()
        self._heard_s = time.monotonic()
        self._frame = message.header.frame_id
        self._publish(self.stage.process(message))
        ms = (time.perf_counter() - begun_s) * 1e3
        self.report.output(stamp_ns(message.header.stamp), ms, {})

    def tick(self) -> None:
        """While nothing comes, say so at the period of the timeout: silence must not look clear."""
        silent_s = time.monotonic() - self._heard_s
        if not self.intake.open or silent_s < self.config.intake.input_timeout_ms * 1e-3:
            return
        self._heard_s = time.monotonic()
        reason = f"{self.named(topics.OBJECTS)}: silent: check the fusion node"
        self._refuse(State.UNKNOWN, reason)

    def fault(self, message: Any, reason: str) -> None:
        self._refuse(State.FAULT, reason)

    def farewell(self, reason: str) -> None:
        """The reset takes all markers away."""
        self._refuse(State.UNKNOWN, reason)
        for publisher in (self._hazards, self._markers):
            publisher.wait_for_all_acked(Duration(seconds=_DELIVERY_S))

    def _refuse(self, state: State, reason: str) -> None:
        if self.active:
            self._publish(self.stage.refuse(self.now_ns(), self._frame, state, reason))

    def _publish(self, output: TrackingOutput) -> None:
        self._hazards.publish(output.hazards)
        if self._markers.get_subscription_count():
            self._markers.publish(output.markers)
        if output.tracks is not None and self._tracks.get_subscription_count():
            self._tracks.publish(encode_tracks(output.tracks))
        if self._detections is not None:
            self._detections.publish(vision_msgs.detections(self.factory, output.hazards))


def main(args: list[str] | None = None) -> None:
    run([TrackerNode], args)


if __name__ == "__main__":
    main()
