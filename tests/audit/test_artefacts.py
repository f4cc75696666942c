"""The report, the film and the recording: complete, self-contained, and safe with any text."""

from __future__ import annotations

import base64
import re
import subprocess
import sys
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest

from s2m_ros.audit import svg
from s2m_ros.audit.artefacts import Artefacts, make_artefacts
from s2m_ros.audit.drive import load_drive
from s2m_ros.audit.frames import frame_views
from s2m_ros.audit.report import choose_moments
from s2m_ros.audit.scene import camera_view, top_view
from s2m_ros.audit.style import LEVELS, PANEL
from s2m_ros.types import Level


@pytest.fixture(scope="module")
def made(drive_bag: Path, tmp_path_factory: pytest.TempPathFactory) -> Artefacts:
    out = tmp_path_factory.mktemp("out")
    return make_artefacts(drive_bag, out, title="A <drive> & more", notes=["<script>x</script>"])


class Page(HTMLParser):
    """Tags that were opened and closed, addresses, and the text."""

    VOID = ("meta", "br", "img", "link", "rect", "line", "circle", "polygon", "polyline")

    def __init__(self, text: str) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: list[str] = []
        self.addresses: list[str] = []
        self.text = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        self.addresses += [v or "" for k, v in attrs if k in ("src", "href", "data", "action")]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_endtag(self, tag: str) -> None:
        if tag not in self.VOID:
            assert self.open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_report_is_well_formed_and_needs_nothing_else(made: Artefacts) -> None:
    page = Page(made.report.read_text())
    assert page.open == []
    assert "script" not in page.tags
    assert page.addresses
    assert all(a.startswith("data:") for a in page.addresses)


def test_text_from_data_is_escaped(made: Artefacts) -> None:
    text = made.report.read_text()
    page = Page(text)
    assert "suitcase <b>" in page.text
    assert "<script>x</script>" in page.text
    assert "no LiDAR <sweep>" in page.text
    assert "<b>" not in re.sub(r'<div class="figure[^>]*><b>', "", text)


def test_the_report_tells_the_figures(made: Artefacts) -> None:
    text = Page(made.report.read_text()).text
    for expected in ("2 of 2", "96 ms", "29", "#12", "on_path", "chock", "without an answer"):
        assert expected in text


def test_gallery_pictures_are_pictures(made: Artefacts) -> None:
    found = re.findall(r'src="data:image/jpeg;base64,([^"]+)"', made.report.read_text())
    assert 2 <= len(found) <= 6
    data = np.frombuffer(base64.b64decode(found[0]), np.uint8)
    picture = cv2.imdecode(data, cv2.IMREAD_COLOR)
    assert picture is not None
    assert picture.shape == (576, 960, 3)


def test_the_film_has_every_frame(made: Artefacts) -> None:
    assert made.video is not None
    film = cv2.VideoCapture(str(made.video))
    frames = []
    while True:
        got, frame = film.read()
        if not got:
            break
        frames.append(frame)
    assert len(frames) == 30
    assert film.get(cv2.CAP_PROP_FPS) == pytest.approx(10)
    assert frames[0].shape[1] == 960 + 400


def test_without_ffmpeg_the_film_is_webm(
    drive_bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "imageio_ffmpeg", None)
    from s2m_ros.audit.video import write_video

    path = write_video(load_drive(drive_bag), tmp_path / "overlay", "front")
    assert path.suffix == ".webm"
    assert cv2.VideoCapture(str(path)).read()[0]


def test_the_recording_holds_cloud_boxes_and_pictures(made: Artefacts) -> None:
    assert made.recording is not None
    command = [sys.executable, "-m", "rerun", "rrd", "print", "-v", str(made.recording)]
    said = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True)
    for entity in (
        "/world/vehicle/points",
        "/world/vehicle/front/image/masks",
        "/world/hazards/boxes",
        "/world/truth",
        "/plots/latency/marker",
        "/log",
    ):
        assert entity in said.stdout


def test_without_rerun_the_rest_is_made_and_the_lack_is_told(
    drive_bag: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "rerun", None)
    result = make_artefacts(drive_bag, tmp_path, title="t")
    assert result.recording is None
    assert any("rerun-sdk" in note for note in result.notes)
    assert result.report.is_file()


def test_moments_show_every_track_and_lie_apart(drive_bag: Path) -> None:
    drive = load_drive(drive_bag)
    stamps = choose_moments(drive, "front")
    assert stamps == sorted(stamps)
    assert np.diff(stamps).min() >= 1e9
    shown = {h.track.id for a in drive.hazards if a.value.stamp_ns in stamps for h in a.value.items}
    assert shown == {11, 12}


def test_a_hazard_is_drawn_where_it_is(drive_bag: Path) -> None:
    """Its colour appears inside its mask's box on the image, and ahead of the vehicle above."""
    drive = load_drive(drive_bag)
    view = list(frame_views(drive, "front"))[12]
    assert view.hazards is not None
    assert view.masks is not None
    hazard = next(h for h in view.hazards.items if h.track.id == 11)
    picture = camera_view(view.image, view.masks, view.hazards, drive.rig, "front", 960)
    item = next(m for m in view.masks.items if m.id == hazard.track.mask_id)
    x0, y0, x1, y1 = (int(v * 3) for v in item.box)
    assert _has(picture[y0 - 14 : y1 + 14, x0 - 14 : x1 + 14], LEVELS[hazard.level])
    assert not _has(picture[: 70 * 3 - 20, :300], LEVELS[hazard.level])
    above = top_view((400, 576), view.hazards, view.points, view.trails)
    rows = np.argwhere(np.abs(above.astype(int) - LEVELS[Level.CAUTION]).sum(axis=2) < 12)
    metres = 576 / 48
    ahead = 576 - 6 * metres - (22.1 - 0.5 * 12) * metres
    assert np.median(rows[:, 0]) == pytest.approx(ahead, abs=12)


def test_the_view_from_above_turns_sideways() -> None:
    upright = top_view((300, 400), None, np.array([[20.0, 5.0, 1.0]]))
    sideways = top_view((400, 300), None, np.array([[20.0, 5.0, 1.0]]))
    assert upright.shape == (400, 300, 3)
    assert sideways.shape == (300, 400, 3)
    assert tuple(upright[0, 0]) == PANEL


def test_drawings_without_data_are_drawings(make_drive: Callable[..., Path]) -> None:
    drive = load_drive(make_drive(seen=()))
    assert svg.plan(drive).startswith("<svg")
    assert svg.histogram({}) == ""
    assert "<rect" in svg.timeline(svg.state_rows(drive), 3.0)


def _has(picture: np.ndarray, colour: tuple[int, int, int]) -> bool:
    return bool((np.abs(picture.astype(int) - colour).sum(axis=2) < 30).any())
