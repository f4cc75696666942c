"""A small drive through the true stages with a toy model: rows, memory, senses, artifacts."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_model
from drives import OBJECTS, write_drive

from s2m_ros.audit.closed_loop import suite
from s2m_ros.audit.closed_loop.document import document
from s2m_ros.audit.closed_loop.drives import Drive
from s2m_ros.audit.closed_loop.figures import counted, figures, recall
from s2m_ros.audit.closed_loop.loop import Watched, watch
from s2m_ros.audit.closed_loop.report import headline, table, write
from s2m_ros.audit.closed_loop.rows import Haunting, Rows, tell
from s2m_ros.audit.closed_loop.suite import Options, run_suite
from s2m_ros.config import Config, load
from s2m_ros.runtime.build import build_perception
from s2m_ros.sim.scenario import Scenario
from s2m_ros.types import Evidence, State, TrackState

Run = Callable[..., Watched]
FRAMES = 20


@pytest.fixture(scope="module")
def config(tmp_path_factory: pytest.TempPathFactory) -> Config:
    model = toy_model.write(tmp_path_factory.mktemp("models") / "toy")
    return load(overrides={"perception.model.path": str(model)})


@pytest.fixture(scope="module")
def drive(tmp_path_factory: pytest.TempPathFactory) -> Drive:
    path = write_drive(tmp_path_factory.mktemp("drive") / "apron", results=False)
    return Drive(path, "key", 0.1 * (FRAMES - 0.5))


@pytest.fixture(scope="module")
def memory(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("memory")


@pytest.fixture(scope="module")
def run(drive: Drive, config: Config, memory: Path) -> Run:
    return lambda **options: watch(drive, config, memory, **options)


@pytest.fixture(scope="module")
def watched(run: Run) -> Watched:
    return run()


def test_each_instant_holds_what_every_stage_said(watched: Watched) -> None:
    assert (len(watched.instants), watched.unmatched) == (FRAMES, 0)
    for instant in watched.instants:
        assert instant.frames["front"].masks.stamp_ns == instant.stamp_ns
        assert instant.tracks is not None
        published = {h.track.id for h in instant.hazards.items}
        assert published <= {t.id for t in instant.tracks.items}
    assert watched.way_m == pytest.approx(0.5 * (FRAMES - 1))
    assert "fusion" in watched.drops


def test_the_rows_say_what_was_found_and_where(watched: Watched, config: Config) -> None:
    rows = tell("toy", watched, config)
    there = recall(counted(rows.sightings))
    assert (there.objects, there.found) == (2, 2)
    errors = [s.position_error_m for s in rows.sightings if s.track]
    assert np.median(errors) < 0.6
    first = min(rows.sightings, key=lambda s: s.stamp_ns)
    assert (first.track, first.lost, first.detail) == (0, "track", "tentative")
    assert {s.category for s in rows.sightings} == {"suitcase <b>", "chock"}
    assert rows.journeys[0].objects == 2


def test_another_run_takes_perception_from_memory(
    run: Run, watched: Watched, config: Config
) -> None:
    def build(settings: Any) -> Any:
        perception = build_perception(settings)
        whole = perception.perceive

        def perceive(image: Any, *about: Any) -> Any:
            assert not about, "the network ran although its answer is remembered"
            return whole(image)

        perception.perceive = perceive  # type: ignore[method-assign]
        return perception

    again = run(build=build)
    assert repr(tell("toy", again, config)) == repr(tell("toy", watched, config))


def test_memory_is_not_valid_for_other_settings(
    drive: Drive, config: Config, memory: Path, watched: Watched
) -> None:
    stricter = config.perception.selection.model_copy(update={"min_evidence": 0.999})
    perception = config.perception.model_copy(update={"selection": stricter})
    blind = watch(drive, config.model_copy(update={"perception": perception}), memory)
    assert sum(len(i.frames["front"].masks.items) for i in blind.instants) == 0
    assert sum(len(i.frames["front"].masks.items) for i in watched.instants) > 0


def test_without_lidar_all_is_degraded_and_rests_on_the_ground(run: Run, config: Config) -> None:
    rows = tell("toy", run(without=frozenset({"lidar"})), config)
    assert set(rows.journeys[0].states) == {State.DEGRADED.name}
    found = [s for s in rows.sightings if s.track]
    assert found
    assert not any(s.evidence & Evidence.LIDAR for s in found)


def test_without_scorer_only_geometry_finds(run: Run, config: Config) -> None:
    watched = run(without=frozenset({"scorer"}))
    assert not any(i.frames["front"].masks.items for i in watched.instants)
    found = [s for s in tell("toy", watched, config).sightings if s.track]
    assert found
    assert not any(s.evidence & Evidence.CAMERA for s in found)


@pytest.fixture(scope="module")
def haunted(run: Run) -> Watched:
    return run(artifacts=4, seed=3)


def test_artifacts_are_put_in_once_and_followed(haunted: Watched, config: Config) -> None:
    assert len(haunted.phantoms) == 4
    for phantom in haunted.phantoms:
        carrying = [
            i.stamp_ns
            for i in haunted.instants
            if any(m.id == phantom.mask_id for m in i.frames["front"].masks.items)
        ]
        assert carrying == [phantom.stamp_ns]
    rows = tell("toy", haunted, config)
    assert len(rows.hauntings) == 4
    assert any(h.born for h in rows.hauntings)
    assert all(h.born for h in rows.hauntings if h.confirmed)


def test_an_artifact_that_was_confirmed_is_told(haunted: Watched, config: Config) -> None:
    """An artifact's track that is published as confirmed later counts."""
    rows = tell("toy", haunted, config)
    at = next(i for i, h in enumerate(rows.hauntings) if h.born and not h.confirmed)
    phantom = haunted.phantoms[at]
    instants = list(haunted.instants)
    here = next(i for i in instants if i.stamp_ns == phantom.stamp_ns)
    assert here.tracks is not None
    (track,) = [t for t in here.tracks.items if t.mask_id == phantom.mask_id]
    some = next(h for i in instants for h in i.hazards.items)

    def told_of(place: tuple[float, float]) -> Haunting:
        """With the track published as confirmed at the last instant, at a place."""
        moved = replace(
            track,
            state=TrackState.CONFIRMED,
            position=np.array([*place, 0.3]),
            footprint=np.array([place]),
        )
        hazards = replace(instants[-1].hazards, items=(replace(some, track=moved),))
        last = replace(instants[-1], hazards=hazards)
        changed = replace(haunted, instants=(*instants[:-1], last))
        return tell("toy", changed, config).hauntings[at]

    nowhere, real = told_of((40.0, 20.0)), told_of((22.0, 0.6))
    assert (nowhere.confirmed, nowhere.adopted) == (True, False)
    assert (real.confirmed, real.adopted) == (False, True)


