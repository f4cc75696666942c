"""Duplicates, clusters, figures, and the files of an atlas."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from pathlib import Path

import mining
import numpy as np
import pytest
import stores
from hypothesis import given
from hypothesis import strategies as st
from sklearn.neighbors import NearestNeighbors

from s2m_ros.audit.mining.clusters import ALONE, Clusters, cluster, novelty_of
from s2m_ros.audit.mining.duplicates import joined
from s2m_ros.audit.mining.export import mask_of
from s2m_ros.audit.mining.figures import figures
from s2m_ros.audit.mining.making import make
from s2m_ros.audit.mining.specimen import Met, Specimen, Truth, pack, unpack
from s2m_ros.runtime.embedding import unit
from s2m_ros.types import InputError

ALIKE = unit(np.array([[1.0, 0.1, 0, 0]]))[0]
OTHER = unit(np.array([[0.0, 0, 1, 0.1]]))[0]


def later(track: int, x: float, vector: np.ndarray, begin: int, end: int) -> Specimen:
    place = np.array([x, 0.0, 0.1])
    return mining.specimen(
        track=track,
        first_ns=stores.stamp(begin),
        last_ns=stores.stamp(end),
        first_position=place,
        position=place,
        embedding=vector,
        looks=tuple(("front", stores.stamp(i)) for i in range(begin, end)),
    )


def test_a_track_that_was_lost_and_found_again_is_one_object() -> None:
    found = joined([later(1, 5.0, ALIKE, 0, 10), later(2, 5.3, ALIKE, 20, 30)])
    assert [one.tracks for one in found] == [(1, 2)]
    assert len(found[0].looks) == 20
    assert found[0].last_ns == stores.stamp(30)


@pytest.mark.parametrize(
    ("second", "why"),
    [
        (later(2, 9.0, ALIKE, 20, 30), "far away"),
        (later(2, 5.3, OTHER, 20, 30), "looks different"),
        (later(2, 5.3, ALIKE, 0, 10), "seen beside it"),
        (replace(later(2, 5.3, ALIKE, 20, 30), source="another"), "another drive"),
    ],
)
def test_what_is_another_object_stays_one(second: Specimen, why: str) -> None:
    assert len(joined([later(1, 5.0, ALIKE, 0, 10), second])) == 2, why


def whole_and_part(nested: int) -> list[Specimen]:
    """Two tracks of one place that were seen in the same ten images."""
    whole, part = later(1, 5.0, ALIKE, 0, 10), later(2, 5.3, ALIKE, 0, 10)
    return [replace(whole, nested={2: nested}), replace(part, nested={1: nested})]


def test_a_thing_seen_as_a_whole_and_as_a_part_of_it_is_one_object() -> None:
    (found,) = joined(whole_and_part(nested=9))
    assert found.tracks == (1, 2)
    assert len(found.looks) == 10


def test_what_lay_before_another_for_a_moment_is_still_seen_beside_it() -> None:
    assert len(joined(whole_and_part(nested=3))) == 2


def test_two_parts_are_one_object_when_each_is_one_with_the_whole() -> None:
    whole, near = whole_and_part(nested=9)
    far = replace(later(3, 4.2, ALIKE, 12, 14), first_ns=stores.stamp(12))
    assert len(joined([near, far])) == 2
    (found,) = joined([whole, near, far])
    assert found.tracks == (1, 2, 3)


def test_a_part_is_not_joined_past_what_it_was_seen_beside() -> None:
    first, second = later(1, 5.0, ALIKE, 0, 10), later(2, 5.6, ALIKE, 0, 10)
    again = later(3, 5.3, ALIKE, 20, 30)
    assert len(joined([first, second, again])) == 2


def blobs(each: int = 8) -> np.ndarray:
    rng = np.random.default_rng(3)
    centres = np.eye(6)[:3]
    points = [c + rng.normal(0, 0.03, (each, 6)) for c in centres]
    return unit(np.vstack([*points, [[-1.0, -1, -1, 1, 1, 1]]]))


def test_clusters_are_those_that_are_there_and_the_odd_one_is_novel() -> None:
    found = cluster(blobs(), least=3)
    assert found.labels[-1] == ALONE
    assert int(found.novelty.argmax()) == 24
    for part in range(3):
        labels = set(found.labels[8 * part : 8 * part + 8].tolist()) - {ALONE}
        others = set(np.delete(found.labels, slice(8 * part, 8 * part + 8)).tolist())
        assert labels
        assert not labels & others


def test_what_looks_alike_and_is_of_another_size_is_another_kind() -> None:
    rng = np.random.default_rng(5)
    vectors = unit(np.array([1.0, 0, 0, 0]) + 0.15 * rng.normal(size=(40, 4)))
    small, large = np.array([0.3, 0.2, 0.1]), np.array([6.0, 2.5, 2.0])
    sizes = np.where(np.arange(40)[:, None] % 2, small, large) * rng.uniform(0.95, 1.05, (40, 3))
    sizes[::4] = sizes[::4, [1, 0, 2]]  # which side is the longer one says nothing
    labels = cluster(vectors, 10, sizes).labels
    assert set(labels[::2]) & set(labels[1::2]) <= {-1}
    assert len(set(labels[labels >= 0])) == 2


def test_novelty_is_the_mean_distance_to_the_nearest_as_scikit_learn_has_it() -> None:
    vectors = blobs()
    distances, _ = NearestNeighbors(n_neighbors=6).fit(vectors).kneighbors(vectors)
    np.testing.assert_allclose(novelty_of(vectors), distances[:, 1:].mean(axis=1), atol=2e-3)


@pytest.mark.parametrize("count", [0, 1, 2])
def test_few_objects_make_no_cluster_and_no_error(count: int) -> None:
    found = cluster(blobs()[:count], least=3)
    assert found.count == 0
    assert len(found.novelty) == count


@given(st.integers(1, 40), st.integers(1, 40), st.integers(1, 300), st.integers(1, 300))
def test_a_mask_is_never_lost_at_another_size(h: int, w: int, width: int, height: int) -> None:
    bits = np.zeros((h, w), np.bool_)
    bits[h // 2, w // 2] = True
    view = replace(mining.view(), bits=bits, grid_size=(w + 4, h + 3))
    assert mask_of(view, (width, height)).any()


def test_figures_count_purity_and_instances() -> None:
    def real(track: int, number: int, category: str, span: int = 50) -> Specimen:
        truth = Truth(number, f"{category}_{number}", category, span)
        return mining.specimen(track=track, truth=truth)

    specimens = [
        real(1, 1, "cone"), real(2, 2, "cone"), real(3, 3, "box"), real(4, 3, "box"),
        real(5, 4, "box", span=20), real(6, -1, "nothing", 0), real(7, 5, "hose"),
    ]  # fmt: skip
    labels = np.array([0, 0, 0, 1, 1, 1, ALONE])
    vectors = np.array([[1, 0], [1, 0], [0, 1], [0, 1], [1, 0], [0, 1], [0.6, 0.8]])
    none = np.zeros(7, "f4")
    found = figures(specimens, Clusters(labels, none, none, vectors))
    assert found.neighbour == 1  # two cones, two of the box; the hose is alone
    assert found.purity == pytest.approx(3 / 4)
    assert found.clustered == pytest.approx(4 / 5)
    assert (found.instances, found.specimens, found.false, found.merged) == (4, 5, 1, 0)
    assert found.mixed == ("0: 2 cone, 1 box",)


def test_figures_count_what_was_joined_and_is_not_the_same() -> None:
    def real(track: int, number: int) -> Specimen:
        return mining.specimen(track=track, truth=Truth(number, "cone", "cone", 50))

    tracks = [real(1, 1), real(2, 2), real(3, 2), real(4, -1)]
    specimens = [
        replace(tracks[0], tracks=(1, 2)),
        replace(tracks[2], tracks=(3, 4)),  # a part of it that shows nothing is no other object
    ]
    none = np.zeros(2, "f4")
    clusters = Clusters(np.array([0, 0]), none, none, np.eye(2))
    assert figures(specimens, clusters, tracks).merged == 1


@pytest.fixture(scope="module")
def atlas(tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("atlas")
    specimens = tuple(mining.specimen("drive <i>", track) for track in range(1, 9))
    make([Met("drive <i>", "made up", specimens, {"never confirmed": 2}, 1.0)], out)
    return out


def test_coco_is_what_pycocotools_reads(atlas: Path) -> None:
    from pycocotools.coco import COCO

    coco = COCO(str(atlas / "coco.json"))
    assert len(coco.getAnnIds()) == 8
    for annotation in coco.loadAnns(coco.getAnnIds()):
        mask = coco.annToMask(annotation)
        image = coco.loadImgs(annotation["image_id"])[0]
        assert mask.shape == (image["height"], image["width"])
        assert mask.sum() == annotation["area"]
        x, y, w, h = annotation["bbox"]
        assert mask[y : y + h, x : x + w].sum() == mask.sum()
        assert (atlas / image["file_name"]).is_file()


def test_parquet_holds_a_row_for_each_object(atlas: Path) -> None:
    from pyarrow import parquet

    table = parquet.read_table(atlas / "embeddings.parquet")
    assert table.num_rows == 8
    vectors = np.array(table["embedding"].to_pylist())
    np.testing.assert_allclose(np.linalg.norm(vectors, axis=1), 1, atol=1e-6)
    assert set(table["name_why"].to_pylist()) == {"no model for names is set (naming.model)"}


def test_the_page_stands_alone_and_what_came_from_outside_is_escaped(atlas: Path) -> None:
    page = (atlas / "atlas.html").read_text()
    assert "<b>unknown" not in page.replace("<b>0.4", "")
    assert "unknown object &lt;b&gt;" in page
    assert "drive <i>" not in page
    assert not re.findall(r"(?:src|href)=\"(?!data:|#)", page)
    assert "<script" not in page
    assert page.count('class="card"') >= 8


def test_what_was_mined_with_another_model_does_not_mix(tmp_path: Path) -> None:
    parts = [Met("a", "ours", (), {}, 0.0), Met("b", "clip", (), {}, 0.0)]
    with pytest.raises(InputError, match="folder of its own"):
        make(parts, tmp_path)


def test_an_atlas_of_nothing_is_an_atlas(tmp_path: Path) -> None:
    made = make([Met("a", "ours", (), {"never confirmed": 3}, 0.0)], tmp_path)
    assert "left out: 3 never confirmed" in made.lines
    assert json.loads((tmp_path / "coco.json").read_text())["annotations"] == []


def test_results_travel_as_values_and_nothing_else() -> None:
    met = Met("drive", "made up", (mining.specimen(),), {"x": 1}, 2.0)
    back = unpack(pack(met), "test")
    np.testing.assert_array_equal(back.specimens[0].views[0].bits, met.specimens[0].views[0].bits)
    assert back.specimens[0].key == "drive#1"
    with pytest.raises(InputError, match="no result of mining"):
        unpack(b"\x80\x04\x95", "test")
