"""Names of scorers, sites, combinations, and a user's own ONNX scorer."""

from __future__ import annotations

import hashlib
from pathlib import Path

import numpy as np
import onnx
import pytest
import toy_model
import yaml
from onnx import TensorProto, helper

from s2m_ros.config import Model, load
from s2m_ros.perception import statistics
from s2m_ros.perception.calibration import Quantiles, rarity
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime import site as sites
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.scorers import SCORERS, build_scorer
from s2m_ros.runtime.trunk import TrunkEncoder
from s2m_ros.types import InputError

SCENE = toy_model.scene([(40, 100, 88, 140)])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return toy_model.write(tmp_path_factory.mktemp("models") / "toy", width=320, height=192)


@pytest.fixture(scope="module")
def site(folder: Path) -> sites.Site:
    manifest = manifests.read(folder)
    encoding = TrunkEncoder(manifest, Model()).encode(toy_model.scene([]))
    assert encoding.logits is not None
    logits = encoding.logits.reshape(3, -1).T
    features = encoding.features["features"][0].reshape(3, -1).T
    table = Quantiles.of([0.1, 0.9, 0.999], [0.0, 1.0, 2.0])
    return sites.Site(
        manifest.files["encoder"].sha256,
        dict.fromkeys(SCORERS, table),
        statistics.fit(logits, features),
        {"learned": 0.77},
        {"frames": "1"},
    )


@pytest.mark.parametrize("name", [*SCORERS, "clustering:k=4,a=0.5", "energy:t=2"])
def test_each_scorer_runs_on_any_model_with_logits_and_features(
    name: str, folder: Path, site: sites.Site
) -> None:
    manifest = manifests.read(folder)
    given = sites.Site(site.model, {**site.quantiles, name: site.quantiles["msp"]}, site.statistics)
    scorer = build_scorer(name, manifest, Model(), given)
    encoding = TrunkEncoder(manifest, Model()).encode(SCENE)
    raw = scorer.raw(encoding)
    score = scorer.calibrate(raw, encoding.image_size)
    assert raw.ndim == 2
    assert np.isfinite(raw).all()
    assert score.scorer == name
    assert 0 <= score.scores.min() <= score.scores.max() < 1


def test_combination_is_the_weighted_mean_of_rarities(folder: Path) -> None:
    manifest = manifests.read(folder)
    encoding = TrunkEncoder(manifest, Model()).encode(SCENE)
    both = build_scorer("3*learned + 1*msp", manifest, Model())
    parts = [build_scorer(name, manifest, Model()) for name in ("learned", "msp")]
    expected = sum(
        weight * rarity(part.calibrate(part.raw(encoding), (1, 1)).scores)
        for weight, part in zip((0.75, 0.25), parts, strict=True)
    )
    np.testing.assert_allclose(both.raw(encoding), expected, atol=0.1)
    assert both.name == "3*learned + 1*msp"


@pytest.mark.parametrize(
    ("name", "problem"),
    [
        ("nonsense", "no such scorer"),
        ("x*learned+msp", "no positive number"),
        ("-1*learned+msp", "no positive number"),
        ("clustering:k", "no NAME=NUMBER"),
        ("learned:k=3", "does not know"),
        ("knn", "needs statistics of normal footage"),
    ],
)
def test_names_that_mean_nothing(name: str, problem: str, folder: Path) -> None:
    with pytest.raises(InputError, match=problem):
        build_scorer(name, manifests.read(folder), Model())


# --- site files -------------------------------------------------------------------------------


def test_site_file_round_trip(site: sites.Site, tmp_path: Path) -> None:
    sites.save(site, tmp_path / "a.npz")
    sites.save(site, tmp_path / "b.npz")
    again = sites.load(tmp_path / "a.npz", site.model)
    assert again.min_evidence == {"learned": 0.77}
    assert again.about == {"frames": "1"}
    assert again.statistics is not None
    assert set(again.quantiles) == set(SCORERS)


def test_site_sets_the_operating_point(folder: Path, site: sites.Site, tmp_path: Path) -> None:
    sites.save(site, tmp_path / "site.npz")
    settings = load(
        None,
        {"perception.model.path": str(folder), "perception.site": str(tmp_path / "site.npz")},
    )
    assert build_perception(settings.perception).selector.config.min_evidence == 0.77
    stated = settings.perception.selection.model_copy(update={"min_evidence": 0.3})
    own = settings.perception.model_copy(update={"selection": stated})
    assert build_perception(own).selector.config.min_evidence == 0.3


