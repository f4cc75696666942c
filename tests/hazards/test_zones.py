from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from judging import only, scene, track
from scipy.spatial import ConvexHull

from s2m_ros import config
from s2m_ros.config import ConfigError
from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.hazards import reasons
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.hazards.zones import Zone, depths, load_zones
from s2m_ros.types import Level, State

KINDS = load_rulebook().zones
SQUARE = [[20, -2], [30, -2], [30, 2], [20, 2], [20, -2]]
HORSESHOE = np.array([[0, 0], [10, 0], [10, 10], [7, 10], [7, 3], [3, 3], [3, 10], [0, 10.0]])
EXAMPLE = Path(__file__).parents[2] / "launch" / "config" / "zones_example.geojson"


def feature(kind: str = "taxi_lane", ring: Any = SQUARE, **properties: Any) -> dict[str, Any]:
    return {
        "type": "Feature",
        "properties": {"kind": kind, **properties},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }


def write(folder: Path, *features: Any) -> str:
    file = folder / "zones.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": list(features)}))
    return str(file)


def policy(folder: Path, *features: Any) -> HazardPolicy:
    return HazardPolicy(config.Hazards(zones_file=write(folder, *features)))


def zone(*rings: np.ndarray) -> Zone:
    return Zone("", "stand", "map", KINDS["stand"], rings)


def outline(x: float, y: float, half: float) -> np.ndarray:
    return np.array([[1, 1], [-1, 1], [-1, -1], [1, -1]]) * half + [x, y]


@settings(deadline=None, max_examples=80)
@given(st.floats(-4, 14), st.floats(-4, 14), st.floats(0.05, 2))
def test_depth_agrees_with_opencv(x: float, y: float, half: float) -> None:
    """Corner by corner for what is wholly in or out; overlap by drawing both."""
    shape = outline(x, y, half)
    (depth,) = depths(zone(HORSESHOE), shape[None])
    ring = HORSESHOE.astype(np.float32)
    corners = [cv2.pointPolygonTest(ring, tuple(map(float, c)), True) for c in shape]
    if depth > 0:
        assert depth == pytest.approx(min(corners), abs=1e-3)
    elif depth < 0:
        assert max(corners) < 0
        assert -depth <= min(-c for c in corners) + 1e-3
    else:
        area, _ = cv2.intersectConvexConvex(
            shape.astype(np.float32), ConvexHull(HORSESHOE).points.astype(np.float32)
        )
        assert area >= 0 or max(corners) > 0
    canvas, own = np.zeros((400, 400), np.uint8), np.zeros((400, 400), np.uint8)
    cv2.fillPoly(canvas, [np.round((HORSESHOE + 6) * 20).astype(np.int32)], 1)
    cv2.fillPoly(own, [np.round((shape + 6) * 20).astype(np.int32)], 1)
    common, total = int((canvas & own).sum()), int(own.sum())
    if depth > 0.15:
        assert common == total
    if depth < -0.15:
        assert common == 0
    if 0.1 * total < common < 0.9 * total:
        assert depth == 0


def test_a_hole_is_outside_and_a_zone_inside_an_object_overlaps_it() -> None:
    ring, hole = outline(0, 0, 5), outline(0, 0, 2)
    shapes = np.array([outline(0, 0, 0.5), outline(3.5, 0, 0.5), outline(2, 0, 0.5)])
    np.testing.assert_allclose(depths(zone(ring, hole), shapes), [-1.5, 1, 0])
    assert depths(zone(outline(0, 0, 0.1)), outline(0, 0, 1)[None]) == [0]
    assert depths(zone(ring), outline(100, 0, 1)[None])[0] == pytest.approx(-94)


def test_raising_zones_raise_and_say_their_name(tmp_path: Path) -> None:
    judge = policy(tmp_path, feature("engine_keep_clear", name="2", frame="vehicle"))
    hazard = only(judge.assess(scene(track(25, 0))))
    assert hazard.level == Level.CRITICAL
    assert "zone_engine_keep_clear" in hazard.reasons
    assert "in the keep-clear area of an engine (2)" in hazard.text
    assert only(judge.assess(scene(track(35, 0)))).level == Level.CAUTION


def test_lowering_zones_lower_what_surely_lies_in_them_while_all_is_well(tmp_path: Path) -> None:
    judge = policy(tmp_path, feature("staging", ring=[[2, -5], [20, -5], [20, 5], [2, 5], [2, -5]],
                                     frame="vehicle"))  # fmt: skip
    near = track(8, 0)
    assert only(judge.assess(scene(near))).level == Level.CAUTION
    assert only(judge.assess(scene(track(8, 0, sigma=3.0)))).level == Level.CRITICAL
    assert only(judge.assess(scene(track(20, 0)))).level == Level.CAUTION
    assert only(judge.assess(scene(near, state=State.DEGRADED))).level == Level.CRITICAL


