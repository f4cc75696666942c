"""What the cameras show of the ground, on ray-traced scenes."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import raycast
from raycast import Box, Slope

from s2m_ros.config import Fusion as Settings
from s2m_ros.fusion.pipeline import Fusion
from s2m_ros.types import Role, Visibility

GROUND = Slope()


def seen(
    boxes: list[Box], sweep: bool = False, roles: bool = True, **settings: object
) -> Visibility:
    fusion = Fusion(Settings(**settings), raycast.rig())  # type: ignore[arg-type]
    fusion.set_camera("front", raycast.MODEL, "camera_optical_frame")
    masks = raycast.masks(GROUND, boxes)
    if not roles:
        masks = replace(masks, roles=None)
    lidar = raycast.sweep(GROUND, boxes, sector=0.8, columns=300, beams=48) if sweep else None
    return fusion.fuse([masks], lidar, None, None).visibility


def at(visibility: Visibility, *place: float) -> bool:
    return bool(visibility.at(np.array(place)))


def test_the_view_ends_at_its_borders() -> None:
    """The lowest row of the camera, 1.5 m high and 1.5 m ahead of base_link, meets the ground
    at 1.5 * 700 / 290 = 3.6 m from it; its sides are at 34 degrees."""
    empty = seen([])
    assert at(empty, 6.5, 0)
    assert at(empty, 30, 5)
    assert not at(empty, 4.5, 0)  # below the image: where the bumper is
    assert not at(empty, 10, 9)
    assert not at(empty, -10, 0)
    assert not at(empty, 60, 0)


@pytest.mark.parametrize("how", ["class", "mask", "points"])
def test_what_stands_in_the_way_hides_what_lies_behind(how: str) -> None:
    wall = Box(12, 0, (1.0, 2.0, 2.5), masked=how == "mask",
               role=Role.VEHICLE if how == "class" else Role.UNKNOWN)  # fmt: skip
    visible = seen([wall], sweep=how == "points", roles=how == "class")
    assert at(visible, 10, 0)
    assert not at(visible, 18, 0)
    assert at(visible, 18, 6)


def test_a_low_thing_hides_only_its_shadow() -> None:
    """0.75 m high at 12 m (10.5 from a camera 1.5 m high): dark up to twice that distance."""
    low = Box(12, 0, (0.4, 2.0, 0.75), masked=False)
    visible = seen([low], sweep=True, roles=False)
    assert not at(visible, 18, 0)
    assert at(visible, 26, 0)


def test_an_object_does_not_hide_its_own_place() -> None:
    visible = seen([Box(12, 0, (0.4, 0.4, 0.4))], sweep=True)
    assert at(visible, 12, 0)


def test_without_images_nothing_is_seen() -> None:
    fusion = Fusion(Settings(), raycast.rig())
    sweep = raycast.sweep(GROUND, [], sector=0.8, columns=100, beams=16)
    assert not fusion.fuse([], sweep, None, None).visibility.seen.any()