def test_site_of_another_model_is_refused(site: sites.Site, tmp_path: Path) -> None:
    sites.save(site, tmp_path / "site.npz")
    with pytest.raises(InputError, match=r"made for encoder .* in use is 0000"):
        sites.load(tmp_path / "site.npz", "0" * 64)


@pytest.mark.parametrize("content", [b"", b"hello", b"PK\x03\x04 broken"])
def test_files_that_are_no_site(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "site.npz").write_bytes(content)
    with pytest.raises(InputError, match="calibrate"):
        sites.load(tmp_path / "site.npz")
    with pytest.raises(InputError, match="cannot be read"):
        sites.load(tmp_path / "none.npz")


# --- a user's own scorer ----------------------------------------------------------------------


def write_scorer(folder: Path, kind: str, **extra: object) -> Path:
    """Redness as a score map (1, 1, h, w), or colour planes as three logits."""
    folder.mkdir(parents=True)
    nodes = [
        helper.make_node("AveragePool", ["x"], ["planes"], kernel_shape=[8, 8], strides=[8, 8])
    ]
    weights = {}
    if kind == "score":
        weights["w"] = np.float32([1, -1, 0]).reshape(1, 3, 1, 1)
        nodes.append(helper.make_node("Conv", ["planes", "w"], ["y"]))
    else:
        nodes.append(helper.make_node("Identity", ["planes"], ["y"]))
    value = helper.make_tensor_value_info
    graph = toy_model.model(
        nodes,
        [value("x", TensorProto.FLOAT, [1, 3, 96, 160])],
        [value("y", TensorProto.FLOAT, [1, "c", "h", "w"])],
        weights,
    )
    onnx.save(graph, folder / "scorer.onnx")
    data = (folder / "scorer.onnx").read_bytes()
    tree = {
        "name": "mine",
        "files": {
            "scorer": {
                "path": "scorer.onnx",
                "sha256": hashlib.sha256(data).hexdigest(),
                "bytes": len(data),
            }
        },
        "input": {
            "width": 160,
            "height": 96,
            "dtype": "float32",
            "layout": "nchw",
            "scale": 1 / 255,
            "mean": [0.5, 0.5, 0.5],
            "std": [0.5, 0.5, 0.5],
        },
        "scorer": {"kind": kind, **extra},
        "calibration": {
            "id_quantiles": {"probabilities": [0.1, 0.9, 0.999], "values": [-0.1, 0.05, 0.1]},
            "scorer": "score",
        },
    }
    (folder / "model.yaml").write_text(yaml.safe_dump(tree))
    return folder


def test_own_score_map_plugs_in_by_its_manifest(folder: Path, tmp_path: Path) -> None:
    mine = write_scorer(tmp_path / "mine", "score")
    settings = load(
        None, {"perception.model.path": str(folder), "perception.scorer": str(mine)}
    ).perception
    frame = build_perception(settings).perceive(SCENE)
    assert frame.raw.shape == (12, 20)
    (item,) = frame.masks.items
    np.testing.assert_allclose(item.box, [40, 100, 88, 140], atol=17)


def test_own_logits_with_a_score_of_them(folder: Path, tmp_path: Path) -> None:
    mine = write_scorer(tmp_path / "mine", "logits", score="max_logit")
    scorer = build_scorer(str(mine), manifests.read(folder), Model())
    encoding = TrunkEncoder(manifests.read(folder), Model()).encode(SCENE)
    raw = scorer.raw(encoding)
    brightest = (220 / 255 - 0.5) / 0.5
    assert raw.min() == pytest.approx(-brightest, abs=0.05)


def test_own_scorer_described_wrongly(folder: Path, tmp_path: Path) -> None:
    manifest = manifests.read(folder)
    wrong_output = write_scorer(tmp_path / "a", "score", output="nothing")
    with pytest.raises(InputError, match=r"scorer\.output 'nothing' is none of"):
        build_scorer(str(wrong_output), manifest, Model())
    wrong_score = write_scorer(tmp_path / "b", "logits", score="best")
    with pytest.raises(InputError, match=r"scorer\.score is 'best'"):
        build_scorer(str(wrong_score), manifest, Model())
