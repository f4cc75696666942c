"""The whole evaluation on a made data set and a tiny model."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.cli.main import main
from s2m_ros.config import load
from s2m_ros.evaluation.evaluate import Options, evaluate
from s2m_ros.evaluation.found import Found, score_frames
from s2m_ros.evaluation.layouts import plain, read_categories
from s2m_ros.evaluation.one_set import as_on_the_vehicle
from s2m_ros.perception.interfaces import Encoding
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.manifest import find, read
from s2m_ros.runtime.trunk import TrunkEncoder
from s2m_ros.types import InputError

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
    given = ("--images", str(data / "images"), "--labels", str(data / "labels"), *more)
    return measured(data, out, *given)


def measured(data: Path, out: Path, *given: str) -> dict:
    """metrics.json, read as strict JSON: NaN and infinities are refused."""
    with pytest.raises(SystemExit) as end:
        main(["eval", *given, "--model", str(data / "toy"), "--out", str(out)])
    assert not end.value.code

    def refuse(name: str) -> None:
        raise AssertionError(f"{name} in metrics.json")

    tree: dict = json.loads((out / "metrics.json").read_text(), parse_constant=refuse)
    return tree


def subset(data: Path, out: Path, *names: str) -> Path:
    """A data set of some of the frames."""
    for folder in ("images", "labels"):
        (out / folder).mkdir(parents=True)
        for name in names:
            shutil.copy(data / folder / f"{name}.png", out / folder)
    (out / "toy").symlink_to(data / "toy")
    return out


def test_command_writes_what_its_contract_says(data: Path, tmp_path: Path) -> None:
    tree = run(data, tmp_path)
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


def test_scores_alone_at_another_input_size(data: Path, tmp_path: Path) -> None:
    whole = run(data, tmp_path / "a", "--scorer", "msp", "--input", "256x128")
    alone = run(data, tmp_path / "b", "--scorer", "msp", "--input", "256x128", "--score-only")
    assert alone["scorer"] == "msp"
    assert alone["input"] == {"asked": "256x128", "used": ["256x128"]}
    for part in ("score", "threshold"):
        assert alone[part] == whole[part]
    assert alone["masks"] is None
    assert alone["false_masks_per_clean_frame"] is None
    assert set(alone["ms_per_frame"]) == {"score", "total"}


@pytest.mark.parametrize(
    ("names", "clean"), [(("one", "two"), 0), (("clear",), 1)], ids=["objects", "clean"]
)
def test_sets_without_clean_frames_or_without_objects(
    data: Path, tmp_path: Path, names: tuple[str, ...], clean: int
) -> None:
    tree = run(subset(data, tmp_path / "set", *names), tmp_path / "out", "--sweep")
    assert tree["clean_frames"] == clean
    for part in (tree["score"]["pixel"]["ap"], tree["masks"]["component"]["f1"]):
        assert (part is None) == bool(clean)
    assert tree["false_masks_per_clean_frame"] == (0 if clean else None)
    assert tree["false_masks_per_minute"] == (0 if clean else None)


def test_least_sizes(data: Path, tmp_path: Path) -> None:
    tree = run(data, tmp_path, "--min-gt-px", "1800", "--score-only")
    assert tree["threshold"]["component"]["objects"] == 1  # the smaller two have 1508 px each


def test_sweep_stands_beside_the_operating_point(data: Path, tmp_path: Path) -> None:
    point = ("--set", "perception.selection.min_evidence=0.8")
    plain = run(data, tmp_path / "plain", *point)
    tree = run(data, tmp_path / "swept", "--sweep", *point)
    assert tree["masks"] == plain["masks"]  # a sweep changes nothing at the operating point
    assert tree["masks"]["min_evidence"] == 0.8
    rows = {row["min_evidence"]: row for row in tree["evidence_sweep"]}
    for key in ("siou", "ppv", "f1"):  # and it says what another point would have given
        assert rows[0.8][key] == tree["masks"]["component"][key]
    best = tree["masks_at_best_evidence"]
    assert best["component"]["f1"] > 0.9
    assert best["component"]["f1"] == max(row["f1"] for row in rows.values())
    false = [row["false_masks_per_clean_frame"] for row in rows.values()]
    assert false == sorted(false, reverse=True)


def test_clean_frames_alone(data: Path, tmp_path: Path) -> None:
    given = ("--clean", str(data / "images"), "--rate-hz", "5")
    tree = measured(data, tmp_path, *given)
    assert tree["clean_frames"] == 3
    assert tree["false_masks"] == 3
    assert tree["false_masks_per_clean_frame"] == pytest.approx(1)
    assert tree["false_masks_per_minute"] == pytest.approx(5 * 60)
    assert tree["score"]["pixel"]["ap"] is None


def test_masks_on_ignored_ground_are_not_false(data: Path, tmp_path: Path) -> None:
    whole = subset(data, tmp_path / "set", "one")
    label = np.zeros((192, 320), np.uint8)
    label[90:150, 30:100] = 255
    cv2.imwrite(str(whole / "labels" / "one.png"), label)
    tree = run(whole, tmp_path / "out")
    assert (tree["clean_frames"], tree["false_masks"]) == (1, 0)
    assert tree["masks"]["component"]["predictions"] == 0


def test_objects_by_category_and_by_size(data: Path, tmp_path: Path) -> None:
    whole = subset(data, tmp_path / "set", "two", "clear")
    label = cv2.imread(str(whole / "labels" / "two.png"), cv2.IMREAD_GRAYSCALE)
    label[label == 1] = 11
    label[:, 190:][label[:, 190:] == 11] = 12
    cv2.imwrite(str(whole / "labels" / "two.png"), label)
    (tmp_path / "names.yaml").write_text("11: cone\n12: hose\n13: chock\n")
    tree = run(whole, tmp_path / "out", "--categories", str(tmp_path / "names.yaml"))
    rows = tree["by_category"]
    assert {name: row["objects"] for name, row in rows.items()} == {
        "cone": 1,
        "hose": 1,
        "chock": 0,
    }
    assert rows["cone"]["masks"]["found"] == 1
    assert rows["chock"]["masks"]["siou"] is None
    assert sum(row["objects"] for row in tree["by_size"].values()) == 2
    assert "| cone | 1 |" in (tmp_path / "out" / "report.md").read_text()


@pytest.mark.parametrize("text", ["", "cone: 11", "0: cone", "[1, 2]", "11: [cone"])
def test_a_file_of_categories_that_is_none(tmp_path: Path, text: str) -> None:
    (tmp_path / "names.yaml").write_text(text)
    with pytest.raises(InputError, match=r"names\.yaml"):
        read_categories(tmp_path / "names.yaml")


def test_the_page_escapes_what_it_shows(data: Path, tmp_path: Path) -> None:
    whole = subset(data, tmp_path / "set", "one")
    for folder in ("images", "labels"):
        (whole / folder / "one.png").rename(whole / folder / "<b onload=x>&.png")
    run(whole, tmp_path / "out", "--score-only")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "<b onload" not in page
    assert "&lt;b onload=x&gt;&amp;" in page


def test_a_score_that_is_not_finite_is_an_error(data: Path) -> None:
    (sample,) = plain(data / "images", data / "labels")[:1]
    encoder = build_perception(
        load(None, {"perception.model.path": str(data / "toy")}).perception
    ).encoder

    def broken(encoding: Encoding) -> np.ndarray:
        return np.full((4, 4), np.nan, np.float32)

    with pytest.raises(InputError, match="'broken' gave 16 values of 16 that are not finite"):
        score_frames(encoder, {"broken": broken}, [sample])


@pytest.mark.parametrize("size", ["960", "960x", "axb", "16x16", "-960x540"])
def test_an_input_size_that_is_none(size: str) -> None:
    with pytest.raises(InputError, match="WIDTHxHEIGHT"):
        as_on_the_vehicle(load().perception, size)


def test_each_picture_is_seen_as_on_the_vehicle() -> None:
    """At the share of its sides that the input has of a camera's 1280x720."""
    manifest = read(find(load().perception.model.path))
    for profile, share in ((None, 0.75), (Path("small"), 0.5)):
        model = as_on_the_vehicle(load(profile).perception).model
        encoder = TrunkEncoder(manifest, model)
        for width, height in ((1280, 720), (1920, 1080), (2048, 1024)):
            seen = encoder.size_for((width, height))
            assert np.allclose(seen, (share * width, share * height), atol=20)
    exact = as_on_the_vehicle(load(Path("small")).perception, "512x256").model
    assert TrunkEncoder(manifest, exact).size_for((1280, 720)) == (512, 256)
    own = load(None, {"perception.model.least_scale": 0.9}).perception
    assert as_on_the_vehicle(own).model.least_scale == 0.9


def test_a_label_of_another_image_is_refused(data: Path, tmp_path: Path) -> None:
    whole = subset(data, tmp_path / "set", "one")
    cv2.imwrite(str(whole / "labels" / "one.png"), np.ones((192, 192), np.uint8))
    raw = np.zeros((48, 80), np.float32)
    (sample,) = plain(whole / "images", whole / "labels")
    found = Found(sample, (320, 192), (320, 192), raw, None, (), {})
    with pytest.raises(InputError, match=r"aspect of the label \(192x192\)"):
        evaluate([found], Options())
