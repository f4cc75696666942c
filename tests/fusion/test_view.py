"""What an image sees of a sweep, against the plain way to find it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from raycast import BASE_FROM_CAMERA, mask_of

from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.fusion.view import Camera, Image, view_of
from s2m_ros.types import ObjectMasks, Role, RoleMap

SIZE, GRID = (640, 360), (160, 90)
K = [330, 0, 322, 0, 333, 171, 0, 0, 1]
P = [330, 0, 322, 40, 0, 333, 171, -3, 0, 0, 1, 0.01]
MODELS = {
    "pinhole": CameraModel.from_parameters("t", SIZE, "plumb_bob", K),
    "barrel": CameraModel.from_parameters("t", SIZE, "plumb_bob", K, [-0.2, 0.03, 1e-3, 2e-3, 0]),
    "pincushion": CameraModel.from_parameters("t", SIZE, "plumb_bob", K, [0.3, 0.1, 0, 0, 0]),
    "rectified": CameraModel.from_parameters("t", SIZE, "plumb_bob", K, p=P, rectified=True),
    "fisheye": CameraModel.from_parameters("t", SIZE, "equidistant", K, [0.01, 0, 0, 0]),
}


def image(model: CameraModel, masks: ObjectMasks) -> Image:
    return Image(masks, Camera.of(model, "optical"), BASE_FROM_CAMERA)


def masks_of(count: int, seed: int) -> ObjectMasks:
    """Rectangles that overlap, and a role for each quarter of a cell."""
    rng = np.random.default_rng(seed)
    items = []
    for k in range(count):
        x, y = rng.integers(0, 150), rng.integers(0, 80)
        bits = np.zeros(GRID[::-1], np.bool_)
        bits[y : y + rng.integers(1, 30), x : x + rng.integers(1, 40)] = True
        items.append(mask_of(k, bits))
    roles = RoleMap(rng.integers(0, len(Role), (45, 80)).astype(np.uint8), SIZE)
    return ObjectMasks(0, "front", "optical", SIZE, GRID, tuple(items), roles, "test")


@pytest.mark.parametrize("name", MODELS)
@given(seed=st.integers(0, 2**32 - 1))
@settings(max_examples=15, deadline=None)
def test_what_is_not_ahead_is_not_in_the_image(name: str, seed: int) -> None:
    rng = np.random.default_rng(seed)
    base_from_points = from_yaw(rng.uniform(-3, 3), rng.uniform(-2, 2, 3))
    points = rng.normal(0, 15, (3000, 3)).astype(np.float32)
    seen = image(MODELS[name], masks_of(1, 0))
    in_base = points @ base_from_points[:3, :3].T + base_from_points[:3, 3]
    _, held = seen.project(in_base.astype(np.float32))
    ahead = seen.ahead(points, base_from_points)
    assert set(np.flatnonzero(held)) <= set(ahead)
    if name != "fisheye":
        assert len(ahead) < 0.35 * len(points), "most of a sweep is spared the projection"


@given(count=st.sampled_from([0, 1, 5, 33, 70]), seed=st.integers(0, 1000))
@settings(max_examples=20, deadline=None)
def test_each_mask_covers_the_points_that_its_bits_say(count: int, seed: int) -> None:
    masks = masks_of(count, seed)
    rng = np.random.default_rng(seed)
    pixels = rng.uniform((0, 0), SIZE, (800, 2)).astype(np.float32)
    index = rng.permutation(5000)[:800]
    view = view_of(image(MODELS["pinhole"], masks), index, pixels)
    cells = (pixels / 4).astype(int)
    near = np.zeros(800, np.bool_)
    for k, mask in enumerate(masks.items):
        bits = masks.dense(mask)
        under = index[bits[cells[:, 1], cells[:, 0]]]
        at = np.flatnonzero(view.under.key == k)
        own = view.under.members(int(at[0])) if len(at) else index[:0]
        assert sorted(own.tolist()) == sorted(under.tolist())
        rows, columns = np.nonzero(bits)
        near |= (
            (cells[:, 0] >= columns.min() - 2) & (cells[:, 0] <= columns.max() + 2)
            & (cells[:, 1] >= rows.min() - 2) & (cells[:, 1] <= rows.max() + 2)
        )  # fmt: skip
    assert (view.masked == near).all()
    assert masks.roles is not None
    eighths = (pixels / 8).astype(int)
    assert (view.roles == masks.roles.roles[eighths[:, 1], eighths[:, 0]]).all()
