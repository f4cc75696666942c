"""Contracts of the optional packages: each runs against the real package where it is installed."""

from __future__ import annotations

import importlib.util
import sys
from typing import Any

import numpy as np
import pytest
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from values import hazards, masks

from s2m_ros.config import ConfigError, load
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.types import InputError, Sweep
from s2m_ros.wire.factory import RosbagsFactory, load_typestore
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.image import encode_image

MS = 1_000_000
NS = 1_700_000_000_000 * MS


def sweep(ns: int) -> Sweep:
    return Sweep(ns, "lidar", np.ones((1, 3), np.float32))


def test_message_filters_pairs_by_time_and_lets_no_image_go_lost() -> None:
    pytest.importorskip("message_filters", reason="message_filters is not installed")
    from s2m_ros.nodes.factory import RclpyFactory
    from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing

    settings = load(None, {"fusion.pairing.max_difference_ms": 30}).fusion.pairing
    pairing = MessageFiltersPairing(settings, ["front"], RclpyFactory())
    for i in range(3):
        pairing.add_masks(masks(NS + i * 100 * MS))
        if i != 1:
            pairing.add_sweep(sweep(NS + i * 100 * MS + 20 * MS))
    pairs = pairing.poll(NS + 1000 * MS)
    assert [pair.stamp_ns - NS for pair in pairs] == [0, 100 * MS, 200 * MS]
    assert [pair.sweep is not None for pair in pairs] == [True, False, True]
    assert pairs[0].sweep is not None
    assert pairs[0].sweep.stamp_ns == NS + 20 * MS
    assert pairing.drops == {"masks_without_sweep": 1}
    pairing.add_masks(masks(NS + 300 * MS))
    assert pairing.add_masks(masks(NS))
    assert pairing.drops["time_jump"] == 1
    assert [pair.stamp_ns for pair in pairing.drain()] == [NS]


def test_without_message_filters_the_setting_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing

    monkeypatch.setitem(sys.modules, "message_filters", None)
    with pytest.raises(ConfigError, match=r"fusion.pairing.backend: .* or choose 'own'"):
        MessageFiltersPairing(load().fusion.pairing, ["front"], RosbagsFactory())


def test_message_filters_serves_one_camera() -> None:
    pytest.importorskip("message_filters", reason="message_filters is not installed")
    from s2m_ros.nodes.seams.message_filters import MessageFiltersPairing

    with pytest.raises(ConfigError, match="serves one camera, got 2"):
        MessageFiltersPairing(load().fusion.pairing, ["front", "left"], RosbagsFactory())


def test_cv_bridge_converts_what_we_do_not() -> None:
    pytest.importorskip("cv_bridge", reason="cv_bridge is not installed")
    from s2m_ros.nodes.factory import RclpyFactory
    from s2m_ros.nodes.seams.cv_bridge import converter

    convert = converter("camera/front/image_raw")
    assert convert is not None
    image = np.arange(48, dtype=np.uint8).reshape(4, 4, 3)
    message = encode_image(RclpyFactory(), NS, "optical", image, "bgr8")
    assert np.array_equal(convert(message), image[..., ::-1])
    message.encoding = "h264"
    with pytest.raises(InputError, match="camera/front/image_raw: encoding 'h264'"):
        convert(message)
    message.encoding = "64FC3"  # eight times as many bytes as there are
    with pytest.raises(InputError, match="camera/front/image_raw: encoding '64FC3'"):
        convert(message)


def test_without_cv_bridge_there_is_no_converter(monkeypatch: pytest.MonkeyPatch) -> None:
    from s2m_ros.nodes.seams.cv_bridge import converter

    monkeypatch.setitem(sys.modules, "cv_bridge", None)
    assert converter("camera/front/image_raw") is None


VISION = {  # vision_msgs 4 (Humble and later)
    "ObjectHypothesis": "string class_id\nfloat64 score",
    "ObjectHypothesisWithPose": (
        "vision_msgs/ObjectHypothesis hypothesis\ngeometry_msgs/PoseWithCovariance pose"
    ),
    "BoundingBox3D": "geometry_msgs/Pose center\ngeometry_msgs/Vector3 size",
    "Detection3D": (
        "std_msgs/Header header\nvision_msgs/ObjectHypothesisWithPose[] results\n"
        "vision_msgs/BoundingBox3D bbox\nstring id"
    ),
    "Detection3DArray": "std_msgs/Header header\nvision_msgs/Detection3D[] detections",
}


def vision_factories() -> list[Any]:
    store = get_typestore(Stores.ROS2_JAZZY)
    ours = load_typestore()
    names = {kind for kind in ours.fielddefs if kind.startswith("s2m_msgs/")}
    store.register({kind: ours.fielddefs[kind] for kind in names})
    for name, definition in VISION.items():
        store.register(get_types_from_msg(definition, f"vision_msgs/msg/{name}"))
    made: list[Any] = [RosbagsFactory(store)]
    if importlib.util.find_spec("vision_msgs") is not None:
        from s2m_ros.nodes.factory import RclpyFactory

        made.append(RclpyFactory())
    return made


@pytest.mark.parametrize("factory", vision_factories(), ids=lambda f: type(f).__name__)
def test_detections_carry_the_box_and_the_covariance_of_the_position(factory: Any) -> None:
    from s2m_ros.nodes.seams.vision_msgs import detections

    array = encode_hazards(factory, hazards(NS))
    (made,) = detections(factory, array).detections
    (hazard,) = array.hazards
    assert made.id == "17"
    assert made.bbox.center == hazard.pose
    assert made.results[0].hypothesis.score == hazard.existence
    covariance = np.array(made.results[0].pose.covariance).reshape(6, 6)
    assert np.array_equal(covariance[:3, :3], np.diag([1.0, 2.0, 3.0]))
    assert not covariance[3:].any()


def test_tf2_answers_as_our_own_tree_does() -> None:
    pytest.importorskip("tf2_ros", reason="tf2_ros is not installed")
    import rclpy

    from s2m_ros.nodes.factory import RclpyFactory
    from s2m_ros.nodes.seams.tf import Tf2Transforms
    from s2m_ros.pipeline.transforms import TransformTree
    from s2m_ros.wire.tf import Transform, encode_transforms

    rng = np.random.default_rng(0)
    tree, context = TransformTree(), rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("seams", context=context)
    try:
        tf2 = Tf2Transforms(node)
        for parent, child in (("base_link", "mast"), ("mast", "lidar"), ("base_link", "camera")):
            transform = Transform(NS, parent, child, from_yaw(rng.normal(), rng.normal(size=3)))
            tree.add(transform, static=True)
            (stamped,) = encode_transforms(RclpyFactory(), [transform]).transforms
            tf2._buffer.set_transform_static(stamped, "test")
        for target, source in (("base_link", "lidar"), ("camera", "lidar")):
            np.testing.assert_allclose(
                tf2.lookup(target, source, NS), tree.lookup(target, source, NS), atol=1e-9
            )
        with pytest.raises(InputError, match="tf 'base_link' <- 'radar'"):
            tf2.lookup("base_link", "radar", NS)
        tf2.clear_moving()
        np.testing.assert_allclose(
            tf2.lookup("camera", "lidar", 0), tree.lookup("camera", "lidar", 0), atol=1e-9
        )
    finally:
        node.destroy_node()
        rclpy.shutdown(context=context)
