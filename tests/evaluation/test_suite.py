"""All parts of the suite on tiny data sets and a tiny model, and what a second run does again."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.cli.main import main
from s2m_ros.evaluation import benchmarks, reuse, suite_report
from s2m_ros.evaluation.tables import Grid, markdown
from s2m_ros.runtime.scorers import SCORERS

BOX = (40, 100, 88, 140)
PARTS = "sets,clean,small,decoder,scorers,clustering"


def picture(path: Path, image: np.ndarray) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    assert cv2.imwrite(str(path), image[..., ::-1] if image.ndim == 3 else image)


def noisy(seed: int) -> np.ndarray:
    noise = np.random.default_rng(seed).integers(-9, 10, (192, 320, 3))
    return np.clip(toy_model.scene([]) + noise, 0, 255).astype(np.uint8)


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Every set but Fishyscapes Static."""
    root = tmp_path_factory.mktemp("data")
    toy_model.write(root / "toy", width=320, height=192)
    scene = toy_model.scene([BOX])
    truth = (scene[..., 0] > 200).astype(np.uint8)
    for item in benchmarks.SETS[:-1]:
        picture(root / "ood" / item.key / "images" / "a.png", scene)
        picture(root / "ood" / item.key / "labels" / "a.png", truth)
    held_out = json.loads(benchmarks.SPLIT.read_text())["held_out"]
    for i, name in enumerate((*held_out["runway"][:1], "camvid/test/a.png", "camvid/test/b.png")):
        picture(root / name, noisy(i))
    for name in held_out["davis"]:
        picture(root / "davis" / "images" / f"{name}.jpg", scene)
        picture(root / "davis" / "masks" / f"{name}.png", 255 * truth)
    return root


def run(data: Path, out: Path, *more: str) -> dict:
    with pytest.raises(SystemExit) as end:
        main(
            [
                *("eval-suite", "--data", str(data), "--model", str(data / "toy")),
                *("--out", str(out), "--only", PARTS, "--input", "320x192", "--limit", "2", *more),
            ]
        )
    assert not end.value.code
    tree: dict = json.loads((out / "summary.json").read_text())
    return tree


@pytest.fixture(scope="module")
def out(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("out")
    run(data, folder)
    return folder


def test_every_part_has_its_figures(out: Path) -> None:
    tree = json.loads((out / "summary.json").read_text())
    assert set(tree["sets"]) == {item.key for item in benchmarks.SETS[:-1]}
    assert tree["sets"]["road_anomaly"]["options"]["min_pred_px"] == 500
    assert tree["sets"]["smiyc_obstacle21"]["options"]["min_gt_px"] == 10
    assert tree["sets"]["road_anomaly"]["masks_at_best_evidence"]["component"]["f1"] > 0.9
    assert {key: part["clean_frames"] for key, part in tree["clean"].items()} == {
        "runway": 1,
        "runway_held_out": 1,
        "camvid_test": 2,
    }
    small = tree["small"]["sets"]["road_anomaly"]
    assert small["masks_at_best_evidence"]["component"]["f1"] > 0.9
    assert tree["small"]["clean"]["camvid_test"]["clean_frames"] == 2
    assert tree["decoder"]["davis"]["iou"]["all"]["exact"] > 0.9
    expected = {*SCORERS, benchmarks.COMBINATION}
    assert set(tree["scorers"]["road_anomaly"]) == expected
    assert set(tree["clustering"]) == set(benchmarks.SENSITIVITY_SETS)
    sensitivity = tree["clustering"]["road_anomaly"]
    assert len(sensitivity) == 1 + len(benchmarks.CLUSTERS) * len(benchmarks.SHARES)
    assert len(sensitivity["clustering"]["threshold_at"]) == len(benchmarks.QUANTILES)


def test_what_could_not_be_measured_is_said(out: Path) -> None:
    tree = json.loads((out / "summary.json").read_text())
    text = "\n".join(tree["problems"])
    assert "Fishyscapes Static" in text
    assert "instances.json" in text  # of COCO
    for name in ("summary.md", "summary.html"):
        assert "Fishyscapes Static" in (out / name).read_text()


def test_the_summary_has_a_row_for_each_scorer(out: Path) -> None:
    text = (out / "summary.md").read_text()
    for name in SCORERS:
        assert f"\n| {name} |" in text
    assert "| mean |" in text
    assert text.count("| small preset: RoadAnomaly |") == 2  # the sets and the timing
    assert "| small preset: CamVid test |" in text
    page = (out / "summary.html").read_text()
    assert 'href="sets/road_anomaly/report.html"' in page
    assert 'href="small/sets/road_anomaly/report.html"' in page
    assert "http:" not in page


def test_what_was_measured_is_not_measured_again(data: Path, out: Path) -> None:
    files = sorted(out.rglob("metrics.json"))
    assert len(files) > 50
    before = [path.stat().st_mtime_ns for path in files]
    first = json.loads((out / "summary.json").read_text())
    assert run(data, out) == first
    assert [path.stat().st_mtime_ns for path in files] == before
    changed = run(data, out, "--set", "perception.selection.min_evidence=0.9", "--only", "sets")
    assert changed["sets"]["road_anomaly"]["masks"]["min_evidence"] == 0.9


def test_earlier_figures_hold_for_the_same_only(tmp_path: Path) -> None:
    path = tmp_path / "metrics.json"
    assert reuse.earlier(path, "x") is None
    path.write_text('{"made_from": "x"}')
    assert reuse.earlier(path, "x") == {"made_from": "x"}
    assert reuse.earlier(path, "y") is None
    path.write_text('{"made_from": "x"')
    assert reuse.earlier(path, "x") is None


def test_gain_is_of_the_means_over_sets() -> None:
    def tree(cut: float, masks: float) -> dict:
        part = {"component": {"f1": cut}, "s2m": {"iou": 0.5}}
        other = {"component": {"f1": masks}, "s2m": {"iou": 0.6}}
        return {"threshold": part, "masks": other, "masks_at_best_evidence": None}

    gains = suite_report.gain({"a": tree(0.2, 0.4), "b": tree(0.6, 0.8)})
    assert gains["masks_f1"] == pytest.approx(0.6 / 0.4 - 1)
    assert gains["masks_iou"] == pytest.approx(0.2)
    assert gains["best_f1"] is None


def test_a_cell_cannot_break_its_table() -> None:
    assert "| a\\|b | c |" in markdown(Grid("t", ("x", "y"), [("a|b", "c")]))
