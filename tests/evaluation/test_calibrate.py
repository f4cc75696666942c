"""Calibration of a site from normal footage, and what it changes."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model
import values

from s2m_ros.cli.main import main
from s2m_ros.config import load
from s2m_ros.evaluation.calibrate import calibrate
from s2m_ros.evaluation.footage import Folder, Labelled, Shot, Together, open_footage
from s2m_ros.evaluation.layouts import Label
from s2m_ros.evaluation.operating import Evidence, operating_point
from s2m_ros.runtime import site as sites
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError


class Shots:
    """Grey scenes with noise of their own, and reddish stains that are normal at this site."""

    def __init__(self, count: int = 12, *boxes: tuple[int, int, int, int]) -> None:
        self._count, self._boxes = count, boxes

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[Shot]:
        for seed in range(self._count):
            image = toy_model.scene(list(self._boxes)).astype(np.int16)
            rng = np.random.default_rng(seed)
            image += rng.integers(-8, 9, image.shape)
            for x in rng.integers(10, 280, 3):
                image[100 : 100 + 12, x : x + 20, 0] += int(rng.integers(60, 90))
            yield Shot(np.clip(image, 0, 255).astype(np.uint8))

    @property
    def seconds(self) -> float:
        return self._count / 10


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy", width=320, height=192)


@pytest.fixture(scope="module")
def site(folder: Path) -> sites.Site:
    settings = load(None, {"perception.model.path": str(folder)}).perception
    return calibrate(settings, Shots(), false_masks_per_minute=60)


def masks_with(folder: Path, site: sites.Site | None, tmp_path: Path, image: np.ndarray) -> int:
    values = {"perception.model.path": str(folder)}
    if site is not None:
        sites.save(site, tmp_path / "site.npz")
        values["perception.site"] = str(tmp_path / "site.npz")
    return len(build_perception(load(None, values).perception).perceive(image).masks.items)


def test_what_is_normal_here_is_no_longer_reported(
    folder: Path, site: sites.Site, tmp_path: Path
) -> None:
    before = sum(masks_with(folder, None, tmp_path, shot.image) for shot in Shots())
    after = sum(masks_with(folder, site, tmp_path, shot.image) for shot in Shots())
    assert before > 10
    assert after <= 1  # 60 a minute, in 1.2 s
    assert masks_with(folder, site, tmp_path, toy_model.scene([(40, 60, 90, 110)])) == 1


def test_every_scorer_of_the_model_is_calibrated(site: sites.Site) -> None:
    assert {"learned", "msp", "energy", "knn", "mahalanobis", "clustering"} <= set(site.quantiles)
    assert site.statistics is not None
    assert site.about["frames"] == "12"


def test_quantiles_are_those_of_the_footage(folder: Path, site: sites.Site) -> None:
    settings = load(None, {"perception.model.path": str(folder)}).perception
    perception = build_perception(settings)
    raw = np.concatenate([perception.perceive(shot.image).raw.ravel() for shot in Shots()])
    calibrated = site.quantiles["learned"](raw)
    for share in np.unique(calibrated):  # few values, as many cells are alike
        if 0.1 < share < 0.99:
            assert (calibrated <= share).mean() == pytest.approx(share, abs=0.05)


def test_only_what_is_asked(folder: Path) -> None:
    settings = load(None, {"perception.model.path": str(folder), "perception.scorer": "energy"})
    made = calibrate(settings.perception, Shots(3), 1, ["energy"])
    assert set(made.quantiles) == {"energy"}
    assert set(made.min_evidence) == {"energy"}


def test_operating_point_alone_keeps_the_quantiles_of_the_model(folder: Path) -> None:
    settings = load(None, {"perception.model.path": str(folder)}).perception
    made = calibrate(settings, Shots(3), 60, [])
    assert made.quantiles == {}
    assert made.statistics is None
    assert 0 < made.min_evidence["learned"] < 1


def test_operating_point_lets_the_stated_number_through() -> None:
    evidence = np.random.default_rng(0).random(1000)
    for allowed in (1, 10, 100.5):
        assert (evidence >= operating_point(evidence, allowed)).sum() == int(allowed)
    assert operating_point(np.zeros(0), 0.1) == 0
    assert operating_point(np.float64([0.3]), 5) == 0


def test_rarer_rates_than_the_footage_shows_go_past_its_highest() -> None:
    evidence = np.random.default_rng(1).exponential(0.05, 2000)
    strict = [operating_point(evidence, allowed) for allowed in (0.5, 0.1, 0.01)]
    assert strict[0] > evidence.max()
    assert strict == sorted(strict)
    assert strict[-1] <= 1
    truth = -0.05 * np.log(0.1 / 2000)
    assert strict[1] == pytest.approx(truth, rel=0.25)


def test_footage_of_folders(tmp_path: Path) -> None:
    for i in range(7):
        cv2.imwrite(str(tmp_path / f"{i}.png"), np.full((4, 4, 3), i, np.uint8))
    part = open_footage(tmp_path, rate_hz=2)
    assert len(part) == 7
    assert part.seconds == 3.5
    some = Together([part, part], most=5)
    values = [int(shot.image[0, 0, 0]) for shot in some]
    assert values == [0, 3, 6, 2, 5]
    assert len(some) == len(values)
    with pytest.raises(InputError, match="no image in this folder"):
        Folder(tmp_path / "none", 10)


def test_what_cannot_be_reached_is_no_operating_point(folder: Path) -> None:
    settings = load(None, {"perception.model.path": str(folder)}).perception
    with pytest.raises(InputError, match="nothing is ever found"):
        calibrate(settings, Shots(3), 1e-3, [])


def test_masks_on_labels_are_objects_and_not_false() -> None:
    unknown = np.zeros((48, 64), np.bool_)
    unknown[0:12, 0:16] = True  # of the grid of 16 x 12: cells (0..3, 0..2)
    unknown[40:48, 56:64] = True
    void = np.zeros_like(unknown)
    void[:, 32:44] = True
    label = Label(unknown, void, unknown.astype(np.uint16))
    whole, part, false, open_ = (
        replace(values.mask(i, np.ones((h, w), np.bool_), x, y), evidence=evidence)
        for i, (h, w, x, y, evidence) in enumerate(
            [(3, 4, 0, 0, 0.6), (1, 2, 0, 0, 0.9), (2, 2, 4, 6, 0.7), (2, 2, 9, 6, 0.8)], start=1
        )
    )
    found = Evidence()
    masks = values.masks(1, (whole, part, false, open_))
    found.add(masks, label)
    assert found.false == [0.7]
    assert found.objects == [0.6, 0.0]
    assert found.kept(0.6) == 0.5
    assert found.point(allowed=0, keep=0) > 0.7
    assert found.point(allowed=0, keep=1) == 0.6
    assert found.passing(0.7) == 1
    found.add(masks, None)
    assert found.false == [0.7, 0.6, 0.9, 0.7, 0.8]


def test_labelled_objects_are_not_calibrated_away(folder: Path, tmp_path: Path) -> None:
    for name in ("images", "labels"):
        (tmp_path / name).mkdir()
    box = (40, 60, 90, 110)
    for i, shot in enumerate(Shots(6, box)):
        label = np.zeros((192, 320), np.uint8)
        label[box[1] : box[3], box[0] : box[2]] = 1
        cv2.imwrite(str(tmp_path / "images" / f"{i}.png"), shot.image[..., ::-1])
        cv2.imwrite(str(tmp_path / "labels" / f"{i}.png"), label)
    footage = open_footage(tmp_path, rate_hz=10)
    assert isinstance(footage, Labelled)
    assert (len(footage), footage.seconds) == (6, 0.6)
    settings = load(None, {"perception.model.path": str(folder)}).perception
    made = calibrate(settings, footage, 60, ["learned"])
    assert (made.about["objects"], made.about["objects_kept"]) == ("6", "1.000")
    assert masks_with(folder, made, tmp_path, toy_model.scene([box])) == 1
    plain = calibrate(settings, Folder(tmp_path / "images", 10), 60, ["learned"])
    assert masks_with(folder, plain, tmp_path, toy_model.scene([box])) == 0


def test_command(folder: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    shots = tmp_path / "normal"
    shots.mkdir()
    for i, shot in enumerate(Shots(4)):
        cv2.imwrite(str(shots / f"{i}.png"), shot.image[..., ::-1])
    out = tmp_path / "site.npz"
    with pytest.raises(SystemExit) as end:
        main(
            [
                "calibrate",
                str(shots),
                "--model",
                str(folder),
                "--out",
                str(out),
                "--only",
                "--false-masks-per-minute",
                "600",
            ]
        )
    assert not end.value.code
    assert "learned" in capsys.readouterr().out
    assert set(sites.load(out).quantiles) == {"learned"}
