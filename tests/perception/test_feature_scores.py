"""Scores that compare with normal footage, against references computed another way."""

from __future__ import annotations

import numpy as np
import pytest
from scipy.spatial.distance import mahalanobis as scipy_mahalanobis
from sklearn.cluster import KMeans
from sklearn.metrics import adjusted_rand_score, roc_auc_score
from sklearn.neighbors import NearestNeighbors

from s2m_ros.perception import feature_scores as fs
from s2m_ros.perception import statistics
from s2m_ros.perception.interfaces import Encoding

H, W, C, D = 24, 40, 4, 12


def frame(seed: int, odd: bool = True) -> tuple[Encoding, np.ndarray]:
    """Four quadrants of four classes, with a patch of features and logits unlike any of them."""
    rng = np.random.default_rng(seed)
    classes = (np.arange(H)[:, None] >= H // 2) * 2 + (np.arange(W)[None] >= W // 2)
    centres = np.random.default_rng(99).normal(size=(C, D)) * 3
    features = centres[classes] + rng.normal(size=(H, W, D)) * 0.5
    logits = rng.normal(size=(H, W, C)) * 0.3
    np.put_along_axis(logits, classes[..., None], 8 + rng.normal(size=(H, W, 1)), axis=2)
    truth = np.zeros((H, W), np.bool_)
    if odd:
        truth[4:10, 8:16] = True
        away = np.random.default_rng(5).normal(size=D) * 4
        features[truth] = away + rng.normal(size=(truth.sum(), D)) * 0.5
        logits[truth] = rng.normal(size=(truth.sum(), C))
    encoding = Encoding(
        np.zeros((4 * H, 4 * W, 3), np.uint8),
        np.zeros((1, 4 * H, 4 * W, 3), np.uint8),
        None,
        logits.transpose(2, 0, 1).astype(np.float32),
        {"features": features.transpose(2, 0, 1)[None].astype(np.float32)},
    )
    return encoding, truth


@pytest.fixture(scope="module")
def normal() -> statistics.Statistics:
    parts = [frame(seed, odd=False)[0] for seed in range(4)]
    logits = np.concatenate([p.logits.reshape(C, -1).T for p in parts if p.logits is not None])
    features = np.concatenate([p.features["features"][0].reshape(D, -1).T for p in parts])
    return statistics.fit(logits, features, bank_size=800)


@pytest.mark.parametrize("name", sorted(fs.FEATURE_SCORES))
def test_finds_what_is_unlike_normal_footage(name: str, normal: statistics.Statistics) -> None:
    encoding, truth = frame(11)
    score = fs.WithStatistics(name, normal)(encoding)
    assert score.shape == (H, W)
    assert score.dtype == np.float32
    assert roc_auc_score(truth.ravel(), score.ravel()) > 0.95


def test_clustering_needs_no_training() -> None:
    encoding, truth = frame(11)
    score = fs.clustering(encoding, k=5)
    assert roc_auc_score(truth.ravel(), score.ravel()) > 0.95


def test_mahalanobis_is_the_least_distance_to_a_class(normal: statistics.Statistics) -> None:
    flat, _ = fs.cells(frame(3)[0])
    expected = [
        min(
            scipy_mahalanobis(row, mean, whitening @ whitening.T) ** 2
            for mean, whitening in zip(normal.class_mean, normal.whitening, strict=True)
        )
        for row in flat[:40]
    ]
    np.testing.assert_allclose(fs.class_distance(flat[:40], normal), expected, rtol=1e-3)


def test_nearest_is_that_of_scikit_learn() -> None:
    rng = np.random.default_rng(1)
    bank = statistics.unit_length(rng.normal(size=(300, 16)).astype(np.float32))
    queries = statistics.unit_length(rng.normal(size=(50, 16)).astype(np.float32))
    expected = NearestNeighbors(n_neighbors=3).fit(bank).kneighbors(queries)[0].mean(axis=1)
    np.testing.assert_allclose(statistics.nearest(queries, bank), expected, atol=1e-4)


def test_kmeans_finds_the_clusters_that_scikit_learn_finds() -> None:
    rng = np.random.default_rng(2)
    centres = rng.normal(size=(5, 8)) * 5
    points = (centres[rng.integers(0, 5, 400)] + rng.normal(size=(400, 8))).astype(np.float32)
    ours = fs.kmeans(points, 5)
    theirs = KMeans(5, n_init=10, random_state=0).fit_predict(points)
    assert adjusted_rand_score(ours, theirs) > 0.98
    assert np.array_equal(ours, fs.kmeans(points, 5))


def test_suppression_leaves_the_inside_and_replaces_the_boundary() -> None:
    classes = np.zeros((9, 9), np.uint8)
    classes[:, 5:] = 1
    at = fs.boundary(classes, 1)
    assert at[:, 4:6].all()
    assert not at[:, :3].any()
    assert not at[:, 7:].any()
    score = np.zeros((9, 9), np.float32)
    score[:, 4:6] = 9
    smooth = fs.suppress(score, at)
    assert smooth[:, 4:6].max() < 9
    assert (smooth[:, :3] == 0).all()


def test_statistics_survive_storing(normal: statistics.Statistics) -> None:
    again = statistics.load_fields(statistics.save_fields(normal))
    encoding, _ = frame(2)
    for name in fs.FEATURE_SCORES:
        one = fs.WithStatistics(name, normal)(encoding)
        np.testing.assert_allclose(fs.WithStatistics(name, again)(encoding), one, rtol=1e-5)


def test_too_few_cells_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 100"):
        statistics.fit(np.zeros((5, 3), np.float32), np.zeros((5, 4), np.float32))


def test_classes_that_never_occur_take_the_overall_statistics() -> None:
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(500, 3)).astype(np.float32)
    logits[:, 2] = -50
    fitted = statistics.fit(logits, rng.normal(size=(500, 6)).astype(np.float32))
    assert np.isfinite(fitted.whitening).all()
    assert fitted.max_mean[2] == pytest.approx(logits.max(axis=1).mean(), rel=1e-4)


def test_a_model_without_features_says_so() -> None:
    encoding, _ = frame(0)
    bare = Encoding(encoding.image, encoding.network_input, None, encoding.logits)
    with pytest.raises(ValueError, match="needs features"):
        fs.clustering(bare)
