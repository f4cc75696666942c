"""The whole evaluation on a made data set and a tiny model."""

from __future__ import annotations

import json
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.cli.main import main

SCENES = {
    "one": [(40, 100, 88, 140)],
    "two": [(40, 100, 88, 140), (200, 40, 260, 90)],
    "clear": [],
}


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("set")
    for folder in ("images", "labels"):
        (root / folder).mkdir()
    for name, boxes in SCENES.items():
        image = toy_model.scene(boxes)
        cv2.imwrite(str(root / "images" / f"{name}.png"), image[..., ::-1])
        label = (image[..., 0] > 200).astype(np.uint8)
        label[:8] = 255
        cv2.imwrite(str(root / "labels" / f"{name}.png"), label)
    toy_model.write(root / "toy", width=320, height=192)
    return root


def run(data: Path, out: Path, *more: str) -> dict:
    main(
        [
            "eval",
            *("--images", str(data / "images"), "--labels", str(data / "labels")),
            *("--model", str(data / "toy"), "--out", str(out), *more),
        ]
    )
    return json.loads((out / "metrics.json").read_text())


def test_command_writes_what_its_contract_says(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit) as end:
        run(data, tmp_path)
    assert not end.value.code
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert (tree["frames"], tree["scorer"], tree["model"]) == (3, "learned", "toy")
    assert set(tree["score"]["pixel"]) >= {"ap", "fpr95", "auroc"}
    for part in ("threshold", "masks"):
        assert set(tree[part]["component"]) >= {"siou", "ppv", "f1"}
        assert set(tree[part]["s2m"]) >= {"iou", "mean_f1"}
    assert tree["clean_frames"] == 1
    assert tree["false_masks_per_clean_frame"] == 0
    assert set(tree["ms_per_frame"]) == {"score", "prompt", "mask", "total"}
    assert tree["score"]["pixel"]["ap"] > 0.95
    assert tree["masks"]["component"]["f1"] > 0.9
    assert tree["masks"]["component"]["objects"] == 3
    assert tree["masks"]["s2m"]["iou"] > 0.8
    assert "| pixel AP |" in (tmp_path / "report.md").read_text()
    page = (tmp_path / "report.html").read_text()
    assert "Worst frames" in page
    assert page.count("<figure>") == 3 * 4
    assert "http:" not in page
    assert "https:" not in page


def test_other_scorer_and_least_sizes(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        run(data, tmp_path, "--scorer", "msp", "--min-gt-px", "1800")
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["scorer"] == "msp"
    assert tree["masks"]["component"]["objects"] == 1  # the smaller two have 1508 px each


def test_sweep_reports_the_best_cut_beside_the_operating_point(data: Path, tmp_path: Path) -> None:
    strict = ("--set", "perception.selection.min_evidence=0.99")
    with pytest.raises(SystemExit):
        run(data, tmp_path, "--sweep", *strict)
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["masks"]["component"]["predictions"] == 0
    assert tree["masks"]["min_evidence"] == 0.99
    best = tree["masks_at_best_evidence"]
    assert best["component"]["f1"] > 0.9
    assert best["min_evidence"] < 0.9


def test_clean_frames_alone(data: Path, tmp_path: Path) -> None:
    with pytest.raises(SystemExit):
        main(
            [
                "eval",
                *("--clean", str(data / "images"), "--model", str(data / "toy")),
                *("--out", str(tmp_path)),
            ]
        )
    tree = json.loads((tmp_path / "metrics.json").read_text())
    assert tree["clean_frames"] == 3
    assert tree["false_masks_per_clean_frame"] == pytest.approx(1)
    assert tree["score"]["pixel"]["ap"] is None
