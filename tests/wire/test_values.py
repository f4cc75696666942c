"""Each value survives the wire: through both factories and through CDR bytes."""

from __future__ import annotations

from itertools import groupby
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from scipy.spatial.transform import Rotation
from values import (
    NS,
    assert_same,
    ego,
    factories,
    hazards,
    mask,
    masks,
    object3d,
    objects,
)

from s2m_ros.types import Health, InputError, State
from s2m_ros.wire import geometry
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.hazards import decode_hazards, encode_hazards
from s2m_ros.wire.health import decode_health, encode_diagnostics, encode_health
from s2m_ros.wire.masks import decode_masks, decode_runs, encode_masks, encode_runs
from s2m_ros.wire.objects import decode_objects, encode_objects
from s2m_ros.wire.odometry import decode_odometry, encode_odometry
from s2m_ros.wire.tf import Transform, decode_transforms, encode_transforms

FACTORIES = [pytest.param(f, id=type(f).__name__) for f in factories()]


def over_the_wire(message: Any, kind: str) -> Any:
    """The message as a subscriber or a bag gets it: serialised by its own side, read by rosbags."""
    store = RosbagsFactory().typestore
    if hasattr(message, "get_fields_and_field_types"):
        from rclpy.serialization import serialize_message

        return store.deserialize_cdr(serialize_message(message), kind)
    return store.deserialize_cdr(store.serialize_cdr(message, kind), kind)


@given(arrays(np.bool_, st.tuples(st.integers(0, 9), st.integers(0, 9))))
@settings(deadline=None)
def test_runs_are_the_lengths_of_the_groups(bits: Any) -> None:
    expected = [(value, len(list(group))) for value, group in groupby(bits.ravel().tolist())]
    lengths = [n for _, n in expected]
    if expected and expected[0][0]:
        lengths = [0, *lengths]
    runs = encode_runs(bits)
    assert runs.tolist() == lengths
    assert np.array_equal(decode_runs(runs, *bits.shape, "masks"), bits)


def test_runs_of_another_size_are_an_error() -> None:
    with pytest.raises(InputError, match="s2m/front/masks: runs of a mask add up to 5 cells"):
        decode_runs([2, 3], 2, 3, "s2m/front/masks")


@pytest.mark.parametrize("factory", FACTORIES)
def test_masks(factory: Any) -> None:
    value = masks()
    message = over_the_wire(encode_masks(factory, value), "s2m_msgs/msg/ObjectMaskArray")
    assert_same(decode_masks(message, "masks"), value)


@pytest.mark.parametrize("factory", FACTORIES)
def test_masks_without_roles_edges_or_items(factory: Any) -> None:
    value = masks(items=(), state=State.UNKNOWN, reason="camera/front/image_raw: truncated")
    message = encode_masks(factory, value)
    message.roles_width = message.roles_height = 0
    message.edges_width = message.edges_height = 0
    decoded = decode_masks(over_the_wire(message, "s2m_msgs/msg/ObjectMaskArray"), "masks")
    assert decoded.roles is None
    assert decoded.edges is None
    assert decoded.items == ()
    assert (decoded.state, decoded.reason) == (value.state, value.reason)


def test_edges_that_do_not_fill_their_grid() -> None:
    message = encode_masks(RosbagsFactory(), masks())
    message.edges_width = 24
    with pytest.raises(InputError, match="10 bytes of edges for a grid of 24 x 5"):
        decode_masks(message, "masks")


def test_masks_outside_their_grid() -> None:
    message = encode_masks(RosbagsFactory(), masks(items=(mask(x=14),)))
    with pytest.raises(InputError, match="mask 1 reaches cell"):
        decode_masks(message, "masks")


@pytest.mark.parametrize("factory", FACTORIES)
@pytest.mark.parametrize("with_ego", [True, False])
def test_objects(factory: Any, with_ego: bool) -> None:
    value = objects(
        items=(object3d(), object3d(4, (-3.0, 2.0, 0.5))),
        state=State.DEGRADED,
        reason="points: no sweep",
        with_ego=with_ego,
    )
    message = over_the_wire(encode_objects(factory, value), "s2m_msgs/msg/Object3DArray")
    assert_same(decode_objects(message, "objects"), value, 1e-6)  # ranges and footprints: float32


@pytest.mark.parametrize("factory", FACTORIES)
def test_hazards(factory: Any) -> None:
    message = over_the_wire(encode_hazards(factory, hazards()), "s2m_msgs/msg/HazardArray")
    assert_same(decode_hazards(message, "hazards"), hazards(), 1e-6)


