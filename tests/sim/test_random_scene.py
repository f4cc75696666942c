"""Random labelled pictures."""

from __future__ import annotations

import numpy as np

from s2m_ros.sim import render_random
from s2m_ros.sim.model import CLASSES


def test_pictures_are_labelled_and_differ() -> None:
    pictures = [render_random(seed, 160, 96) for seed in (0, 1, 6)]
    for image, labels, anomaly in pictures:
        assert image.shape == (96, 160, 3)
        assert image.dtype == np.uint8
        assert labels.shape == anomaly.shape == (96, 160)
        np.testing.assert_array_equal(anomaly, labels == 255)
        assert ((labels < len(CLASSES)) | (labels == 255)).all()
        assert (labels == CLASSES.index("Road")).mean() > 0.2
    assert any(anomaly.any() for _, _, anomaly in pictures)
    assert not np.array_equal(pictures[0][0], pictures[1][0])


def test_a_seed_gives_the_same_picture() -> None:
    first, _, _ = render_random(1, 96, 64)
    render_random(40, 96, 64)
    np.testing.assert_array_equal(render_random(1, 96, 64)[0], first)
