"""``s2m run`` and ``s2m models list``, on a tiny model."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np
import pytest
import toy_model

from s2m_ros.cli.main import main


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy", width=320, height=192)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "in" / "apron.png"
    path.parent.mkdir()
    cv2.imwrite(str(path), toy_model.scene([(40, 100, 88, 140)])[..., ::-1])
    return path


def run(*arguments: object) -> int:
    with pytest.raises(SystemExit) as end:
        main([str(a) for a in arguments])
    return int(end.value.code or 0)


def test_leaves_the_four_files(model: Path, picture: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    assert run("run", picture, "--model", model, "--out", out) == 0
    names = {"apron_overlay.jpg", "apron_masks.png", "apron_score.png", "apron.json"}
    assert {p.name for p in out.iterdir()} == names
    tree = json.loads((out / "apron.json").read_text())
    ids = cv2.imread(str(out / "apron_masks.png"), cv2.IMREAD_UNCHANGED)
    assert ids.dtype == np.uint16
    (found,) = tree["annotations"]
    ys, xs = np.nonzero(ids == found["id"])
    x, y, w, h = found["bbox"]
    np.testing.assert_allclose([x, y, x + w, y + h], [40, 100, 88, 140], atol=6)
    np.testing.assert_allclose([xs.min(), ys.min()], [x, y], atol=1)
    counts = found["segmentation"]["counts"]
    assert sum(counts) == ids.size
    assert sum(counts[1::2]) == found["area"] == len(xs)
    score = cv2.imread(str(out / "apron_score.png"), cv2.IMREAD_UNCHANGED)
    assert score.dtype == np.uint16
    assert score.max() > 40_000
    overlay = cv2.imread(str(out / "apron_overlay.jpg"))
    assert overlay.shape == (192, 320, 3)


def test_an_unreadable_image_is_named_and_the_others_are_done(
    model: Path, picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bad = tmp_path / "bad.jpg"
    bad.write_text("not an image")
    assert run("run", bad, picture, "--model", model, "--out", tmp_path / "out") == 1
    assert "bad.jpg: not an image" in capsys.readouterr().err
    assert (tmp_path / "out" / "apron.json").is_file()


def test_images_of_one_name_do_not_overwrite_each_other(
    model: Path, picture: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other" / "apron.png"
    other.parent.mkdir()
    other.write_bytes(picture.read_bytes())
    out = tmp_path / "out"
    assert run("run", picture.parent, other, "--model", model, "--out", out) == 0
    assert {p.name for p in out.glob("*.json")} == {"in_apron.json", "other_apron.json"}


def test_errors_are_one_line(
    picture: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run("run", picture, "--model", "nowhere", "--out", tmp_path / "out") == 2
    assert "model 'nowhere'" in capsys.readouterr().err
    assert run("run", picture, "--set", "perception", "--out", tmp_path / "out") == 2
    assert "expected NAME=VALUE" in capsys.readouterr().err
    assert run("run", picture, "--set", "perception.prompting.points=0") == 2
    assert "perception.prompting.points" in capsys.readouterr().err


def test_models_are_listed_with_their_state(
    model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    broken = tmp_path / "models" / "broken"
    broken.mkdir(parents=True)
    (broken / "model.yaml").write_text("name: broken")
    assert run("models", "list", "--models-dir", model.parent) == 0
    text = capsys.readouterr().out
    assert "toy" in text
    assert "2 intact" in text
    assert "learned" in text
    assert run("models", "list", "--models-dir", broken.parent) == 0
    assert "broken" in capsys.readouterr().out


def test_perception_imports_without_ros_onnx_or_torch() -> None:
    code = (
        "import sys; import s2m_ros.perception; "
        "bad = {'rclpy', 'onnxruntime', 'torch', 'onnx'} & set(sys.modules); "
        "assert not bad, bad"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
