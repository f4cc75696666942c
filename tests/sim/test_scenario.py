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
    assert all((actor.at is None) != (actor.path is None) for actor in found.actors)


def test_the_default_drive_holds_what_the_demo_promises() -> None:
    kinds = {actor.kind for actor in scenario.load("apron").actors}
    assert {"airliner", "person", "chock", "cone", "hose", "suitcase", "box"} <= kinds
    assert kinds & {"tug", "belt_loader", "catering_lorry"}


def test_overrides_reach_inside() -> None:
    found = scenario.load("apron", {"camera.width": 480, "seed": 9})
    assert (found.camera.width, found.seed) == (480, 9)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("[1, 2]", "expected a mapping"),
        ("name: x\nego: {points: [[0, 0]]}", r"ego\.points"),
        ("name: x\nego: {points: [[0, 0], [1, 0]]}\nactor: []", "actor"),
        ("name: x\nego: {points: [[0, 0], [1, 0]], speed_mps: -1}", "greater than 0"),
        ("name: [", "not readable as YAML"),
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
