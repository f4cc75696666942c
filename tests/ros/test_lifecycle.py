"""The life cycle of the nodes, driven over the middleware as a lifecycle manager drives it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import toy_model

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch
from lifecycle_msgs.msg import Transition
from lifecycle_msgs.srv import ChangeState, GetState

from s2m_ros.config import load
from s2m_ros.hazards.markers import Action
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.types import State
from s2m_ros.wire.image import encode_image

pytestmark = pytest.mark.timeout(300)  # each wait has its own, shorter limit

IMAGE, MASKS = "camera/front/image_raw", "s2m/front/masks"


def managed(spec: NodeSpec) -> NodeSpec:
    return replace(spec, parameters={**spec.parameters, "autostart": False})


class Manager:
    """Calls the services of one node as nav2_lifecycle_manager does without a bond."""

    def __init__(self, bench: Bench, node: str) -> None:
        self.bench = bench
        self._change = bench.node.create_client(ChangeState, f"{node}/change_state")
        self._get = bench.node.create_client(GetState, f"{node}/get_state")
        bench.until(
            lambda: self._change.service_is_ready() and self._get.service_is_ready(), "services"
        )

    def change(self, transition: int, meanwhile: Callable[[], None] | None = None) -> bool:
        request = ChangeState.Request(transition=Transition(id=transition))
        return bool(self._answer(self._change.call_async(request), meanwhile).success)

    @property
    def state(self) -> str:
        asked: list[Any] = []  # a busy machine can lose an answer: to ask again does no harm
        answered = self.bench.until(
            lambda: next((future for future in asked if future.done()), None),
            "its state",
            lambda: asked.append(self._get.call_async(GetState.Request())),
            period_s=5.0,
        )
        return str(answered.result().current_state.label)

    def _answer(self, future: Any, meanwhile: Callable[[], None] | None = None) -> Any:
        self.bench.until(future.done, "an answer", meanwhile)
        return future.result()


def test_a_camera_node_through_its_life(bench: Bench, tmp_path: Path) -> None:
    model = toy_model.write(tmp_path / "toy")
    encoder = model / "encoder.onnx"
    good = encoder.read_bytes()
    encoder.unlink()
    config = load(None, {**PATIENT, "perception.model.path": str(model)})
    process = bench.start(managed(graph(config)[0]))
    watch = Watch(bench, "s2m_msgs/msg/ObjectMaskArray", MASKS)
    images = bench.publisher("sensor_msgs/msg/Image", IMAGE)

    def send() -> None:
        scene = toy_model.scene([(40, 100, 88, 140)])
        images.publish(encode_image(bench.factory, bench.now_ns(), "optical", scene))

    manager = Manager(bench, "camera_front")
    assert manager.state == "unconfigured"
    watch.healthy(State.UNKNOWN, "unconfigured: nothing is looked at")

    assert not manager.change(Transition.TRANSITION_ACTIVATE), "from unconfigured"
    assert not manager.change(99), "no such transition"
    assert not manager.change(Transition.TRANSITION_CONFIGURE), "the model is missing"
    watch.healthy(State.UNKNOWN, f"not configured: {encoder}")
    assert manager.state == "unconfigured"

    encoder.write_bytes(good)
    assert manager.change(Transition.TRANSITION_CONFIGURE)
    assert manager.state == "inactive"
    watch.healthy(State.UNKNOWN, "inactive: nothing is looked at", send)
    assert images.get_subscription_count() == 0
    assert not watch.outputs

    for _ in range(2):
        assert manager.change(Transition.TRANSITION_ACTIVATE)
        assert manager.state == "active"
        watch.output(State.OK, meanwhile=send)
        watch.healthy(State.OK, meanwhile=send)
        assert manager.change(Transition.TRANSITION_DEACTIVATE, send)
        assert manager.state == "inactive"
        assert images.get_subscription_count() == 0
        said = len(watch.outputs)
        watch.healthy(State.UNKNOWN, "inactive: nothing is looked at", send)
        assert len(watch.outputs) == said

    assert manager.change(Transition.TRANSITION_CLEANUP)
    assert manager.state == "unconfigured"
    assert manager.change(Transition.TRANSITION_UNCONFIGURED_SHUTDOWN)
    assert manager.state == "finalized"
    watch.healthy(State.UNKNOWN, "shut down")
    assert "Traceback" not in bench.end(process)


SLOW = """
import time
from s2m_ros.pipeline.camera import CameraStage
whole = CameraStage.load
CameraStage.load = lambda self: time.sleep(4.0) or whole(self)
from s2m_ros.nodes.camera_node import main
main()
"""


def test_while_a_model_loads_the_node_says_building_and_answers(
    bench: Bench, tmp_path: Path
) -> None:
    config = load(None, {**PATIENT, "perception.model.path": str(toy_model.write(tmp_path / "m"))})
    bench.script(SLOW, managed(graph(config)[0]))
    watch, manager = Watch(bench), Manager(bench, "camera_front")
    assert manager.state == "unconfigured"
    request = ChangeState.Request(transition=Transition(id=Transition.TRANSITION_CONFIGURE))
    future = manager._change.call_async(request)
    for _ in range(5):
        watch.healthy(State.BUILDING, "loading models and files")
    assert manager.state == "configuring"
    assert not manager.change(Transition.TRANSITION_CLEANUP), "one transition at a time"
    assert not future.done()
    bench.until(future.done, "the end of configuring")
    assert future.result().success


def test_a_tracker_that_is_deactivated_takes_its_markers_away_and_says_so(bench: Bench) -> None:
    spec = graph(load(None, PATIENT))[2]
    process = bench.start(spec)
    watch = Watch(bench, "s2m_msgs/msg/HazardArray", "s2m/hazards")
    markers = bench.collect("visualization_msgs/msg/MarkerArray", "s2m/markers")
    manager = Manager(bench, "tracker")
    bench.until(lambda: manager.state == "active", "autostart")
    watch.output(State.UNKNOWN, "/s2m/objects: silent")

    def deleted_all() -> bool:
        return any(m.action == Action.DELETE_ALL for array in markers for m in array.markers)

    bench.until(deleted_all, "DELETEALL of the start")
    markers.clear()
    assert manager.change(Transition.TRANSITION_DEACTIVATE)
    bench.until(lambda: "/tracker was deactivated" in watch.outputs[-1].reason, "last words")
    bench.until(deleted_all, "DELETEALL of the deactivation")
    assert watch.outputs[-1].state == State.UNKNOWN

    assert manager.change(Transition.TRANSITION_ACTIVATE)
    watch.output(State.UNKNOWN, "/s2m/objects: silent")
    markers.clear()
    bench.end(process)
    bench.until(lambda: "/tracker was shut down" in watch.outputs[-1].reason, "last words")
    assert State.OK not in {health.state for health in watch.health}, "it never had an input"
    bench.until(deleted_all, "DELETEALL of the end")
