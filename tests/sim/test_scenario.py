"""Scenario files: those that come along are sound, and a wrong entry is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.sim import catalog, scenario
from s2m_ros.types import InputError


@pytest.mark.parametrize("name", scenario.names())
def test_packaged(name: str) -> None:
    found = scenario.load(name)
    assert found.name == name
    assert found.description
    assert {actor.kind for actor in found.actors} <= set(catalog.MAKERS)


def test_the_default_drive_holds_what_the_demo_promises() -> None:
    kinds = {actor.kind for actor in scenario.load("apron").actors}
    assert {"airliner", "person", "chock", "cone", "hose", "suitcase", "box"} <= kinds
    assert kinds & {"tug", "belt_loader", "catering_lorry"}


def test_the_suite_holds_every_category_and_drives_without_any() -> None:
    loaded = [scenario.load(name) for name in scenario.names()]
    unknown = {
        s.name: {catalog.category_of(a.kind) for a in s.actors if not a.known} - {""}
        for s in loaded
    }
    assert set().union(*unknown.values()) == set(catalog.CATEGORIES)
    clean = {name for name, found in unknown.items() if not found}
    assert clean == {n for n in scenario.names() if n.startswith("clean")}
    assert len(clean) >= 4


def test_cameras_share_what_they_do_not_say() -> None:
    front, left, right = scenario.load("cameras", {"camera.width": 320}).views
    assert (front.name, left.name, right.name) == ("front", "left", "right")
    assert front.width == left.width == right.width == 320
    assert left.yaw_deg == -right.yaw_deg == 55
    assert scenario.load("apron").views[0].name == "front"


@pytest.mark.parametrize("name", ["night", "cameras", "slope"])
def test_a_saved_scenario_loads_as_it_was(tmp_path: Path, name: str) -> None:
    found = scenario.load(name)
    found.save(tmp_path / "again.yaml")
    assert scenario.load(tmp_path / "again.yaml") == found


def test_overrides_reach_inside() -> None:
    found = scenario.load("apron", {"camera.width": 480, "seed": 9})
    assert (found.camera.width, found.seed) == (480, 9)


EGO = "name: x\nego: {points: [[0, 0], [1, 0]]}\n"


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1, 2]", "expected a mapping"),
        ("name: x\nego: {points: [[0, 0]]}", r"ego\.points"),
        ("name: x\nego: {points: [[0, 0], [1, 0]]}\nactor: []", "actor"),
        ("name: x\nego: {points: [[0, 0], [1, 0]], speed_mps: -1}", "greater than 0"),
        ("name: [", "not readable as YAML"),
        (EGO + "actors: [{kind: box}]", r"actors\.0: .*either 'at' or 'path'"),
        (EGO + "cameras: {a: {yaw: 3}}", "yaw"),
        (EGO + "cameras: {a: {rate_hz: 5}, b: {}}", "one rate_hz"),
    ],
)
def test_a_wrong_file_is_named(tmp_path: Path, text: str, complaint: str) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(text)
    with pytest.raises(InputError, match=complaint) as caught:
        scenario.load(path)
    assert caught.value.source == str(path)


def test_a_wrong_name_lists_those_known() -> None:
    with pytest.raises(InputError, match=r"no such scenario: take one of .*apron"):
        scenario.load("moon")
    with pytest.raises(InputError, match="no such file"):
        scenario.load("moon.yaml")
