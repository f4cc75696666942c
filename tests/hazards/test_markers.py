from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from values import hazards

from s2m_ros.fusion.transforms import from_yaw
from s2m_ros.hazards import markers
from s2m_ros.hazards.markers import Action, MarkerBook, MarkerSpec, Shape
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.hazards.zones import Zone
from s2m_ros.types import Evidence, Hazard, Hazards, State, TrackState

STEP_NS = 100_000_000


def scene(k: int, *ids: int, state: State = State.OK, **changes: object) -> Hazards:
    (item,) = hazards().items
    items = []
    for identity in ids:
        track = replace(item.track, id=identity, **changes)
        items.append(replace(item, track=track))
    return replace(
        hazards(), stamp_ns=10**18 + k * STEP_NS, items=tuple(items), state=state, reason="why"
    )


def of(specs: list[MarkerSpec], action: Action) -> set[tuple[str, int]]:
    return {(spec.ns, spec.id) for spec in specs if spec.action == action}


def one(specs: list[MarkerSpec], ns: str) -> MarkerSpec:
    (spec,) = (spec for spec in specs if spec.ns == ns)
    return spec


def test_added_each_cycle_and_deleted_when_gone() -> None:
    book = MarkerBook()
    first = book.update(scene(0, 4, 17))
    assert of(first, Action.DELETE) == set()
    assert {identity for _, identity in of(first, Action.ADD)} == {4, 17}
    second = book.update(scene(1, 17))
    assert of(second, Action.DELETE) == {key for key in of(first, Action.ADD) if key[1] == 4}
    assert of(second, Action.ADD) == {key for key in of(first, Action.ADD) if key[1] == 17}
    assert of(book.update(scene(2)), Action.DELETE) == of(second, Action.ADD)
    assert book.update(scene(3)) == []


def test_lifetime_follows_the_rate() -> None:
    book = MarkerBook(periods=3)
    book.update(scene(0, 1))
    assert book.update(scene(2, 1))[0].lifetime_s == pytest.approx(0.6)
    assert book.update(scene(3, 1))[0].lifetime_s == pytest.approx(0.3)
    assert book.update(scene(900, 1))[0].lifetime_s == pytest.approx(3.0)


def test_namespaces_of_boxes() -> None:
    book = MarkerBook()
    assert (markers.BOX, 1) in of(book.update(scene(0, 1)), Action.ADD)
    lidar = book.update(scene(1, 1, evidence=Evidence.LIDAR))
    assert (markers.LIDAR_ONLY, 1) in of(lidar, Action.ADD)
    assert of(lidar, Action.DELETE) == {(markers.BOX, 1)}
    now = scene(2, 1)
    item: Hazard = replace(now.items[0], unconfirmed=True)
    unconfirmed = book.update(replace(now, items=(item,)))
    assert (markers.UNCONFIRMED, 1) in of(unconfirmed, Action.ADD)
    assert of(unconfirmed, Action.DELETE) == {(markers.LIDAR_ONLY, 1)}


def test_held_tracks_are_edges_alone() -> None:
    specs = MarkerBook().update(scene(0, 1, state=State.OK))
    held = MarkerBook().update(held_scene())
    assert (markers.HELD, 1) in of(held, Action.ADD)
    assert (markers.BOX, 1) not in of(held, Action.ADD)
    edges = one(held, markers.HELD)
    assert edges.type == Shape.LINE_LIST
    assert edges.points is not None
    ends = edges.points.reshape(12, 2, 3)
    lengths = np.linalg.norm(ends[:, 1] - ends[:, 0], axis=1)
    np.testing.assert_allclose(
        sorted(lengths), np.sort(np.repeat(one(specs, markers.BOX).scale, 4))
    )
    assert one(held, markers.LABEL).text.endswith("out of view")


def held_scene() -> Hazards:
    now = scene(0, 1)
    item = replace(now.items[0], track=replace(now.items[0].track, state=TrackState.HELD))
    return replace(now, items=(item,))