def test_an_end_before_the_end_of_the_drive(drive: Drive, config: Config, memory: Path) -> None:
    short = watch(replace(drive, seconds=0.45), config, memory)
    assert len(short.instants) == 5
    assert short.way_m == pytest.approx(2.0)


@pytest.fixture
def options(config: Config, tmp_path: Path) -> Options:
    return Options(config, tmp_path / "cache")


@pytest.fixture
def scenarios(drive: Drive, monkeypatch: pytest.MonkeyPatch) -> list[Scenario]:
    """Three scenarios whose rendering is the toy drive; 'bad' cannot be rendered."""

    def rendered(scenario: Scenario, *_: Any, **__: Any) -> Drive:
        if scenario.name == "bad":
            raise ValueError("no light")
        return replace(drive, seconds=0.75)

    monkeypatch.setattr(suite, "rendered", rendered)
    ego: Any = {"points": [(0, 0), (10, 0)]}
    return [Scenario(name=name, ego=ego) for name in ("one", "bad", "two")]


def test_a_scenario_that_fails_is_told_and_stops_no_other(
    scenarios: list[Scenario], options: Options, tmp_path: Path
) -> None:
    outcome = run_suite(scenarios, replace(options, artifacts=4))
    assert outcome.done == ["one", "two"]
    assert outcome.failed == {"bad": "ValueError: no light"}
    tree = document(outcome, options)
    assert not tree["complete"]
    assert tree["overall"]["objects"] == 4
    assert tree["artifacts"]["injected"] == 3  # 2, 1 (that failed) and 1
    write(tree, outcome.rows, tmp_path / "out")
    page = (tmp_path / "out" / "report.html").read_text()
    assert "bad failed and is not in these figures: ValueError: no light" in page
    assert "suitcase &lt;b&gt;" in page
    assert "suitcase <b>" not in page
    assert "http" not in page.replace("http://www.w3.org/2000/svg", "")
    text = (tmp_path / "out" / "report.md").read_text()
    assert "2 of 3 drives" in text
    assert json.loads((tmp_path / "out" / "metrics.json").read_text()) == tree


def test_a_run_that_is_stopped_keeps_what_is_done(
    scenarios: list[Scenario], options: Options, tmp_path: Path
) -> None:
    def advance(name: str, what: str, share: float) -> None:
        if name == "two" and share > 0.5:
            raise KeyboardInterrupt

    outcome = run_suite([scenarios[0], scenarios[2]], options, advance)
    assert (outcome.done, outcome.interrupted, outcome.complete) == (["one"], True, False)
    tree = document(outcome, options)
    write(tree, outcome.rows, tmp_path / "out")
    assert "stopped before the end" in headline(tree)
    assert "1 of 2 drives are in these figures" in (tmp_path / "out" / "report.html").read_text()


def test_nothing_done_at_all_still_makes_a_report(options: Options, tmp_path: Path) -> None:
    outcome = suite.Outcome(["one"], interrupted=True)
    tree = document(outcome, options)
    write(tree, Rows(), tmp_path / "out")
    assert "0 of 1 drives" in (tmp_path / "out" / "report.md").read_text()
    assert table(tree).row_count == len(tree["goals"])
    assert tree["overall"]["recall"] is None


def test_missed_objects_are_shown(watched: Watched, config: Config, drive: Drive, options: Options,
                                  tmp_path: Path) -> None:  # fmt: skip
    rows = tell("toy", watched, config, str(drive.path))
    lost = [replace(s, track=0, lost="score", detail="low") for s in rows.sightings]
    unseen = replace(rows, sightings=lost)
    outcome = suite.Outcome(["toy"], unseen, ["toy"])
    tree = document(outcome, options)
    assert [m["category"] for m in tree["misses"]] == ["suitcase <b>", "chock"]
    write(tree, unseen, tmp_path / "out")
    assert (tmp_path / "out" / "report.html").read_text().count("data:image/jpeg") == 2
    assert figures(unseen)["lost_objects"] == {"score": len(OBJECTS) - 1}
