"""What looks like this: by an object, a picture, words; on a drive that was worked off."""

from __future__ import annotations

from pathlib import Path

import cv2
import mining
import numpy as np
import pytest
import toy_model
from drives import write_drive
from typer.testing import CliRunner

from s2m_ros.audit.mining import query
from s2m_ros.cli.main import build
from s2m_ros.config import Model
from s2m_ros.types import InputError

MODEL = Model(providers=["CPUExecutionProvider"], threads=1)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy")


@pytest.fixture(scope="module")
def atlas(model: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A bag, mined by the command."""
    folder = tmp_path_factory.mktemp("mined")
    bag = write_drive(folder / "apron", results=False)
    result = s2m(
        "mine", str(bag), str(folder / "none"), "--out", str(folder / "atlas"),
        "--set", f"perception.model.path={model}", "--stores", str(folder / "stores"), "-j", "1",
    )  # fmt: skip
    assert result.exit_code == 1, result.output  # one source is missing
    assert "passed over" in result.output
    assert (folder / "stores" / "apron" / "kept").is_dir()
    return folder / "atlas"


def s2m(*arguments: str):  # type: ignore[no-untyped-def]
    return CliRunner().invoke(build(arguments), list(arguments))


def test_a_bag_becomes_an_atlas(atlas: Path) -> None:
    for name in ("atlas.html", "coco.json", "embeddings.parquet"):
        assert (atlas / name).is_file()


def test_an_object_is_most_like_itself(atlas: Path) -> None:
    result = s2m("find", str(atlas), "--like", "apron#1")
    assert result.exit_code == 0, result.output
    assert (atlas / "found.html").is_file()
    first = next(line for line in result.output.splitlines() if "apron#" in line)
    assert "1.00" in first
    assert "apron#1" in first


def test_a_picture_finds_what_looks_like_it(atlas: Path, model: Path, tmp_path: Path) -> None:
    path = tmp_path / "example.png"
    cv2.imwrite(str(path), toy_model.scene([(40, 60, 140, 160)])[..., ::-1])
    result = s2m(
        "find", str(atlas), "--like", str(path), "--box", "40,60,140,160",
        "--set", f"perception.model.path={model}", "--out", str(tmp_path / "found.html"),
    )  # fmt: skip
    assert result.exit_code == 0, result.output
    assert (tmp_path / "found.html").is_file()


def test_ranked_is_by_cosine() -> None:
    specimens = [mining.specimen(track=i) for i in range(1, 4)]
    hits = query.ranked(np.array([0, 0.1, 1, 0.5], np.float32), specimens, 2)
    assert [hit.specimen.tracks[0] for hit in hits] == [2, 3]
    with pytest.raises(InputError, match="--model"):
        query.ranked(np.ones(3, np.float32), specimens, 2)


def test_words_need_a_pair_of_models() -> None:
    with pytest.raises(InputError, match="text encoder"):
        query.by_text("a cone", "", MODEL)


def test_a_name_that_fits_none_or_many_is_refused() -> None:
    specimens = [mining.specimen("a/drive", 1), mining.specimen("b/drive", 1)]
    assert query.by_specimen("a/drive#1", specimens) is specimens[0]
    for name in ("drive#1", "drive#7", "drive#x"):
        with pytest.raises(InputError, match="objects of the atlas fit"):
            query.by_specimen(name, specimens)
    with pytest.raises(InputError, match="no such file"):
        query.by_specimen("nope.jpg", specimens)
