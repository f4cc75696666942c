"""Lamps, motion blur and noise."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim import blur, develop, lamps, scenario
from s2m_ros.sim.drive import Stage
from s2m_ros.sim.scenario import CameraSensor
from s2m_ros.sim.shader import meet


def test_a_floodlight_falls_off_with_the_square_and_ends_at_its_cone() -> None:
    lamp = lamps.floodlight(scenario.Lamp(at=(0, 0, 10), aim=(0, 0), spread_deg=45))
    points = np.array([[0, 0, 0], [0, 0, -10], [30, 0, 0]], np.float32)
    up = np.tile(np.float32([0, 0, 1]), (3, 1))
    power, toward = lamp.irradiance(points, up)
    assert power[0] == pytest.approx(1 / 100, rel=1e-3)
    assert power[0] / power[1] == pytest.approx(4, rel=1e-3)
    assert power[2] == 0
    np.testing.assert_allclose(toward[0], (0, 0, 1), atol=1e-6)
    assert lamp.irradiance(points, -up)[0].max() == 0


def test_headlights_light_the_way_ahead() -> None:
    pair = lamps.headlights(np.eye(4), 1.0)
    assert not lamps.headlights(np.eye(4), 0.0)
    places = np.array([[8, 0, 0], [-8, 0, 0]], np.float32)
    up = np.tile(np.float32([0, 0, 1]), (2, 1))
    total = sum(lamp.irradiance(places, up)[0] for lamp in pair)
    assert total[0] > 0
    assert total[1] == 0


def test_the_flow_is_where_points_go(stage: Stage) -> None:
    built = stage.cameras["front"]
    stage.scene.move(0.5)
    before, after = (stage.odometer.true(t) @ built.base_from_optical for t in (0.5, 0.52))
    rays = np.ascontiguousarray(built.rays @ stage.odometer.true(0.5)[:3, :3].T.astype(np.float32))
    eye = np.ascontiguousarray(np.broadcast_to(before[:3, 3].astype(np.float32), rays.shape))
    found, _ = meet(stage.scene, eye, rays)
    moved = blur.flow(found, stage.scene, built.model, 0.02, before, after)
    width = built.shape[1]
    for row, column in ((150, 160), (180, 60), (140, 250)):
        index = row * width + column
        if found.actor[index] >= 0:
            continue
        point = found.point[index].astype(np.float64)
        ends = [
            built.model.project((point - m[:3, 3])[None] @ m[:3, :3])[0][0] for m in (before, after)
        ]
        at = moved[row // blur.STEP, column // blur.STEP]
        np.testing.assert_allclose(at, ends[1] - ends[0], atol=0.25)
    assert np.abs(moved[-1]).max() > 2
    assert np.linalg.norm(moved[2], axis=1).max() < 0.5  # the sky stays


def test_noise_grows_in_the_dark_and_exposure_brightens() -> None:
    grey = np.full((60, 80, 3), 0.2, np.float32)
    clean = CameraSensor(noise=0.0, blur_px=0.0)
    noisy = CameraSensor(noise=1.0, blur_px=0.0)
    rng = np.random.default_rng(3)
    bright = develop.develop(grey, 1.0, clean, rng)
    assert develop.develop(grey, 2.0, clean, rng).mean() > bright.mean() + 20
    middle = (slice(20, 40), slice(30, 50))
    still, day = (develop.develop(grey, 1.0, s, rng)[middle].std() for s in (clean, noisy))
    night = develop.develop(grey / 100, 100.0, noisy, rng)[middle].std()
    assert still < 1 < day < night
    assert develop.auto_gain(grey) == pytest.approx(1.5)
