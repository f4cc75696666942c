"""A drive: camera, LiDAR and truth show the same scene, and the same each time."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim import lidar
from s2m_ros.sim.drive import SimFrame, Stage, drive, rig_of
from s2m_ros.sim.scenario import Scenario
from s2m_ros.types import Role


def same(one: SimFrame, two: SimFrame) -> bool:
    return bool(
        np.array_equal(one.views[0].image, two.views[0].image)
        and np.array_equal(one.sweep.points, two.sweep.points)
        and np.array_equal(one.views[0].instances, two.views[0].instances)
        and one.truth[0].items[3].position.tolist() == two.truth[0].items[3].position.tolist()
    )


def test_the_sweep_falls_on_the_pixels_of_the_same_objects(stage: Stage, frame: SimFrame) -> None:
    scenario, t = stage.scenario, 0.5
    stage.scene.move(t)
    still = stage.odometer.true(t)
    sweep, hit = lidar.scan(stage.scene, scenario.lidar, lambda _: still, t, 0, "lidar", 1)
    rig = rig_of(scenario)
    camera_from_lidar = (
        np.linalg.inv(rig.frames["camera_front_optical_frame"]) @ rig.frames["lidar"]
    )
    points = sweep.points @ camera_from_lidar[:3, :3].T + camera_from_lidar[:3, 3]
    pixels, valid = rig.cameras["front"].project(points)
    inside = ((pixels > 1) & (pixels < (319, 191))).all(axis=1)
    seen = valid & inside & (points[:, 2] > 0.5)
    column, row = np.floor(pixels[seen]).astype(int).T
    ids = np.concatenate([stage.scene.ids, [0]])[hit[seen]]
    at = frame.views[0].instances[row, column]
    assert (ids > 0).sum() > 200
    # The sensors look from different places: only rims and what one hides may differ.
    assert (at == ids).mean() > 0.97
    assert (at[ids > 0] == ids[ids > 0]).mean() > 0.85


def test_truth_counts_what_the_sensors_see(frame: SimFrame) -> None:
    for item in frame.truth[0].items:
        assert item.pixels == (frame.views[0].instances == item.id).sum()
    by_name = {item.name: item for item in frame.truth[0].items}
    assert by_name["box"].role == Role.UNKNOWN
    assert by_name["box"].pixels > 20
    assert by_name["pickup"].role == Role.VEHICLE
    assert by_name["walker"].role == Role.PERSON
    assert by_name["stand_cone"].role != Role.UNKNOWN
    np.testing.assert_allclose(by_name["box"].position[:2], (8, -1.5), atol=0.15)
    assert by_name["box"].position[2] == pytest.approx(by_name["box"].size[2] / 2, abs=1e-3)
    anomalous = np.isin(frame.views[0].instances, [by_name["box"].id, by_name["barrier"].id])
    assert (frame.views[0].labels[anomalous] == 255).all()


def test_things_move_as_told(stage: Stage) -> None:
    early, late = (stage.frame(n).truth[0].items[3] for n in (20, 30))
    assert late.position[1] - early.position[1] == pytest.approx(-2.0, abs=0.25)


def test_a_frame_is_the_same_each_time_and_in_each_process(
    stage: Stage, small: Scenario, frame: SimFrame
) -> None:
    stage.frame(2)
    assert same(stage.frame(5), frame)
    frames = list(drive(small, duration_s=0.6, workers=2))
    assert [f.stamp_ns - frames[0].stamp_ns for f in frames] == [i * 10**8 for i in range(6)]
    assert same(frames[5], frame)
    assert not same(frames[4], frame)


def test_the_vehicle_moves_along_its_way(stage: Stage) -> None:
    first, second = stage.frame(0).ego, stage.frame(5).ego
    travelled = np.linalg.norm((second.odom_from_base - first.odom_from_base)[:3, 3])
    assert travelled == pytest.approx(2.0, abs=0.02)
    assert second.velocity[0] == pytest.approx(4.0, abs=1e-6)
