import cv2
import numpy as np
import pytest

from s2m_ros.perception.calibration import unrarity
from s2m_ros.perception.outline import outlines
from s2m_ros.types import Prompts, ScoreMap

HEIGHT, WIDTH, CELL = 60, 80, 4


def score_map(rarity: np.ndarray) -> ScoreMap:
    return ScoreMap(
        unrarity(rarity).astype(np.float32), image_size=(WIDTH * CELL, HEIGHT * CELL), scorer="test"
    )


def prompt(box: tuple[float, float, float, float], point: tuple[float, float]) -> Prompts:
    return Prompts(
        np.asarray([box], np.float32) * CELL,
        np.asarray([[point]], np.float32) * CELL,
        np.ones((1, 1), np.float32),
        np.asarray([4.0], np.float32),
        np.asarray([3.0], np.float32),
    )


@pytest.mark.parametrize("radius", [3, 5, 8, 12])
def test_a_blurred_object_is_outlined_at_its_own_size(radius: int) -> None:
    disc = np.zeros((HEIGHT * 4, WIDTH * 4), np.float32)
    cv2.circle(disc, (WIDTH * 2, HEIGHT * 2), radius * 4, 1.0, -1)
    cells = cv2.resize(disc, (WIDTH, HEIGHT), interpolation=cv2.INTER_AREA)
    values = 0.5 + 4.0 * cv2.GaussianBlur(cells, (0, 0), 1.2)
    wide = radius + 2
    box = (WIDTH / 2 - wide, HEIGHT / 2 - wide, WIDTH / 2 + wide, HEIGHT / 2 + wide)
    asked = prompt(box, (WIDTH / 2, HEIGHT / 2))
    (found,) = outlines(score_map(values), asked, (WIDTH * CELL, HEIGHT * CELL))
    area = float(disc.sum()) * (CELL / 4) ** 2
    assert 0.8 < found.bits.sum() / area < 1.1
    assert found.stability > 0.7


def test_a_flat_map_has_no_outline() -> None:
    asked = prompt((10, 10, 20, 20), (15, 15))
    (found,) = outlines(score_map(np.ones((HEIGHT, WIDTH))), asked, (WIDTH * CELL, HEIGHT * CELL))
    assert not found.bits.any()


def test_the_outline_keeps_to_the_region_of_its_point() -> None:
    values = np.full((HEIGHT, WIDTH), 0.5, np.float32)
    values[20:30, 20:30] = values[20:30, 34:44] = 4.5
    asked = prompt((18, 18, 46, 32), (25, 25))
    (found,) = outlines(score_map(values), asked, (WIDTH * CELL, HEIGHT * CELL))
    assert found.x + found.bits.shape[1] <= 32 * CELL
