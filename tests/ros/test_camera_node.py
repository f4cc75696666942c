"""The camera node over the real middleware."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest
import toy_model

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch

from s2m_ros.config import load
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.nodes.qos import reliable_qos
from s2m_ros.types import State
from s2m_ros.wire.image import encode_compressed, encode_image

pytestmark = pytest.mark.timeout(400)  # each wait has its own, shorter limit

BOX = (40, 100, 88, 140)
IMAGE, MASKS = "camera/front/image_raw", "s2m/front/masks"
KIND = "s2m_msgs/msg/ObjectMaskArray"


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


def spec(model: Path, *, use_sim_time: bool = False, **settings: Any) -> NodeSpec:
    dotted = {name.replace("__", "."): value for name, value in settings.items()}
    config = load(None, {**PATIENT, "perception.model.path": str(model), **dotted})
    return graph(config, use_sim_time=use_sim_time)[0]


class Camera:
    """Publishes images of a scene; ``change`` alters each before it goes out."""

    def __init__(self, bench: Bench, topic: str = IMAGE, compressed: bool = False) -> None:
        self.bench, self.compressed = bench, compressed
        kind = "CompressedImage" if compressed else "Image"
        self.publisher = bench.publisher(f"sensor_msgs/msg/{kind}", topic)
        self.age_ns = 0

    def send(self, change: Any = None, ns: int | None = None) -> None:
        encode = encode_compressed if self.compressed else encode_image
        stamp = self.bench.now_ns() - self.age_ns if ns is None else ns
        message = encode(self.bench.factory, stamp, "optical", toy_model.scene([BOX]))
        if change:
            change(message)
        self.publisher.publish(message)


def h264(message: Any) -> None:
    message.encoding = "h264"


def cut(message: Any) -> None:
    del message.data[-100:]


def test_images_in_masks_out_bad_ones_named_and_recovered_from(bench: Bench, model: Path) -> None:
    process = bench.start(spec(model))
    camera, watch = Camera(bench), Watch(bench, KIND, MASKS)
    scores = bench.collect("sensor_msgs/msg/Image", "s2m/front/score")
    overlays = bench.collect("sensor_msgs/msg/CompressedImage", "s2m/front/overlay/compressed")
    latencies = bench.collect("std_msgs/msg/Float64", "camera_front/debug/pipeline_latency_ms")

    masks = watch.output(State.OK, meanwhile=camera.send)
    assert (masks.camera, masks.header.frame_id, len(masks.masks)) == ("front", "optical", 1)
    watch.healthy(State.OK, meanwhile=camera.send)
    bench.until(lambda: scores and overlays and latencies, "score, overlay, latency", camera.send)
    assert scores[0].encoding == "32FC1"
    assert latencies[0].data > 0
    assert watch.value("provider", camera.send) in (
        "OpenVINOExecutionProvider",
        "CPUExecutionProvider",
    )
    assert float(watch.value("rate_hz", camera.send)) > 0

    for change, problem in ((h264, "encoding 'h264' is not supported"), (cut, "truncated image")):
        reason = f"{IMAGE}: {problem}"
        bad = watch.output(State.UNKNOWN, reason, lambda change=change: camera.send(change))
        assert len(bad.masks) == 0
        watch.healthy(State.UNKNOWN, reason, lambda change=change: camera.send(change))
        watch.output(State.OK, meanwhile=camera.send)
        watch.healthy(State.OK, meanwhile=camera.send)
    assert int(watch.value("drops.bad_image", camera.send)) >= 2

    camera.age_ns = 60_000_000_000
    watch.healthy(State.UNKNOWN, f"{IMAGE}: stamp is 60 s older than", camera.send)
    camera.age_ns = 0
    watch.healthy(State.OK, meanwhile=camera.send)
    assert int(watch.value(f"drops.too old {IMAGE}", camera.send)) >= 1

    watch.healthy(State.UNKNOWN, f"{IMAGE}: no message for")  # silence
    assert "Traceback" not in bench.end(process)


def test_a_damaged_model_is_named_and_recovered_from(bench: Bench, tmp_path: Path) -> None:
    model = toy_model.write(tmp_path / "model")
    encoder = model / "encoder.onnx"
    good = encoder.read_bytes()
    encoder.write_bytes(good[:-1] + bytes([good[-1] ^ 1]))
    process = bench.start(spec(model))
    camera, watch = Camera(bench), Watch(bench, KIND, MASKS)
    health = watch.healthy(State.UNKNOWN, str(encoder), camera.send)
    assert "sha256" in health.reason
    assert not watch.outputs
    encoder.write_bytes(good)
    watch.output(State.OK, meanwhile=camera.send)
    watch.healthy(State.OK, meanwhile=camera.send)
    assert "Traceback" not in bench.end(process, signal.SIGTERM)


def test_compressed_transport(bench: Bench, model: Path) -> None:
    bench.start(spec(model, intake__transport="compressed"))
    camera = Camera(bench, f"{IMAGE}/compressed", compressed=True)
    masks = Watch(bench, KIND, MASKS).output(State.OK, meanwhile=camera.send)
    assert len(masks.masks) == 1


def test_an_incompatible_subscriber_is_an_error_until_it_leaves(bench: Bench, model: Path) -> None:
    bench.start(spec(model))
    camera, watch = Camera(bench), Watch(bench)
    watch.healthy(State.OK, meanwhile=camera.send)
    from s2m_ros.nodes.factory import message_type

    late_joiner = bench.node.create_subscription(
        message_type(KIND), MASKS, lambda message: None, reliable_qos(1, latched=True)
    )
    watch.healthy(State.DEGRADED, f"{MASKS}: a peer's QoS is incompatible", camera.send)
    bench.until(lambda: watch.diagnostics[-1].status[0].level == b"\x02", "ERROR", camera.send)
    bench.node.destroy_subscription(late_joiner)
    watch.healthy(State.OK, meanwhile=camera.send)
    bench.until(lambda: watch.diagnostics[-1].status[0].level == b"\x00", "OK", camera.send)


BROKEN_ONCE = """
from s2m_ros.pipeline.camera import CameraStage
whole, calls = CameraStage.process, []
def process(self, message):
    calls.append(message)
    if len(calls) == 3:
        raise ZeroDivisionError("a defect")
    return whole(self, message)
