"""The tracking stage with the true tracker and policy."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from values import object3d, objects

from s2m_ros.config import load
from s2m_ros.pipeline.tracking import TrackingOutput, TrackingStage
from s2m_ros.types import State
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.markers import MARKERS
from s2m_ros.wire.objects import encode_objects
from s2m_ros.wire.tf import Transform, encode_transforms

FACTORY = RosbagsFactory()
MS = 1_000_000
NS = 1_700_000_000_000 * MS
DELETE_ALL = 3


def stage() -> TrackingStage:
    return TrackingStage(load(), FACTORY)


def drive(made: TrackingStage, count: int, start: int = NS, **changes: Any) -> TrackingOutput:
    """Feed one object at rest, 10 Hz; the last answer."""
    for i in range(count):
        value = objects(start + i * 100 * MS, (object3d(i),), **changes)
        output = made.process(encode_objects(FACTORY, value))
    return output


def shown(output: TrackingOutput) -> list[Any]:
    """The markers of an answer."""
    return list(FACTORY.typestore.deserialize_cdr(output.markers, MARKERS).markers)


def status(output: TrackingOutput) -> str:
    """All text of the status markers."""
    return " ".join(m.text for m in shown(output) if m.ns == "status")


def test_an_object_seen_long_enough_is_one_hazard_with_markers_of_its_id() -> None:
    made = stage()
    output = drive(made, 6)
    (hazard,) = output.hazards.hazards
    assert (output.hazards.state, output.hazards.reason) == (State.OK, "")
    assert output.hazards.sequence == 6
    again = drive(made, 1, NS + 600 * MS)
    assert again.hazards.hazards[0].track_id == hazard.track_id
    boxes = [m for m in shown(again) if m.ns == "hazard/box"]
    assert [(m.id, m.action, m.header.frame_id) for m in boxes] == [(hazard.track_id, 0, "odom")]
    lifetime = boxes[0].lifetime
    assert 0.2 <= lifetime.sec + lifetime.nanosec * 1e-9 <= 1.0


def test_what_the_objects_are_worth_the_hazards_are_worth() -> None:
    made = stage()
    reason = "camera/front/camera_info: K is all zero"
    value = objects(NS, (), State.UNKNOWN, reason)
    output = made.process(encode_objects(FACTORY, value))
    assert (output.hazards.state, output.hazards.reason) == (State.UNKNOWN, reason)
    assert "UNKNOWN" in status(output)
    assert "K is all zero" in status(output)
    assert made.conditions.worst().state == State.UNKNOWN
    drive(made, 1, NS + 100 * MS)
    assert made.conditions.worst().state == State.OK


def test_silence_is_an_empty_array_that_is_not_clear() -> None:
    made = stage()
    drive(made, 5)
    output = made.refuse(NS + 2000 * MS, "odom", State.UNKNOWN, "s2m/objects: silent")
    assert len(output.hazards.hazards) == 0
    assert output.hazards.state == State.UNKNOWN
    assert "UNKNOWN" in status(output)


def test_a_stamp_of_zero_is_refused() -> None:
    made = stage()
    drive(made, 6)
    output = made.process(encode_objects(FACTORY, objects(0)))
    assert output.hazards.state == State.UNKNOWN
    assert "s2m/objects: stamp is zero" in output.hazards.reason
    assert len(drive(made, 1, NS + 600 * MS).hazards.hazards) == 1


def test_objects_without_a_meaning_are_refused() -> None:
    made = stage()
    message = encode_objects(FACTORY, objects(NS))
    message.state = 77
    output = made.process(message)
    assert output.hazards.state == State.UNKNOWN
    assert "s2m/objects: State 77" in output.hazards.reason
    assert made.drops["bad_objects"] == 1


def test_a_jump_back_drops_tracks_and_markers_and_is_counted() -> None:
    made = stage()
    first = drive(made, 6)
    output = drive(made, 1, NS - 5000 * MS)
    assert output.hazards.state == State.UNKNOWN, "no second stamp supports it yet"
    output = drive(made, 1, NS - 4900 * MS)
    assert shown(output)[0].action == DELETE_ALL
    assert made.drops["time_jumps"] == 1
    later = drive(made, 6, NS - 4800 * MS)
    assert len(later.hazards.hazards) == len(first.hazards.hazards) == 1
    assert DELETE_ALL not in [m.action for m in shown(later)]


@pytest.mark.parametrize("seconds", [-3600.0, -5.0, 3.0, 1e6])
def test_one_stray_stamp_is_refused_and_costs_no_track(seconds: float) -> None:
    made = stage()
    before = drive(made, 6)
    stray = drive(made, 1, NS + round(seconds * 1e9))
    assert stray.hazards.state == State.UNKNOWN
    assert "s2m/objects: stamp is" in stray.hazards.reason
    assert "check the clock" in stray.hazards.reason
    after = drive(made, 1, NS + 600 * MS)
    assert after.hazards.state == State.OK
    assert [h.track_id for h in after.hazards.hazards] == [
        h.track_id for h in before.hazards.hazards
    ]
    assert made.drops == {"bad_objects": 1}


def test_a_gap_keeps_what_is_remembered_and_a_longer_one_does_not() -> None:
    made = stage()
    (before,) = drive(made, 6).hazards.hazards
    drive(made, 1, NS + 20_000 * MS)
    (after,) = drive(made, 1, NS + 20_100 * MS).hazards.hazards
    assert after.track_id == before.track_id
    drive(made, 1, NS + 10_000_000 * MS)
    output = drive(made, 1, NS + 10_000_100 * MS)
    assert made.drops["time_jumps"] == 1
    assert shown(output)[0].action == DELETE_ALL


def test_a_change_of_frame_starts_anew() -> None:
    made = stage()
    drive(made, 6)
    output = drive(made, 1, NS + 600 * MS, frame_id="base_link", with_ego=False)
    assert made.drops["frame_changes"] == 1
    assert shown(output)[0].action == DELETE_ALL
    assert output.hazards.header.frame_id == "base_link"


def test_the_same_messages_give_the_same_bytes() -> None:
    store = FACTORY.typestore
    runs = []
    for _ in range(2):
        output = drive(stage(), 8)
        runs.append(
            bytes(store.serialize_cdr(output.hazards, "s2m_msgs/msg/HazardArray")) + output.markers
        )
    assert runs[0] == runs[1]


def test_a_late_array_is_counted_and_its_objects_are_not_lost() -> None:
    made = stage()
    drive(made, 6)
    output = drive(made, 1, NS + 400 * MS)
    assert made.drops["out_of_order"] == 1
    assert len(output.hazards.hazards) == 1
    assert output.hazards.header.stamp.nanosec == 500 * MS


def with_zones(folder: Path, frame: str) -> TrackingStage:
    ring = [[-50, -50], [50, -50], [50, 50], [-50, 50], [-50, -50]]
    feature = {
        "type": "Feature",
        "properties": {"kind": "taxi_lane", "name": "W", "frame": frame},
        "geometry": {"type": "Polygon", "coordinates": [ring]},
    }
    file = folder / "zones.geojson"
    file.write_text(json.dumps({"type": "FeatureCollection", "features": [feature]}))
    return TrackingStage(load(None, {"hazards.zones_file": str(file)}), FACTORY)


def test_zones_of_the_map_need_its_transform(tmp_path: Path) -> None:
    made = with_zones(tmp_path, "map")
    assert made.needs_transforms
    output = drive(made, 5)
    assert output.hazards.state == State.DEGRADED
    assert "1 zones of the map: tf 'odom' <- 'map'" in output.hazards.reason
    assert made.conditions.worst().state == State.DEGRADED
    assert not [m for m in shown(output) if m.ns == "zones"]
    placed = Transform(NS, "map", "odom", np.eye(4))
    made.add_transforms(encode_transforms(FACTORY, [placed]), static=True)
    output = drive(made, 1, NS + 600 * MS)
    assert (output.hazards.state, output.hazards.reason) == (State.OK, "")
    assert made.conditions.worst().state == State.OK
    assert "zone_taxi_lane" in output.hazards.hazards[0].reasons
    (marker,) = (m for m in shown(output) if m.ns == "zones")
    assert len(marker.points) == 5


def test_zones_of_the_vehicle_need_none(tmp_path: Path) -> None:
    made = with_zones(tmp_path, "vehicle")
    assert not made.needs_transforms
    output = drive(made, 5)
    assert output.hazards.state == State.OK
    assert "zone_taxi_lane" in output.hazards.hazards[0].reasons
