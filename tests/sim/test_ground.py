"""The painted ground: what was laid is found again, at every distance."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.sim import apron
from s2m_ros.sim.canvas import Canvas, Tiles
from s2m_ros.sim.ground import Ground, Texture
from s2m_ros.sim.model import CLASSES
from s2m_ros.sim.scenario import Marking, Region, Surface


def look(ground: Ground, points: list[tuple[float, float]], footprint_m: float) -> np.ndarray:
    x, y = np.array(points, np.float32).T
    size = np.full(len(x), footprint_m, np.float32)
    heading = np.tile(np.array([1, 0], np.float32), (len(x), 1))
    return ground.sample(x, y, size, size, heading).albedo


@pytest.fixture(scope="module")
def ground() -> Ground:
    surface = Surface(stains=0, cracks=0, tyre_marks=0, patches=0)
    markings = [
        Marking(kind="stand_line", points=[(2, 4), (18, 4)], wear=0),
        Marking(kind="red_line", points=[(2, 8), (18, 8)], wear=0),
    ]
    regions = [Region(kind="grass", points=[(0, 12), (20, 12), (20, 40), (0, 40)])]
    rng = np.random.default_rng(1)
    return apron.build(surface, markings, regions, (0, 0, 20, 20), rng, 0.02, 0.25, 20)


def test_paint_lies_where_it_was_laid(ground: Ground) -> None:
    xs = np.linspace(4, 16, 30)
    yellow = look(ground, [(x, 4.0) for x in xs], 0.05).mean(axis=0)
    red = look(ground, [(x, 8.0) for x in xs], 0.05).mean(axis=0)
    plain = look(ground, [(x, 6.1) for x in xs], 0.05).mean(axis=0)
    assert yellow[0] > 3 * yellow[2]
    assert yellow[1] > 2 * yellow[2]
    assert red[0] > 4 * red[1]
    assert plain.max() < 1.3 * plain.min()


def test_zones_name_the_ground(ground: Ground) -> None:
    x, y = np.array([10, 10], np.float32), np.array([6, 18], np.float32)
    size, heading = np.full(2, 0.05, np.float32), np.tile(np.array([1, 0], np.float32), (2, 1))
    zone = ground.sample(x, y, size, size, heading).zone
    assert [CLASSES[z] for z in zone] == ["Road", "Tree"]


def test_a_wide_footprint_sees_the_mean() -> None:
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, (256, 256, 1)).astype(np.uint8)
    texture = Texture(noise, (0.0, 0.0), 0.1, True)
    x, y = rng.uniform(0, 25, (2, 400)).astype(np.float32)
    fine = texture.sample(x, y, np.full(400, 0.05, np.float32))
    wide = texture.sample(x, y, np.full(400, 3.0, np.float32))
    assert fine.std() > 30
    assert wide.std() < 8
    assert wide.mean() == pytest.approx(noise.mean(), abs=3)


def test_canvases_of_two_resolutions_agree() -> None:
    tiles = Tiles(np.random.default_rng(2))
    fine = Canvas((-3.0, 5.0), (16.0, 16.0), 0.02, tiles)
    coarse = Canvas((-19.0, -11.0), (64.0, 64.0), 0.25, tiles)

    def means(canvas: Canvas) -> list[float]:
        corners = [
            canvas.window([(x, y), (x + 3, y + 3)], 0) for x in (-2, 4, 9) for y in (6, 12, 17)
        ]
        return [float(canvas.noise(0)[window].mean()) for window in corners if window]

    assert np.corrcoef(means(fine), means(coarse))[0, 1] > 0.97
    assert np.std(means(fine)) > 0.3
