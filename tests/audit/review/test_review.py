"""The server says what the store holds, keeps labels, exports them, and lets nobody else in."""

from __future__ import annotations

import json
import urllib.error
import urllib.request
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest
import values
from pycocotools import mask as coco_masks
from pycocotools.coco import COCO
from stores import write_store

from s2m_ros.audit.review import views
from s2m_ros.audit.review.export import write_coco, write_training
from s2m_ros.audit.review.labels import Label, Labels, track_key
from s2m_ros.audit.rings import edges, simplified
from s2m_ros.cli.main import main
from s2m_ros.evaluation import layouts
from s2m_ros.store import Store
from s2m_ros.types import InputError


def ask(
    url: str, body: Any = None, headers: dict[str, str] | None = None, method: str | None = None
) -> tuple[int, Any, dict[str, str]]:
    data = None if body is None else json.dumps(body).encode()
    request = urllib.request.Request(url, data, headers or {}, method=method)
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            raw, status, said = answer.read(), answer.status, dict(answer.headers)
    except urllib.error.HTTPError as error:
        raw, status, said = error.read(), error.code, dict(error.headers)
    kind = said.get("content-type", "")
    return status, json.loads(raw) if kind.startswith("application/json") else raw, said


OURS = {"x-s2m-review": "1", "content-type": "application/json"}


def test_the_drive_and_a_frame(served: Any) -> None:
    status, drive, headers = ask(f"{served.url}/api/drive")
    assert status == 200
    assert drive["cameras"] == {"front": [100 * i for i in range(30)]}
    assert drive["moments"]["level"] == [2] * 30
    assert drive["tracks"][0]["track"] == 17
    assert "default-src 'none'" in headers["content-security-policy"]
    status, frame, _ = ask(f"{served.url}/api/frame/front/4")
    assert status == 200
    (mask,) = frame["masks"]
    assert (mask["track"], mask["level"]) == (17, 2)
    assert frame["dropped"][0]["reason"] == "low_evidence"
    status, jpeg, _ = ask(f"{served.url}/api/picture/front/4")
    assert cv2.imdecode(np.frombuffer(jpeg, np.uint8), cv2.IMREAD_COLOR).shape == (48, 64, 3)
    status, chain, _ = ask(f"{served.url}/api/chain/17")
    assert [link["name"] for link in chain][-1] == "level"


@pytest.mark.parametrize(
    "path",
    [
        "/api/frame/front/30", "/api/frame/rear/0", "/api/chain/99", "/api/frame/front/-1",
        "/static/../../../../pyproject.toml", "/static/%2e%2e/app.py", "/nothing",
    ],
)  # fmt: skip
def test_what_is_not_there(served: Any, path: str) -> None:
    assert ask(served.url + path)[0] == 404


def test_only_our_page_on_this_machine_changes_anything(served: Any) -> None:
    label = {"track": 17, "verdict": "true", "name": ""}
    assert ask(f"{served.url}/api/label", label)[0] == 403
    assert ask(f"{served.url}/api/drive", headers={"host": "evil.example"})[0] == 400
    for broken in ({"track": 17}, {**label, "verdict": "perhaps"}, {**label, "name": "x" * 81}, []):
        assert ask(f"{served.url}/api/label", broken, OURS)[0] == 400
    assert not (served.store / "labels.json").exists()


def test_labels_last(served: Any) -> None:
    label = {"track": 17, "verdict": "true", "name": " <b>cone</b> "}
    status, tracks, _ = ask(f"{served.url}/api/label", label, OURS)
    assert status == 200
    assert (tracks[0]["verdict"], tracks[0]["name"]) == ("true", "<b>cone</b>")
    assert Labels(served.store)[track_key(17)] == Label("true", "<b>cone</b>")
    status, made, _ = ask(f"{served.url}/api/export", {"kind": "coco"}, OURS)
    assert (status, made["images"], made["objects"]) == (200, 30, 30)
    assert Path(made["path"]).is_file()
    ask(f"{served.url}/api/label", {**label, "verdict": "", "name": ""}, OURS)
    assert not Labels(served.store).items()
    status, said, _ = ask(f"{served.url}/api/export", {"kind": "coco"}, OURS)
    assert status == 400
    assert "nothing was marked yet" in said["error"]
    assert ask(f"{served.url}/api/export", {"kind": "shell"}, OURS)[0] == 400


