"""The cache of rendered drives, with a renderer that only makes folders."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from s2m_ros.audit.closed_loop import drives
from s2m_ros.audit.closed_loop.drives import rendered, source_hash
from s2m_ros.audit.closed_loop.loop import TOGETHER_NS, _seen
from s2m_ros.sim.scenario import Scenario
from s2m_ros.types import Role
from s2m_ros.wire.truth import TruthFrame, TruthObject, TruthView


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Durations of the drives that were rendered."""
    durations: list[float] = []

    def write_bag(out: Path, scenario: Scenario, *, duration_s: float, **_: Any) -> None:
        durations.append(duration_s)
        out.mkdir(parents=True)
        (out / f"{out.name}.mcap").write_text("")

    monkeypatch.setattr(drives, "write_bag", write_bag)
    return durations


def scenario(**changes: Any) -> Scenario:
    given = {"name": "a", "duration_s": 2.0, "ego": {"points": [(0, 0), (9, 0)]}, **changes}
    return Scenario.model_validate(given)


def test_a_drive_is_rendered_once_and_a_long_one_serves_for_a_short_one(
    made: list[float], tmp_path: Path
) -> None:
    whole = rendered(scenario(), tmp_path)
    again = rendered(scenario(), tmp_path)
    short = rendered(scenario(), tmp_path, frames=5)
    assert made == pytest.approx([2.0])
    assert whole == again
    assert (short.path, short.key) == (whole.path, whole.key)
    assert (whole.seconds, short.seconds) == (pytest.approx(1.95), pytest.approx(0.45))
    assert [p.name for p in (tmp_path / "drives").iterdir()] == [f"a-{whole.key}-20"]


def test_a_short_drive_does_not_serve_for_a_long_one(made: list[float], tmp_path: Path) -> None:
    rendered(scenario(), tmp_path, frames=5)
    rendered(scenario(), tmp_path, frames=15)
    rendered(scenario(), tmp_path, frames=10)
    rendered(scenario(), tmp_path, frames=99)
    assert made == pytest.approx([0.5, 1.5, 2.0])


def test_another_scenario_seed_or_simulator_is_another_drive(
    made: list[float], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    keys = {rendered(s, tmp_path).key for s in (scenario(), scenario(seed=2), scenario(name="a-b"))}
    monkeypatch.setattr(drives, "source_hash", lambda parts: "other")
    keys.add(rendered(scenario(), tmp_path).key)
    assert len(keys) == len(made) == 4


def test_a_drive_that_was_not_finished_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stopped(out: Path, *_: Any, **__: Any) -> None:
        out.mkdir(parents=True)
        raise KeyboardInterrupt

    monkeypatch.setattr(drives, "write_bag", stopped)
    with pytest.raises(KeyboardInterrupt):
        rendered(scenario(), tmp_path)
    assert list((tmp_path / "drives").iterdir()) == []


def test_the_hash_of_the_source_is_of_what_it_names() -> None:
    assert source_hash(["sim"]) == source_hash(["sim"])
    assert source_hash(["sim"]) != source_hash(["perception"])
    assert source_hash(["types.py"]) != source_hash(["config.py"])


def test_cameras_that_look_one_after_another_see_together() -> None:
    view = TruthView(50, (0, 0, 10, 5), 1.0)

    def frame(stamp: int, **views: TruthView) -> TruthFrame:
        item = TruthObject(1, "cone", Role.UNKNOWN, np.array([stamp, 0, 0.0]), np.ones(3), 0.0,
                           views=views)  # fmt: skip
        return TruthFrame(stamp, "odom", (item,))

    old, ms = TOGETHER_NS, 1_000_000
    truth = {f.stamp_ns: f for f in (frame(0, rear=view), frame(old, left=view),
                                     frame(old + 9 * ms, front=view))}  # fmt: skip
    (item,) = _seen(truth, old + 9 * ms).items
    assert set(item.views) == {"left", "front"}
    assert item.position[0] == old + 9 * ms
    assert set(_seen(truth, 0).items[0].views) == {"rear"}
