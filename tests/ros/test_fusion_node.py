"""The fusion node over the real middleware."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from typing import Any

import numpy as np
import pytest

pytest.importorskip("rclpy")

from bench import PATIENT, Bench, Watch
from site_of_tests import BOX_RANGE_M, Site, rig_file

from s2m_ros.config import load
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.types import Evidence, State

pytestmark = pytest.mark.timeout(400)  # each wait has its own, shorter limit

KIND, OBJECTS = "s2m_msgs/msg/Object3DArray", "s2m/objects"
CAN_READ_TF = any(importlib.util.find_spec(name) for name in ("tf2_ros", "tf2_msgs"))


def spec(**settings: Any) -> NodeSpec:
    dotted = {name.replace("__", "."): value for name, value in settings.items()}
    return graph(load(None, {**PATIENT, **dotted}))[1]


def zero_k(message: Any) -> None:
    message.k = np.zeros(9)


def other_size(message: Any) -> None:
    message.width = 1280


def no_z(message: Any) -> None:
    message.fields = [f for f in message.fields if f.name != "z"]


def empty(message: Any) -> None:
    message.width = message.row_step = 0
    del message.data[:]


def all_nan(message: Any) -> None:
    data = np.frombuffer(message.data, np.float32)
    data[:] = np.nan


def truncated(message: Any) -> None:
    del message.data[-40:]


def some_nan(message: Any) -> None:
    np.frombuffer(message.data, np.float32).reshape(-1, 3)[:7, 1] = np.nan


BAD = [
    ("info", zero_k, State.UNKNOWN, "camera/front/camera_info: K is all zero"),
    ("info", other_size, State.UNKNOWN, "camera/front/image_raw: image is 320x192, its calib"),
    ("cloud", no_z, State.DEGRADED, "points: no field z among x, y"),
    ("cloud", empty, State.DEGRADED, "points: the cloud is empty"),
    ("cloud", all_nan, State.DEGRADED, "points: no point is finite"),
    ("cloud", truncated, State.DEGRADED, "points: truncated cloud"),
]


def test_objects_in_space_and_every_bad_input_named_and_recovered_from(
    bench: Bench, tmp_path: Path
) -> None:
    process = bench.start(spec(fusion__calibration_file=str(rig_file(tmp_path))))
    site, watch = Site(bench, masks_directly=True), Watch(bench, KIND, OBJECTS)
    site.skip = {"info", "cloud", "odom"}
    watch.output(State.UNKNOWN, "camera/front/camera_info: no calibration came yet", site.send)
    site.skip = set()

    objects = watch.output(State.OK, meanwhile=site.send)
    assert objects.header.frame_id == "odom"
    (found,) = [o for o in objects.objects if o.evidence & Evidence.CAMERA]
    assert found.evidence & Evidence.LIDAR
    assert abs(found.range - BOX_RANGE_M) < 0.7
    watch.healthy(State.OK, meanwhile=site.send)

    for name, change, state, reason in BAD:
        site.change = {name: change}
        bad = watch.output(state, reason, site.send)
        assert state != State.UNKNOWN or not [o for o in bad.objects if o.camera]
        watch.healthy(state, reason, site.send)
        site.change = {}
        watch.output(State.OK, meanwhile=site.send)
        watch.healthy(State.OK, meanwhile=site.send)

    site.change = {"cloud": some_nan}
    watch.output(State.OK, meanwhile=site.send)
    assert int(watch.value("drops.points_not_finite", site.send)) >= 7
    site.change, site.skip = {}, {"odom"}
    alone = watch.output(State.DEGRADED, "odom: no pose near", site.send)
    assert alone.header.frame_id == "base_link"
    site.skip = {"masks"}
    watch.output(State.UNKNOWN, "s2m/front/masks: silent", site.send)
    site.skip = set()
    watch.output(State.OK, meanwhile=site.send)
    assert "Traceback" not in bench.end(process)


@pytest.mark.skipif(CAN_READ_TF, reason="this machine can read /tf")
def test_without_tf_and_without_a_file_the_remedy_is_the_file(bench: Bench) -> None:
    bench.start(spec())
    site, watch = Site(bench, masks_directly=True), Watch(bench, KIND, OBJECTS)
    watch.output(State.UNKNOWN, "set fusion.calibration_file", site.send)


def test_a_calibration_file_that_is_not_there_is_named(bench: Bench, tmp_path: Path) -> None:
    path = str(tmp_path / "nowhere.yaml")
    bench.start(spec(fusion__calibration_file=path))
    site, watch = Site(bench, masks_directly=True), Watch(bench, KIND, OBJECTS)
    watch.output(State.UNKNOWN, path, site.send)
    watch.healthy(State.UNKNOWN, path, site.send)


@pytest.mark.skipif(not CAN_READ_TF, reason="neither tf2_ros nor tf2_msgs is installed")
def test_extrinsics_from_tf_static(bench: Bench) -> None:
    from site_of_tests import BASE_FROM_LIDAR, BASE_FROM_OPTICAL, LIDAR, OPTICAL

    from s2m_ros.nodes.qos import reliable_qos
    from s2m_ros.wire.tf import Transform, encode_transforms

    bench.start(spec())
    site, watch = Site(bench, masks_directly=True), Watch(bench, KIND, OBJECTS)
    watch.output(State.UNKNOWN, f"'{OPTICAL}'", site.send)
    publisher = bench.publisher("tf2_msgs/msg/TFMessage", "/tf_static", reliable_qos(1, True))
    transforms = [
        Transform(0, "base_link", OPTICAL, BASE_FROM_OPTICAL),
        Transform(0, "base_link", LIDAR, BASE_FROM_LIDAR),
    ]
    publisher.publish(encode_transforms(bench.factory, transforms))
    watch.output(State.OK, meanwhile=site.send)


def test_message_filters_back_end(bench: Bench, tmp_path: Path) -> None:
    settings = {
        "fusion__calibration_file": str(rig_file(tmp_path)),
        "fusion__pairing__backend": "message_filters",
    }
    bench.start(spec(**settings))
    site, watch = Site(bench, masks_directly=True), Watch(bench, KIND, OBJECTS)
    if importlib.util.find_spec("message_filters") is None:
        watch.healthy(State.UNKNOWN, "'message_filters' is not installed")
        return
    watch.output(State.OK, meanwhile=site.send)
