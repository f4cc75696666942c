"""What the review page exports is what the training reads; without torch."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from stores import write_store

from models.training import reviewed
from models.training.classes import IGNORE
from models.training.samples import MIXTURE, Sampler
from models.training.sources import Corpus
from s2m_ros.audit.review.export import write_training
from s2m_ros.audit.review.labels import Label, Labels, track_key
from s2m_ros.store import Store


@pytest.fixture(scope="module")
def exported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A store of which one track was marked true."""
    folder = tmp_path_factory.mktemp("reviewed")
    store = write_store(folder / "store", 16)
    labels = Labels(store)
    labels.set(track_key(17), Label("true", "chock"))
    with Store(store) as opened:
        write_training(opened, labels, folder / "training")
    return folder / "training"


def test_an_export_of_the_review_page_is_a_source_of_scenes(exported: Path) -> None:
    train = Corpus(exported, "train", None, [exported])
    held_out = Corpus(exported, "held_out", None, [exported])
    assert (len(train.names["reviewed"]), len(held_out.names["reviewed"])) == (14, 2)
    assert not set(train.names["reviewed"]) & set(held_out.names["reviewed"])
    name = train.names["reviewed"][0]
    scene = train.scene("reviewed", name)
    label = cv2.imread(str(exported / "labels" / f"{name[2:]}.png"), cv2.IMREAD_UNCHANGED)
    assert (label == 1).any()
    assert ((scene.anomaly == 1) == (label == 1)).all()
    assert ((scene.instances > 0) == (label == 1)).all()
    assert (scene.labels == IGNORE).all()
    assert scene.image.shape[:2] == label.shape


def test_samples_are_drawn_from_it(exported: Path) -> None:
    corpus = Corpus(exported, "train", None, [exported])
    sampler = Sampler(corpus, 0, {name: float(name == "reviewed") for name in MIXTURE})
    sampler.paint = lambda scene, rng: None  # type: ignore[method-assign]  # other sources' objects
    drawn = [sampler[i] for i in range(12)]
    assert all(set(np.unique(one.anomaly)) <= {0, 1, IGNORE} for one in drawn)
    assert any((one.anomaly == 1).any() for one in drawn)


def test_what_is_no_export_says_so(exported: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="export a training set"):
        reviewed.names([exported, tmp_path], held_out=False)
    for name, side in (("images/a.jpg", 8), ("labels/a.png", 4)):
        (tmp_path / name).parent.mkdir()
        cv2.imwrite(str(tmp_path / name), np.zeros((side, side), np.uint8))
    with pytest.raises(ValueError, match="export it again"):
        reviewed.read([tmp_path], "0/a")
