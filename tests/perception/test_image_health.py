"""A camera that is blind, and one that repeats itself."""

from __future__ import annotations

import numpy as np
import pytest

from s2m_ros.perception.image_health import FrozenWatch, blindness
from s2m_ros.types import UInt8

MS = 1_000_000


def picture(level: float, spread: float, seed: int = 0) -> UInt8:
    noise = np.random.default_rng(seed).normal(level, spread, (96, 160, 1))
    return np.repeat(np.clip(noise, 0, 255), 3, axis=2).astype(np.uint8)


@pytest.mark.parametrize(
    ("level", "spread", "word"),
    [(2, 2, "black"), (254, 1, "saturated"), (128, 0.3, "without structure"), (0, 0, "black")],
)
def test_a_picture_that_shows_nothing_is_named(level: float, spread: float, word: str) -> None:
    assert word in blindness(picture(level, spread))


def test_night_and_glare_are_pictures_still() -> None:
    assert blindness(picture(20, 6)) == ""
    night = picture(3, 2)
    night[40:60, 60:110] = 90  # one lamp's pool of light
    assert blindness(night) == ""
    glare = picture(255, 1)
    glare[:30] = 120
    assert blindness(glare) == ""


def test_the_same_picture_is_frozen_after_its_time() -> None:
    watch, same = FrozenWatch(500), picture(120, 9)
    told = [watch.look(same, i * 100 * MS) for i in range(8)]
    assert told[:5] == [""] * 5
    assert "frozen: the same picture for 0.5 s" in told[5]
    assert watch.look(picture(120, 9, seed=1), 900 * MS) == ""


def test_noise_in_one_pixel_is_a_new_picture() -> None:
    watch, image = FrozenWatch(500), picture(120, 9)
    for i in range(12):
        image = image.copy()
        image[0, i, 0] ^= 1
        assert watch.look(image, i * 100 * MS) == ""


def test_a_limit_of_zero_and_a_jump_of_the_clock() -> None:
    off, same = FrozenWatch(0), picture(120, 9)
    assert not any(off.look(same, i * 1000 * MS) for i in range(5))
    watch = FrozenWatch(500)
    for i in range(3):
        watch.look(same, i * 100 * MS)
    watch.reset()
    assert watch.look(same, 10_000 * MS) == ""
    assert watch.look(same, 0) == ""  # back in time without a word
