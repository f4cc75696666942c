"""Metrics against scikit-learn and against naive loops over the definitions."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import ndimage

from s2m_ros.evaluation.component import THRESHOLDS as TAUS
from s2m_ros.evaluation.component import FrameComponents, LabelComponents, component_metrics
from s2m_ros.evaluation.pixel import PixelPool, pixel_metrics
from s2m_ros.evaluation.s2m import THRESHOLDS, cut_curves, frame_curves, s2m_metrics

EIGHT = np.ones((3, 3), int)


def frame_components(predicted, anomaly, ignore, min_pred=0, min_gt=0) -> FrameComponents:
    return LabelComponents(anomaly, ignore, min_gt).compare(predicted, min_pred)


# --- pixel ------------------------------------------------------------------------------------


@given(st.integers(0, 2**31), st.integers(2, 300), st.sampled_from([1, 20, 10_000]))
@settings(deadline=None, max_examples=80)
def test_pixel_metrics_are_those_of_scikit_learn(seed: int, n: int, levels: int) -> None:
    from sklearn import metrics

    rng = np.random.default_rng(seed)
    truth = rng.random(n) < 0.3
    truth[:2] = (True, False)
    score = (rng.integers(0, levels, n) + 0.7 * levels * truth * rng.random(n)).astype(np.float32)
    got = pixel_metrics(score[truth], score[~truth])
    assert got.ap == pytest.approx(metrics.average_precision_score(truth, score))
    assert got.auroc == pytest.approx(metrics.roc_auc_score(truth, score))
    fpr, tpr, _ = metrics.roc_curve(truth, score, drop_intermediate=False)
    assert got.fpr95 == pytest.approx(fpr[np.flatnonzero(tpr >= 0.95 - 1e-12)[0]])
    precision, recall, thresholds = metrics.precision_recall_curve(truth, score)
    f1 = 2 * precision * recall / np.maximum(precision + recall, 1e-12)
    assert got.best_f1 == pytest.approx(f1.max())
    at = f1[:-1][thresholds == got.threshold]
    assert at.max() == pytest.approx(f1.max())


def test_pool_leaves_ignored_pixels_out() -> None:
    pool = PixelPool()
    score = np.float32([[1, 9], [5, 100]])
    anomaly = np.array([[False, True], [False, False]])
    ignore = np.array([[False, False], [False, True]])
    pool.add(score, anomaly, ignore)
    pool.add(score - 1, anomaly, ignore)
    got = pool.metrics()
    assert (got.positives, got.negatives) == (2, 4)
    assert (got.ap, got.auroc, got.fpr95) == (1, 1, 0)


def test_undefined_without_anomalies() -> None:
    got = pixel_metrics(np.zeros(0, np.float32), np.zeros(5, np.float32))
    assert np.isnan([got.ap, got.auroc, got.fpr95, got.threshold]).all()


# --- component --------------------------------------------------------------------------------


def naive_components(predicted, anomaly, ignore, min_pred, min_gt):
    """The published definition, by loops over components."""
    truth, n_truth = ndimage.label(anomaly & ~ignore, EIGHT)
    found, n_found = ndimage.label(predicted & ~ignore, EIGHT)
    for j in range(1, n_found + 1):
        if (found == j).sum() < min_pred:
            found[found == j] = 0
    roi = ~ignore
    for i in range(1, n_truth + 1):
        if (truth == i).sum() < min_gt:
            roi &= truth != i
    truth, found = truth[roi], found[roi]
    siou, ppv = [], []
    for i in np.unique(truth[truth > 0]):
        k = truth == i
        hat = np.isin(found, np.unique(found[k & (found > 0)]))
        elsewhere = (hat & (truth > 0) & ~k).sum()
        siou.append((k & hat).sum() / ((k | hat).sum() - elsewhere))
    for j in np.unique(found[found > 0]):
        k = found == j
        ppv.append((k & (truth > 0)).sum() / k.sum())
    return siou, ppv


def naive_f1(frames):
    values = []
    for tau in TAUS:
        tp = sum(sum(s >= tau for s in siou) for siou, _ in frames)
        fn = sum(sum(s < tau for s in siou) for siou, _ in frames)
        fp = sum(sum(p < tau for p in ppv) for _, ppv in frames)
        values.append(2 * tp / (2 * tp + fn + fp) if tp + fn + fp else np.nan)
    return np.mean(values)


def blobs(rng, shape, share):
    field = ndimage.gaussian_filter(rng.normal(size=shape), 2)
    return field > np.quantile(field, 1 - share)


@given(st.integers(0, 2**31), st.sampled_from([0, 5, 25]), st.sampled_from([0, 4, 20]))
@settings(deadline=None, max_examples=60)
def test_components_are_those_of_the_definition(seed: int, min_pred: int, min_gt: int) -> None:
    rng = np.random.default_rng(seed)
    shape = (32, 40)
    frames, naive = [], []
    for _ in range(3):
        anomaly = blobs(rng, shape, 0.15)
        predicted = blobs(rng, shape, 0.1) | (anomaly & blobs(rng, shape, 0.6))
        ignore = blobs(rng, shape, 0.1)
        got = frame_components(predicted, anomaly, ignore, min_pred, min_gt)
        siou, ppv = naive_components(predicted, anomaly, ignore, min_pred, min_gt)
        np.testing.assert_allclose(sorted(got.siou), sorted(siou))
        np.testing.assert_allclose(sorted(got.ppv), sorted(ppv))
        frames.append(got)
        naive.append((siou, ppv))
    np.testing.assert_allclose(component_metrics(frames).f1, naive_f1(naive))


def square(*boxes, shape=(40, 60)):
    out = np.zeros(shape, np.bool_)
    for x0, y0, x1, y1 in boxes:
        out[y0:y1, x0:x1] = True
    return out


def test_by_hand() -> None:
    none = square()
    truth = square((0, 0, 10, 10), (20, 0, 30, 10))
    predicted = square((0, 0, 10, 5), (40, 20, 45, 25))
    got = frame_components(predicted, truth, none)
    np.testing.assert_allclose(got.siou, [0.5, 0])
    np.testing.assert_allclose(got.ppv, [1, 0])
    metrics = component_metrics([got])
    # up to tau .5: TP 1, FN 1, FP 1; above: TP 0
    assert metrics.f1 == pytest.approx(6 / 11 * 0.5)
    assert (metrics.siou, metrics.ppv) == (0.25, 0.5)


def test_one_prediction_over_two_objects_costs_neither_the_other() -> None:
    truth = square((0, 0, 10, 10), (20, 0, 30, 10))
    got = frame_components(square((0, 0, 30, 10)), truth, square())
    np.testing.assert_allclose(got.siou, [0.5, 0.5])


def test_each_object_has_the_value_that_most_of_its_pixels_have() -> None:
    truth = square((0, 0, 10, 10), (20, 0, 30, 10), (40, 0, 42, 2))
    values = np.where(truth, 11, 0).astype(np.uint16)
    values[0:10, 20:30] = 12
    values[0:3, 20:30] = 13
    got = LabelComponents(truth, square(), 5, values).compare(square((20, 0, 30, 10)))
    assert got.value.tolist() == [11, 12]  # the third is too small to count
    assert got.siou.tolist() == [0, 1]


def test_a_score_that_is_not_finite_has_no_metrics() -> None:
    good = np.zeros(3, np.float32)
    for bad in (np.nan, np.inf, -np.inf):
        with pytest.raises(ValueError, match="finite"):
            pixel_metrics(good, np.float32([0, bad, 1]))
        with pytest.raises(ValueError, match="finite"):
            pixel_metrics(np.float32([bad]), good.copy())


def test_empty_cases() -> None:
    none = square()
    nothing_labelled = component_metrics([frame_components(none, none, none)])
    assert np.isnan([nothing_labelled.siou, nothing_labelled.ppv, nothing_labelled.f1]).all()
    missed = component_metrics([frame_components(none, square((0, 0, 5, 5)), none)])
    assert (missed.siou, missed.ppv, missed.f1) == (0, 0, 0)
    false = component_metrics([frame_components(square((0, 0, 5, 5)), none, none)])
    assert (false.ppv, false.f1) == (0, 0)
    assert np.isnan(component_metrics([]).siou)


# --- S2M --------------------------------------------------------------------------------------


@given(st.integers(0, 2**31))
@settings(deadline=None, max_examples=40)
def test_curves_are_those_of_a_loop_over_thresholds(seed: int) -> None:
    rng = np.random.default_rng(seed)
    canvas = (rng.integers(0, 101, (9, 11)) / 100).astype(np.float32)
    canvas[rng.random(canvas.shape) < 0.3] = rng.random()
    anomaly, ignore = rng.random(canvas.shape) < 0.4, rng.random(canvas.shape) < 0.1
    anomaly[0, 0], ignore[0, 0] = True, False
    got = frame_curves(canvas, anomaly, ignore)
    assert got is not None
    for t, iou, f1 in zip(THRESHOLDS, got.iou, got.f1, strict=True):
        p, k = (canvas.astype(np.float64) > t)[~ignore], anomaly[~ignore]
        assert iou == pytest.approx((p & k).sum() / (p | k).sum())
        assert f1 == pytest.approx(2 * (p & k).sum() / (p.sum() + k.sum()))


def test_set_average_and_oracle_threshold() -> None:
    anomaly, none = square((0, 0, 10, 10)), square()
    strong = frame_curves(anomaly * np.float32(0.9), anomaly, none)
    weak = frame_curves(anomaly * np.float32(0.3), anomaly, none)
    metrics = s2m_metrics([strong, weak, frame_curves(np.zeros((40, 60), np.float32), none, none)])
    assert metrics.images == 2
    assert metrics.iou == 1
    assert metrics.threshold < 0.3
    assert metrics.auiou == pytest.approx((0.9 + 0.3) / 2 * 100 / 101, abs=0.01)


def test_a_map_that_was_cut_counts_at_every_threshold() -> None:
    anomaly, none = square((0, 0, 10, 10)), square()
    curves = cut_curves(anomaly, anomaly, none)
    assert curves is not None
    assert (curves.iou == 1).all()
    rng = np.random.default_rng(3)
    cut, truth, ignore = (rng.random((20, 30)) < share for share in (0.3, 0.4, 0.2))
    curves, same = cut_curves(cut, truth, ignore), frame_curves(2 * np.float32(cut), truth, ignore)
    assert curves is not None
    assert same is not None
    np.testing.assert_allclose(curves.iou, same.iou)
    np.testing.assert_allclose(curves.f1, same.f1)
    assert cut_curves(cut, none, none) is None


def test_no_image_with_anomalies() -> None:
    assert np.isnan(s2m_metrics([None]).iou)
