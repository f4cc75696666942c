"""The audit node over the real middleware: what is published is in the store, as it was."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy")

import values
from bench import Bench, Watch
from stores import judged, perceived, picture, stamp

from s2m_ros.config import load
from s2m_ros.nodes.graph import composed, graph
from s2m_ros.nodes.qos import reliable_qos
from s2m_ros.pipeline.camera import CameraOutput
from s2m_ros.store import Store
from s2m_ros.types import State, Tracks
from s2m_ros.wire import topics
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.image import encode_image
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.objects import encode_objects
from s2m_ros.wire.tracks import encode_tracks

pytestmark = pytest.mark.timeout(300)


def test_it_is_there_only_with_a_folder(tmp_path: Path) -> None:
    assert [spec.name for spec in graph()][-1] == "monitor"
    specs = graph(load(None, {"audit.folder": str(tmp_path)}))
    assert [spec.name for spec in specs][-1] == "audit"
    assert [spec.name for spec in composed(specs)] == ["vehicle", "monitor", "audit"]


def test_what_is_published_is_stored(bench: Bench, tmp_path: Path) -> None:
    folder = tmp_path / "store"
    config = load(None, {"audit.folder": str(folder), "audit.keep": "all"})
    process = bench.start(graph(config)[-1])
    Watch(bench).healthy(State.OK)
    factory = bench.factory
    send = {
        topic: bench.publisher(kind, topic, reliable_qos(20))
        for topic, kind in (
            (topics.image("front"), "sensor_msgs/msg/Image"),
            (topics.masks("front"), "s2m_msgs/msg/ObjectMaskArray"),
            (topics.candidates("front"), "s2m_msgs/msg/MaskCandidateArray"),
            (topics.score_picture("front"), "sensor_msgs/msg/Image"),
            (topics.OBJECTS, "s2m_msgs/msg/Object3DArray"),
            (topics.TRACKS, "s2m_msgs/msg/TrackArray"),
            (topics.HAZARDS, "s2m_msgs/msg/HazardArray"),
        )
    }
    for publisher in send.values():
        bench.until(lambda p=publisher: p.get_subscription_count() > 0, "a subscription")
    for i in range(10):
        ns = stamp(i)
        frame, hazards = perceived(ns), judged(ns)
        output = CameraOutput(encode_masks(factory, frame.masks), factory, picture(i), frame)
        tracks = Tracks(ns, "odom", tuple(h.track for h in hazards.items), hazards.ego)
        said: dict[str, Any] = {
            topics.image("front"): encode_image(factory, ns, "front_optical_frame", picture(i)),
            topics.masks("front"): output.masks,
            topics.candidates("front"): output.candidates,
            topics.score_picture("front"): output.score_picture,
            topics.OBJECTS: encode_objects(factory, values.objects(ns)),
            topics.TRACKS: encode_tracks(tracks),
            topics.HAZARDS: encode_hazards(factory, hazards),
        }
        for topic, message in said.items():
            send[topic].publish(message)
        bench.spin(0.1)
    bench.spin(1.0)
    bench.end(process)
    with Store(folder) as store:
        assert store.config.audit.keep == "all"
        assert len(store.moments()) == 10
        instant, frame_ = store.instant(stamp(5)), store.frame("front", stamp(5))
    assert instant is not None
    values.assert_same(instant.hazards, judged(stamp(5)), 1e-6)
    assert instant.tracks is not None
    assert frame_ is not None
    values.assert_same(frame_.masks, perceived(stamp(5)).masks, 1e-6)
    assert frame_.weighed is not None
    assert len(frame_.weighed.verdicts) == 2
    shown = frame_.picture()
    assert shown is not None
    assert shown.shape == (48, 64, 3)
