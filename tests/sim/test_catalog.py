"""Each kind stands on the ground with a plausible size."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("embreex", reason="the simulator needs embreex (x86-64 Linux or macOS)")

from s2m_ros.sim import catalog
from s2m_ros.sim.model import ANOMALY, ANOMALY_LABEL, CLASSES, label_of

LARGEST_M = {ANOMALY: 7.0, "Car": 6.0, "ServiceVehicle": 10.0, "Pedestrian": 2.1, "Aircraft": 40.0}


@pytest.mark.parametrize("kind", sorted(catalog.MAKERS))
def test_kind(kind: str) -> None:
    for seed in range(3):
        model = catalog.make(kind, np.random.default_rng(seed))
        low, high = model.meshes[0].bounds()
        assert low[2] == pytest.approx(0, abs=1e-4)
        np.testing.assert_allclose((low + high)[:2], 0, atol=1e-3)
        assert 0.005 < (high - low).max() <= LARGEST_M.get(model.category, 120.0)
        for mesh in model.meshes:
            assert np.isfinite(mesh.triangles).all()
            np.testing.assert_allclose(np.linalg.norm(mesh.normals, axis=-1), 1, atol=1e-3)
        assert (model.category == ANOMALY) == (kind in catalog.FOREIGN)


def test_a_seed_makes_the_same_thing_again() -> None:
    one, two = (catalog.make("clutter", np.random.default_rng(7)) for _ in range(2))
    np.testing.assert_array_equal(one.meshes[0].triangles, two.meshes[0].triangles)


def test_a_gait_repeats_with_its_stride() -> None:
    walker = catalog.make("person", np.random.default_rng(1))
    assert walker.at_distance(0.0) is walker.at_distance(walker.stride_m)
    assert walker.at_distance(0.0) is not walker.at_distance(walker.stride_m / 2)


def test_an_unknown_kind_names_those_known() -> None:
    with pytest.raises(ValueError, match=r"expected one of airliner, .* got 'zeppelin'"):
        catalog.make("zeppelin", np.random.default_rng(0))


def test_labels_follow_the_default_model() -> None:
    classes = pytest.importorskip("models.training.classes", reason="training sources are absent")
    assert tuple(c.name for c in classes.CLASSES) == CLASSES
    assert classes.IGNORE == ANOMALY_LABEL == label_of(ANOMALY)
