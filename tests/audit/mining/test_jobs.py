"""Many sources: what is poisoned is passed over, what is done is not done again."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import mining
import pytest
import stores
import toy_model

from s2m_ros.audit.mining.jobs import DONE, KNOWN, Backend, Processes, Ray, load_all, run, work
from s2m_ros.audit.mining.making import make
from s2m_ros.audit.mining.meeting import Options
from s2m_ros.config import Config, load
from s2m_ros.types import InputError

OPTIONS = Options(Config())


def sources(folder: Path, count: int, poisoned: int = 10, name: str = "poisoned") -> list[Path]:
    """Folders with a file each; one in ``poisoned`` is a bad one."""
    paths = []
    for i in range(count):
        path = folder / (f"{name}_{i}" if i % poisoned == poisoned - 1 else f"drive_{i}")
        path.mkdir(parents=True)
        (path / "x.mcap").write_bytes(b"x" * i)
        paths.append(path)
    return paths


def done(folder: Path) -> Counter[str]:
    return Counter((folder / "log.txt").read_text().split())


def check_one_in_ten(folder: Path, backend: Backend) -> None:
    paths = sources(folder / "in", 40)
    told: list[tuple[str, str]] = []
    outcome = run(paths, OPTIONS, folder / "out", backend, advance=lambda *step: told.append(step))
    assert len(outcome.parts) == 36
    assert len(told) == 40
    names = sorted(Path(source).name for source in outcome.failed)
    assert names == [f"poisoned_{i}" for i in (19, 29, 39, 9)]
    assert all("cannot be read" in why for why in outcome.failed.values())
    assert len(load_all(folder / "out")) == 36
    # Again: nothing is done twice, unless it is asked for.
    again = run(paths, OPTIONS, folder / "out", mining.Here())
    assert (again.parts, again.failed) == (outcome.parts, outcome.failed)
    assert set(done(folder / "in").values()) == {1}


def test_one_in_ten_is_poisoned_and_the_others_are_mined(tmp_path: Path) -> None:
    check_one_in_ten(tmp_path, Processes(2, mining.task))


@pytest.mark.slow
@pytest.mark.timeout(300)
def test_the_same_on_ray(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("ray", reason="ray is not installed: pip install 's2m_ros[mine]'")
    root, support = Path(__file__).parents[3], Path(mining.__file__).parent
    monkeypatch.setenv("PYTHONPATH", f"{root}:{support}")
    backend = Ray("local", 2, mining.task)
    try:
        with backend:
            pass
    except InputError as error:  # it gives its processes half a minute
        pytest.skip(f"ray does not come up on this machine now: {error}")
    check_one_in_ten(tmp_path, Ray("local", 2, mining.task))


def test_failures_are_tried_again_when_asked(tmp_path: Path) -> None:
    paths = sources(tmp_path / "in", 2, poisoned=2)
    run(paths, OPTIONS, tmp_path / "out", mining.Here())
    outcome = run(paths, OPTIONS, tmp_path / "out", mining.Here(), retry=True)
    assert len(outcome.failed) == 1
    assert done(tmp_path / "in") == {"drive_0": 1, "poisoned_1": 2}


def test_what_takes_its_process_down_takes_nothing_else_with_it(tmp_path: Path) -> None:
    paths = sources(tmp_path / "in", 4, poisoned=4, name="deadly")
    outcome = run(paths, OPTIONS, tmp_path / "out", Processes(2, mining.task))
    assert len(outcome.parts) == 3
    assert sorted(Path(source).name for source in outcome.failed) == ["deadly_3"]
    assert all("process died" in why for why in outcome.failed.values())


def test_after_a_stop_at_most_one_source_a_worker_is_done_again(tmp_path: Path) -> None:
    paths = []
    for i in range(6):
        paths.append(tmp_path / "in" / f"drive_{i}")
        paths[-1].mkdir(parents=True)

    def stop(source: str, what: str) -> None:
        if source.endswith("_2"):
            raise KeyboardInterrupt

    first = run(paths, OPTIONS, tmp_path / "out", mining.Here(), advance=stop)
    assert first.interrupted
    assert len(first.parts) == 3
    told: Counter[str] = Counter()
    rest = run(
        paths,
        OPTIONS,
        tmp_path / "out",
        mining.Here(),
        advance=lambda source, what: told.update([what]),
    )
    assert len(rest.parts) == 6
    assert told == {KNOWN: 3, DONE: 3}
    assert sum(n - 1 for n in done(tmp_path / "in").values()) <= 1


def test_a_changed_source_and_other_settings_are_mined_anew(tmp_path: Path) -> None:
    (path,) = sources(tmp_path / "in", 1)
    run([path], OPTIONS, tmp_path / "out", mining.Here())
    (path / "x.mcap").write_bytes(b"longer")
    run([path], OPTIONS, tmp_path / "out", mining.Here())
    other = Options(load(None, {"tracking.coast_s": 2.0}))
    run([path, path], other, tmp_path / "out", mining.Here())
    assert done(tmp_path / "in") == {"drive_0": 3}


def test_stores_are_mined_and_what_is_no_store_is_passed_over(tmp_path: Path) -> None:
    model = toy_model.write(tmp_path / "toy")
    options = Options(load(None, {"perception.model.path": str(model)}))
    paths = [stores.write_store(tmp_path / f"store_{i}", 6, track=i + 1) for i in range(3)]
    broken = tmp_path / "broken" / "kept"
    broken.mkdir(parents=True)
    (broken / "000001.mcap").write_bytes(b"no mcap at all")
    outcome = run(
        [*paths, broken.parent, tmp_path / "nothing"], options, tmp_path / "out", Processes(1)
    )
    assert len(outcome.parts) == 3
    assert set(outcome.failed) == {str(broken.parent), str(tmp_path / "nothing")}
    made = make(outcome.met(), tmp_path / "out")
    assert [one.tracks for one in made.specimens] == [(1,), (2,), (3,)]
    assert all(path.is_file() for path in made.files.values())


def test_errors_of_a_task_are_of_few_words() -> None:
    with pytest.raises(RuntimeError, match="BagError"):
        work("/nowhere/at/all", OPTIONS)


def test_an_empty_folder_is_no_atlas(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="s2m mine"):
        load_all(tmp_path)