def test_zones_lie_on_the_ground_and_vanish() -> None:
    square = np.array([[0, 0], [4, 0], [4, 4], [0, 4.0]])
    zone = Zone("A", "taxi_lane", "map", load_rulebook().zones["taxi_lane"], (square, square / 4))
    book = MarkerBook()
    specs = book.update(scene(0), [zone])
    outlines = [spec for spec in specs if spec.ns == markers.ZONE]
    assert [spec.id for spec in outlines] == [0, 1]
    ring = outlines[0].points
    assert ring is not None
    assert len(ring) == 5
    np.testing.assert_array_equal(ring[0], ring[-1])
    assert one(specs, markers.ZONE_LABEL).text == "taxi_lane A"
    assert outlines[0].color[:3] == markers.COLORS[zone.rule.at_least][:3]
    assert of(book.update(scene(1)), Action.DELETE) == of(specs, Action.ADD)


def test_every_namespace_is_named() -> None:
    zone = Zone("", "stand", "map", load_rulebook().zones["stand"], (np.eye(3, 2),))
    specs = MarkerBook().update(held_scene(), [zone])
    specs += MarkerBook().update(scene(0, 1, state=State.DEGRADED), [zone])
    assert {spec.ns for spec in specs} <= set(markers.NAMESPACES)


def test_shapes() -> None:
    specs = MarkerBook().update(scene(0, 12, covariance=np.diag([4.0, 0.25, 1, 1, 1, 1])))
    track = scene(0, 12).items[0].track
    box = one(specs, markers.BOX)
    np.testing.assert_allclose(box.position, track.position)
    assert box.scale == tuple(track.size)
    assert one(specs, markers.LABEL).text == "#12 WARNING 9.5 m"
    ring = one(specs, markers.FOOTPRINT).points
    assert ring is not None
    assert len(ring) == len(track.footprint) + 1
    np.testing.assert_array_equal(ring[0], ring[-1])
    arrow = one(specs, markers.VELOCITY).points
    assert arrow is not None
    np.testing.assert_allclose(arrow[1] - arrow[0], track.velocity)
    ellipse = one(specs, markers.COVARIANCE)
    assert ellipse.type == Shape.CYLINDER
    np.testing.assert_allclose(ellipse.scale[:2], [8, 2])
    np.testing.assert_allclose(abs(np.cos(ellipse.yaw)), 1)


def test_the_ellipse_lies_along_the_larger_deviation() -> None:
    turn = from_yaw(0.7)[:3, :3]
    covariance = np.eye(6)
    covariance[:3, :3] = turn @ np.diag([9.0, 1.0, 1.0]) @ turn.T
    ellipse = one(MarkerBook().update(scene(0, 1, covariance=covariance)), markers.COVARIANCE)
    np.testing.assert_allclose(from_yaw(ellipse.yaw)[:3, :3], turn, atol=1e-12)
    np.testing.assert_allclose(ellipse.scale[:2], [12, 4])


def test_no_arrow_at_rest() -> None:
    specs = MarkerBook().update(scene(0, 1, velocity=np.zeros(3)))
    assert not [spec for spec in specs if spec.ns == markers.VELOCITY]


def test_a_coin_is_visible() -> None:
    specs = MarkerBook().update(scene(0, 1, size=np.array([0.02, 0.02, 0.002])))
    assert min(one(specs, markers.BOX).scale) >= 0.05


@pytest.mark.parametrize("state", [s for s in State if s != State.OK])
def test_an_empty_picture_does_not_look_clear(state: State) -> None:
    book = MarkerBook()
    status = one(book.update(scene(0, state=state)), markers.STATUS)
    assert status.text == f"{state.name}: why"
    assert of(book.update(scene(1)), Action.DELETE) == {(markers.STATUS, 0)}


def test_clear_deletes_all_and_forgets() -> None:
    book = MarkerBook()
    book.update(scene(5, 1))
    assert [spec.action for spec in book.clear()] == [Action.DELETE_ALL]
    assert of(book.update(scene(0)), Action.DELETE) == set()