def test_zones_of_the_map_follow_the_map(tmp_path: Path) -> None:
    judge = policy(tmp_path, feature("taxi_lane", name="W"))
    assert judge.needs_map
    odom_from_map = from_yaw(0.4, [3, -2, 0])
    pose = from_yaw(-0.3, [5, 1, 0])
    at = (odom_from_map @ [25, 0, 0, 1])[:2]
    inside, outside = track(*at), track(*(odom_from_map @ [34, 0, 0, 1])[:2])
    found = judge.assess(scene(inside, pose=pose), odom_from_map)
    assert only(found).level == Level.WARNING
    assert found.state == State.OK
    assert (
        "zone_taxi_lane" not in only(judge.assess(scene(outside, pose=pose), odom_from_map)).reasons
    )
    (placed,) = judge.zones(scene(pose=pose), odom_from_map)
    corners = np.array(SQUARE[:-1], float)
    expected = corners @ odom_from_map[:2, :2].T + odom_from_map[:2, 3]
    np.testing.assert_allclose(placed.rings[0], expected)


def test_zones_without_a_place_are_no_secret_and_count_as_entered(tmp_path: Path) -> None:
    judge = policy(tmp_path, feature("taxi_lane"), feature("staging"))
    found = judge.assess(scene(track(60, 8)), None, "tf 'odom' <- 'map': no transform")
    assert found.state == State.DEGRADED
    assert found.reason == "2 zones of the map: tf 'odom' <- 'map': no transform"
    hazard = only(found)
    assert hazard.level == Level.CRITICAL  # warning of the taxi lane, one up for being degraded
    assert {reasons.ZONE_UNPLACED, reasons.DEGRADED_SENSING} <= set(hazard.reasons)
    assert judge.zones(scene()) == []
    empty = judge.assess(scene(ego=None, frame_id="base_link"), np.eye(4))
    assert (empty.state, empty.reason) == (State.DEGRADED, "2 zones of the map: no odometry")


def test_zones_of_the_vehicle_need_neither(tmp_path: Path) -> None:
    judge = policy(tmp_path, feature("taxi_lane", frame="vehicle"))
    assert not judge.needs_map
    assert judge.assess(scene(ego=None, frame_id="base_link")).state == State.OK


def test_a_zone_may_set_its_own_levels(tmp_path: Path) -> None:
    (own,) = load_zones(write(tmp_path, feature("stand", at_least="warning")), KINDS)
    assert own.rule.at_least == Level.WARNING
    assert own.rule.text == KINDS["stand"].text


@pytest.mark.parametrize(
    ("broken", "message"),
    [
        (feature("runway"), r"properties.kind: expected one of .*taxi_lane.* got 'runway'"),
        (feature(at_lest="warning"), r"features.0: at_lest: Extra inputs"),
        (feature(ring=SQUARE[:-1]), r"features.0: expected rings .* whose last is their first"),
        (feature(ring=[[0, 0], [1, 1], [2, 2], [0, 0]]), r"features.0: a ring has no area"),
        (feature(frame="odom"), r"features.0: frame: Input should be 'map' or 'vehicle'"),
        (feature(at_least="critical", at_most="info"), r"at_least CRITICAL is above at_most INFO"),
        (feature(ring=[[8.54, 47.45], [8.55, 47.45], [8.55, 47.46], [8.54, 47.45]]),
         r"looks like degrees of longitude and latitude"),
        (feature() | {"geometry": {"type": "Point", "coordinates": []}}, r"type: Input should be"),
        ("zone", r"features.0: expected a Feature, got str"),
    ],
)  # fmt: skip
def test_a_zone_that_cannot_be_used_is_an_error(tmp_path: Path, broken: Any, message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        load_zones(write(tmp_path, broken), KINDS)


def test_files_that_are_no_zones(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a readable GeoJSON file"):
        load_zones(str(tmp_path / "none.geojson"), KINDS)
    file = tmp_path / "one.geojson"
    file.write_text(json.dumps(feature()))
    with pytest.raises(ConfigError, match="expected a GeoJSON FeatureCollection"):
        load_zones(str(file), KINDS)
    file.write_text('{"type": "FeatureCollection", "features": 3}')
    with pytest.raises(ConfigError, match="features: expected a list, got int"):
        load_zones(str(file), KINDS)


def test_the_example_is_a_zones_file() -> None:
    zones = load_zones(str(EXAMPLE), KINDS)
    assert {zone.kind for zone in zones} == set(KINDS)
    assert {zone.frame for zone in zones} == {"map", "vehicle"}
