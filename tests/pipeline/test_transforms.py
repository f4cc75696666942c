"""The tree of frames, against matrices multiplied by hand."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from s2m_ros.pipeline.transforms import TransformTree
from s2m_ros.types import Float64, InputError
from s2m_ros.wire.tf import Transform

SECOND = 1_000_000_000


def rigid(seed: int) -> Float64:
    rng = np.random.default_rng(seed)
    matrix = np.eye(4)
    matrix[:3, :3] = Rotation.random(random_state=seed).as_matrix()
    matrix[:3, 3] = rng.normal(size=3)
    return matrix


@given(st.integers(0, 1000))
@settings(deadline=None, max_examples=30)
def test_any_two_frames_of_a_tree(seed: int) -> None:
    base_mast, mast_lidar, base_camera = (rigid(seed + i) for i in range(3))
    tree = TransformTree()
    tree.add(Transform(0, "mast", "lidar", mast_lidar), static=True)
    tree.add(Transform(0, "base_link", "mast", base_mast), static=True)
    tree.add(Transform(0, "base_link", "camera", base_camera), static=True)
    np.testing.assert_allclose(tree.lookup("base_link", "lidar", 5), base_mast @ mast_lidar)
    np.testing.assert_allclose(
        tree.lookup("camera", "lidar", 5), np.linalg.inv(base_camera) @ base_mast @ mast_lidar,
        atol=1e-9,
    )  # fmt: skip
    np.testing.assert_allclose(tree.lookup("mast", "mast", 5), np.eye(4))


def moving() -> TransformTree:
    tree = TransformTree()
    for second in range(3):
        matrix = np.eye(4)
        matrix[0, 3] = second * 2.0
        tree.add(Transform(second * SECOND, "odom", "base_link", matrix), static=False)
    return tree


def test_a_moving_transform_is_interpolated_and_held_a_little() -> None:
    tree = moving()
    assert tree.lookup("odom", "base_link", SECOND // 2)[0, 3] == pytest.approx(1.0)
    assert tree.lookup("odom", "base_link", 2 * SECOND + 50_000_000)[0, 3] == pytest.approx(4.0)
    with pytest.raises(
        InputError,
        match=r"tf 'odom' <- 'base_link' at 2.500 s: available: 'base_link' 0.000 to 2.000 s",
    ):
        tree.lookup("odom", "base_link", 5 * SECOND // 2)


def test_a_step_back_in_time_forgets_the_past_but_not_the_static_ones() -> None:
    tree = moving()
    tree.add(Transform(0, "base_link", "lidar", rigid(1)), static=True)
    tree.add(Transform(0, "odom", "base_link", rigid(2)), static=False)
    np.testing.assert_allclose(tree.lookup("odom", "base_link", 0), rigid(2))
    with pytest.raises(InputError):
        tree.lookup("odom", "base_link", 2 * SECOND)
    tree.clear_moving()
    np.testing.assert_allclose(tree.lookup("base_link", "lidar", 0), rigid(1))


def test_what_is_missing_is_named() -> None:
    tree = TransformTree()
    with pytest.raises(InputError, match=r"names 'lidar' and 'base_link'; frames heard of: none"):
        tree.lookup("base_link", "lidar", 0)
    tree.add(Transform(0, "base_link", "camera", np.eye(4)), static=True)
    with pytest.raises(InputError, match=r"names 'lidar'; frames heard of: base_link, camera"):
        tree.lookup("base_link", "lidar", 0)
    tree.add(Transform(0, "rig", "lidar", np.eye(4)), static=True)
    with pytest.raises(InputError, match="separate trees"):
        tree.lookup("base_link", "lidar", 0)


def test_a_loop_ends() -> None:
    tree = TransformTree()
    tree.add(Transform(0, "a", "b", np.eye(4)), static=True)
    tree.add(Transform(0, "b", "a", np.eye(4)), static=True)
    with pytest.raises(InputError):
        tree.lookup("a", "elsewhere", 0)
