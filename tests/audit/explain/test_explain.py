"""The chain says what the stages said, and the changes that it names do change the outcome."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import values
from hypothesis import given, settings
from hypothesis import strategies as st
from rich.console import Console
from stores import START_NS, judged, stamp, write_store

from s2m_ros.audit.explain import chain as chains
from s2m_ros.audit.explain.levels import level_changes, level_facts
from s2m_ros.audit.explain.links import conclusion, links
from s2m_ros.audit.explain.page import write_page
from s2m_ros.audit.explain.panels import panels
from s2m_ros.audit.explain.text import render, title_of
from s2m_ros.audit.rings import edges
from s2m_ros.cli.main import main
from s2m_ros.config import Hazards as HazardSettings
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.store import Store
from s2m_ros.types import EgoPose, InputError, Level, Track, Tracks


@pytest.fixture(scope="module")
def store(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_store(tmp_path_factory.mktemp("store") / "store")


def test_the_chain_of_a_track_holds_all_links(store: Path) -> None:
    with Store(store) as opened:
        chain = chains.of_track(opened, 17)
        found = links(chain, chains.Rules.of(opened))
    assert [link.name for link in found] == ["score", "prompt", "mask", "3D", "track", "level"]
    assert all(link.holds for link in found)
    assert chain.mask is not None
    values.assert_same(chain.mask.bits, values.mask().bits)
    assert chain.object is not None
    assert chain.object.mask_id == chain.mask.id
    assert "WARNING" in conclusion(found)


def test_a_place_without_a_mask_says_where_it_ended(store: Path) -> None:
    with Store(store) as opened:
        rules = chains.Rules.of(opened)
        weak = links(chains.of_pixel(opened, stamp(3), "front", 40, 28), rules)
        nothing = links(chains.of_pixel(opened, stamp(3), "front", 60, 2), rules)
    mask = next(link for link in weak if link.name == "mask")
    assert not mask.holds
    assert "low_evidence" in mask.verdict
    least = rules.min_evidence
    assert f"at or below 0.100 (it was {least:.3f}" in mask.changes[0].what
    assert not nothing[0].holds
    assert "It ended at the score" in conclusion(nothing)


def test_times_are_seconds_or_stamps(store: Path) -> None:
    assert chains.parse_time("1.5", START_NS) == START_NS + 1_500_000_000
    assert chains.parse_time(str(stamp(4)), 0) == stamp(4)
    assert chains.parse_time("1700000000.5", 0) == START_NS + 500_000_000
    with pytest.raises(InputError, match="no time"):
        chains.parse_time("noon", 0)
    with Store(store) as opened:
        assert chains.of_time(opened, stamp(7)).stamp_ns == stamp(7)
        with pytest.raises(InputError, match="it has 17"):
            chains.of_track(opened, 4)
        with pytest.raises(InputError, match=r"ends at 2\.9 s"):
            chains.of_time(opened, stamp(60))
        with pytest.raises(InputError, match="64 x 48 pixels"):
            chains.of_pixel(opened, stamp(3), "front", 64, 2)
    with pytest.raises(InputError, match="no time"):
        chains.parse_time("nan", 0)


def test_the_title_says_when_an_object_out_of_view_was_seen(store: Path) -> None:
    with Store(store) as opened:
        chain = chains.of_track(opened, 17, stamp(7))
    assert title_of(chain) == "track 17 at 0.7 s, camera front"
    held = replace(chain, seen_ns=stamp(4))
    assert title_of(held) == "track 17 at 0.7 s, camera front, as last seen at 0.4 s"


def test_pictures_and_page(store: Path, tmp_path: Path) -> None:
    with Store(store) as opened:
        chain = chains.of_track(opened, 17)
        hazard = chain.hazard
        assert hazard is not None
        chain = replace(chain, hazard=replace(hazard, text="<script>alert(1)</script>"))
        found = links(chain, chains.Rules.of(opened))
    names = ["image", "score", "prompt", "candidates", "mask"]
    assert [panel.name for panel in panels(chain)] == names
    page = write_page(chain, found, tmp_path / "out", "a store")
    text = page.read_text()
    assert "<script>" not in text
    assert "&lt;script&gt;" in text
    for name in (*names, "top"):
        assert cv2.imread(str(tmp_path / "out" / f"{name}.png")) is not None
    console = Console(width=120, record=True, file=(tmp_path / "said").open("w"))
    console.print(render(chain, found))
    assert "otherwise with" in console.export_text()


def test_command(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(store), "--track", "17"])
    assert ended.value.code == 0
    assert "holds: warning_distance" in capsys.readouterr().out
    with pytest.raises(SystemExit) as ended:
        main(["explain", str(store), "--track", "99"])
    assert ended.value.code == 2
    assert "the store has none; it has 17" in capsys.readouterr().err


def _judge(distance_m: float, speed: float, size_m: float) -> tuple[Tracks, HazardPolicy]:
    """A track straight ahead of a vehicle that drives on."""
    track: Track = judged(stamp(0)).items[0].track
    front = 3.0 + distance_m
    corners = np.array([[0, -0.2], [size_m, -0.2], [size_m, 0.2], [0, 0.2]])
    corners[:, 0] += front
    track = replace(
        track, position=np.array([front + size_m / 2, 0, 0.25]), velocity=np.zeros(3),
        size=np.array([size_m, 0.4, 0.3]), yaw=0.0, footprint=corners, height=0.3,
        covariance=np.eye(6) * 1e-4, last_ns=stamp(0),
    )  # fmt: skip
    ego = EgoPose(stamp(0), np.eye(4), np.array([speed, 0, 0]), np.zeros(3))
    return Tracks(stamp(0), "odom", (track,), ego), HazardPolicy(HazardSettings())


@given(st.floats(0.1, 60), st.floats(0, 10), st.floats(0.1, 3))
@settings(max_examples=40, deadline=None)
def test_rules_that_hold_are_those_the_policy_went_by(
    distance_m: float, speed: float, size_m: float
) -> None:
    tracks, policy = _judge(distance_m, speed, size_m)
    (hazard,) = policy.assess(tracks).items
    book = load_rulebook()
    held = {line.split()[1] for line in level_facts(hazard, book) if line.startswith("holds: ")}
    asked = max((book.rules[code].level for code in held), default=Level.INFO)
    assert asked == hazard.level
    top = {code for code in held if book.rules[code].level == asked}
    assert top <= set(hazard.reasons)
    for what, outcome in level_changes(hazard, book):
        assert what
        assert outcome


def test_what_is_named_as_the_change_is_one() -> None:
    book = load_rulebook()
    tracks, policy = _judge(5.0, 0.0, 0.4)
    (hazard,) = policy.assess(tracks).items
    assert hazard.level == Level.CRITICAL
    (what, outcome), *_ = level_changes(hazard, book)
    assert what == "not on the path or distance over 6 m (it was 5.00 m)"
    assert outcome == "WARNING by the rules instead of CRITICAL"
    (farther,) = policy.assess(_judge(6.1, 0.0, 0.4)[0]).items
    assert farther.level == Level.WARNING
    assert math.isinf(farther.time_to_reach_s)


@given(st.integers(0, 2**31))
@settings(max_examples=30, deadline=None)
def test_outlines_hold_the_cells(seed: int) -> None:
    bits = np.random.default_rng(seed).random((7, 9)) < 0.6
    filled = np.zeros((7, 9), np.uint8)
    for ring in edges(bits):
        assert ring.min() >= -0.01
        assert ring[:, 0].max() <= 9.01
        for y, x in np.argwhere(bits):
            place = (float(x) + 0.5, float(y) + 0.5)
            if cv2.pointPolygonTest(ring.astype(np.float32), place, False) >= 0:
                filled[y, x] = 1
    assert np.array_equal(filled > 0, bits)