@pytest.mark.parametrize("factory", FACTORIES)
def test_odometry(factory: Any) -> None:
    message = encode_odometry(factory, ego(), "odom", "base_link")
    message = over_the_wire(message, "nav_msgs/msg/Odometry")
    assert_same(decode_odometry(message, "odom", "base_link"), ego(), 1e-12)


def test_odometry_of_another_frame_or_without_numbers() -> None:
    message = encode_odometry(RosbagsFactory(), ego(), "odom", "imu_link")
    with pytest.raises(InputError, match="odom: child_frame_id is 'imu_link'"):
        decode_odometry(message, "odom", "base_link")
    message.child_frame_id = "base_link"
    message.twist.twist.linear.x = float("nan")
    with pytest.raises(InputError, match="odom: twist"):
        decode_odometry(message, "odom", "base_link")
    message.pose.pose.orientation.z = message.pose.pose.orientation.w = 0.0
    message.twist.twist.linear.x = 0.0
    with pytest.raises(InputError, match="odom: quaternion"):
        decode_odometry(message, "odom", "base_link")


@pytest.mark.parametrize("factory", FACTORIES)
def test_health_and_diagnostics(factory: Any) -> None:
    value = Health("/fusion", State.FAULT, "why", NS, 8, True)
    message = over_the_wire(encode_health(factory, value, 0.5), "s2m_msgs/msg/Health")
    assert decode_health(message) == value
    assert message.age == 0.5
    made = encode_diagnostics(factory, value, "tug_7")
    message = over_the_wire(made, "diagnostic_msgs/msg/DiagnosticArray").status[0]
    assert (message.level, message.name, message.message) == (2, "/fusion", "why")


@pytest.mark.parametrize("factory", FACTORIES)
def test_transforms(factory: Any) -> None:
    if not isinstance(factory, RosbagsFactory):
        pytest.importorskip("tf2_msgs", reason="tf2_msgs is not in the wheels")
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.from_euler("xyz", [0.3, -1.2, 2.9]).as_matrix()
    matrix[:3, 3] = 1, -2, 3
    made = encode_transforms(factory, [Transform(NS, "base_link", "lidar", matrix)])
    (decoded,) = decode_transforms(over_the_wire(made, "tf2_msgs/msg/TFMessage"), "/tf")
    assert (decoded.stamp_ns, decoded.parent, decoded.child) == (NS, "base_link", "lidar")
    np.testing.assert_allclose(decoded.parent_from_child, matrix, atol=1e-12)


@given(st.floats(-3.14, 3.14), st.floats(-1.57, 1.57), st.floats(-3.14, 3.14))
@settings(deadline=None, max_examples=50)
def test_poses_agree_with_scipy(roll: float, pitch: float, yaw: float) -> None:
    rotation = Rotation.from_euler("ZYX", [yaw, pitch, roll])
    matrix = np.eye(4)
    matrix[:3, :3] = rotation.as_matrix()
    pose = geometry.pose(RosbagsFactory(), matrix)
    q = np.array([getattr(pose.orientation, name) for name in "xyzw"])
    assert abs(q @ rotation.as_quat()) == pytest.approx(1, abs=1e-9)
    np.testing.assert_allclose(
        geometry.matrix(pose.position, pose.orientation, "odom"), matrix, atol=1e-9
    )
    upright = geometry.yaw_pose(RosbagsFactory(), [1, 2, 3], yaw)
    assert geometry.yaw(upright.orientation, "pose") == pytest.approx(yaw, abs=1e-9)


@given(st.integers(0, 2**62))
def test_times(ns: int) -> None:
    ns = ns % (2**31 * 10**9)
    assert geometry.stamp_ns(geometry.time(RosbagsFactory(), ns)) == ns


def test_a_number_without_a_meaning_is_an_error() -> None:
    message = encode_objects(RosbagsFactory(), objects())
    message.state = 9
    with pytest.raises(InputError, match=r"s2m/objects: State 9 is none of 0 OK, 1 BUILDING"):
        decode_objects(message, "s2m/objects")


def test_a_visibility_of_another_size_is_an_error_and_none_means_unseen() -> None:
    message = encode_objects(RosbagsFactory(), objects())
    message.visibility.rings = 30
    with pytest.raises(InputError, match=r"visibility has 3 bytes .* 7 sectors of 30 rings"):
        decode_objects(message, "s2m/objects")
    message.visibility.rings = 0
    assert not decode_objects(message, "s2m/objects").visibility.seen.any()