CameraStage.process = process
from s2m_ros.nodes.camera_node import main
main()
"""


def test_a_defect_is_latched_as_a_fault_and_work_goes_on(bench: Bench, model: Path) -> None:
    from std_srvs.srv import Trigger

    bench.script(BROKEN_ONCE, spec(model))
    camera, watch = Camera(bench), Watch(bench, KIND, MASKS)
    masks = watch.output(State.FAULT, "ZeroDivisionError: a defect", camera.send)
    assert len(masks.masks) == 0
    watch.output(State.OK, meanwhile=camera.send)
    health = watch.healthy(State.FAULT, "ZeroDivisionError: a defect", camera.send)
    assert health.latched
    client = bench.node.create_client(Trigger, "camera_front/clear_fault")
    bench.until(client.service_is_ready, "the service", camera.send)
    future = client.call_async(Trigger.Request())
    bench.until(future.done, "its answer", camera.send)
    assert not watch.healthy(State.OK, meanwhile=camera.send).latched


HANGS_ONCE = """
import time
from s2m_ros.pipeline.camera import CameraStage
whole, calls = CameraStage.process, []
def process(self, message):
    calls.append(message)
    if len(calls) == 3:
        time.sleep(8.0)
    return whole(self, message)
CameraStage.process = process
from s2m_ros.nodes.camera_node import main
main()
"""


def test_a_worker_that_hangs_is_noticed_while_health_goes_on(bench: Bench, model: Path) -> None:
    bench.script(HANGS_ONCE, spec(model))
    camera, watch = Camera(bench), Watch(bench, KIND, MASKS)
    reason = f"{IMAGE}: one message has been worked on for"
    watch.healthy(State.UNKNOWN, reason, camera.send)
    watch.healthy(State.OK, meanwhile=camera.send)


def test_simulated_time_and_its_jumps(bench: Bench, model: Path) -> None:
    from rosgraph_msgs.msg import Clock

    from s2m_ros.wire.geometry import time

    bench.start(spec(model, use_sim_time=True))
    camera, watch = Camera(bench), Watch(bench, KIND, MASKS)
    clock = bench.publisher("rosgraph_msgs/msg/Clock", "/clock", reliable_qos(10))
    start = 1_300_000_000_000_000_000  # 2011
    at = [start]

    def play() -> None:
        at[0] += 100_000_000
        clock.publish(Clock(clock=time(bench.factory, at[0])))
        camera.send(ns=at[0])

    masks = watch.output(State.OK, meanwhile=play)
    assert start // 10**9 <= masks.header.stamp.sec < start // 10**9 + 60
    watch.healthy(State.OK, meanwhile=play)
    at[0] = start - 5_000_000_000
    bench.until(lambda: watch.value("drops.time_jumps", play) == "1", "the jump back", play)
    watch.output(State.OK, meanwhile=play)
    at[0] += 3_600_000_000_000
    bench.until(lambda: watch.value("drops.time_jumps", play) == "2", "the jump forward", play)
    watch.output(State.OK, meanwhile=play)


def test_a_setting_out_of_bounds_ends_the_node_with_its_name(bench: Bench, model: Path) -> None:
    good = spec(model)
    command = [*good.command(), "-p", "perception.scorer:=3"]
    process = bench.run(command)
    assert process.wait(60) != 0
    assert "perception.scorer" in bench.logs()
    assert "Traceback" not in bench.logs()