def test_coco_is_what_pycocotools_reads(tmp_path: Path) -> None:
    path = write_store(tmp_path / "store", 5)
    labels = Labels(path)
    labels.set(track_key(17), Label("true", "wheel chock"))
    with Store(path) as store:
        made = write_coco(store, labels, tmp_path / "coco")
        frame = store.frame("front", store.frames("front")[0])
    coco = COCO(str(made.path))
    assert len(coco.getImgIds()) == len(coco.getAnnIds()) == 5
    assert [c["name"] for c in coco.loadCats(coco.getCatIds())] == ["wheel chock"]
    assert frame is not None
    small = frame.masks.dense(frame.masks.items[0]).view(np.uint8)
    full = cv2.resize(small, (64, 48), interpolation=cv2.INTER_NEAREST)
    for annotation in coco.loadAnns(coco.getAnnIds()):
        assert np.array_equal(coco.annToMask(annotation), full)
        assert annotation["area"] == full.sum()
        packed = coco_masks.encode(np.asfortranarray(full))
        assert annotation["bbox"] == coco_masks.toBbox(packed).tolist()
    image = coco.loadImgs(coco.getImgIds())[0]
    assert cv2.imread(str(made.path.parent / image["file_name"])).shape == (48, 64, 3)


def test_the_training_set_is_what_evaluation_reads(tmp_path: Path) -> None:
    path = write_store(tmp_path / "store", 5)
    labels = Labels(path)
    labels.set(track_key(17), Label("true"))
    with Store(path) as store:
        made = write_training(store, labels, tmp_path / "true")
        labels.set(track_key(17), Label("false"))
        write_training(store, labels, tmp_path / "false")
    assert (made.images, made.objects) == (5, 5)
    samples = layouts.plain(tmp_path / "true" / "images", tmp_path / "true" / "labels")
    assert len(samples) == 5
    assert samples[0].label is not None
    assert layouts.read_label(samples[0].label).anomaly.sum() == 16 * values.mask().bits.sum()
    assert len(list((tmp_path / "false" / "normal").glob("*.jpg"))) == 5
    assert not list((tmp_path / "true" / "normal").glob("*.jpg"))
    assert not layouts.read_label(next((tmp_path / "false" / "labels").iterdir())).anomaly.any()


def test_no_page_without_anything_to_show(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "kept").mkdir()
    (tmp_path / "kept" / "000001.mcap").write_bytes(b"no MCAP")
    for command in (["explain"], ["review", "--no-browser", "--port", "0"]):
        with pytest.raises(SystemExit) as ended:
            main([*command, str(tmp_path)])
        assert ended.value.code == 2
        assert "no message that can be read" in capsys.readouterr().err


def test_a_taken_port_says_so() -> None:
    from s2m_ros.audit.review.serving import listen

    with listen(0) as taken, pytest.raises(InputError, match=r"\(Address already in use\)"):
        listen(taken.getsockname()[1])


def test_broken_labels_say_so(tmp_path: Path) -> None:
    (tmp_path / "labels.json").write_text('{"labels": {"track:1": {"verdict": "maybe"}}}')
    with pytest.raises(InputError, match="no labels"):
        Labels(tmp_path)


def test_outlines_stay_near(tmp_path: Path) -> None:
    y, x = np.mgrid[:60, :80]
    bits = (x - 40) ** 2 / 900 + (y - 30) ** 2 / 400 < 1
    (ring,) = edges(bits)
    few = simplified(ring, 0.4)
    assert len(few) < len(ring) / 4
    away = [abs(cv2.pointPolygonTest(few.astype(np.float32), tuple(p), True)) for p in ring]
    assert max(away) <= 0.45


def test_a_store_without_pictures_can_be_looked_through(tmp_path: Path) -> None:
    from s2m_ros.config import Audit

    rules = Audit(keep="all", picture_width=0)
    path = write_store(tmp_path / "store", 3, rules)
    with Store(path) as store:
        shown = views.frame(store, "front", store.frames("front")[1], Labels(path))
    assert shown is not None
    assert not shown["has_picture"]
    assert shown["masks"]
