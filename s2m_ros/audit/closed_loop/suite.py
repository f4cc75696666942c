"""Many scenarios, in several processes, with what is done kept when the run is stopped."""

from __future__ import annotations

import multiprocessing
import queue
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from dataclasses import dataclass, field
from pathlib import Path

from s2m_ros.audit.closed_loop.drives import rendered
from s2m_ros.audit.closed_loop.loop import watch
from s2m_ros.audit.closed_loop.rows import Rows, tell
from s2m_ros.config import Config
from s2m_ros.sim.scenario import Scenario

Advance = Callable[[str, str, float], None]
"""Called with the scenario, what is being done, and the share of it that is done."""
Told = queue.Queue[tuple[str, str, float]]
RENDERING, PERCEIVING = "rendering", "working off"


@dataclass(frozen=True, slots=True)
class Options:
    """How to run. frames: of each scenario at most, None for all; artifacts: phantoms over all
    scenarios; cache: folder of rendered drives and remembered perception."""

    config: Config
    cache: Path
    frames: int | None = None
    without: frozenset[str] = frozenset()
    artifacts: int = 0
    seed: int = 0
    jobs: int = 1


@dataclass(slots=True)
class Outcome:
    """asked, done: names; failed: why, by name; interrupted: it was stopped before the end."""

    asked: list[str]
    rows: Rows = field(default_factory=Rows)
    done: list[str] = field(default_factory=list)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    @property
    def complete(self) -> bool:
        return self.done == self.asked


def run_suite(
    scenarios: Sequence[Scenario], options: Options, advance: Advance = lambda *_: None
) -> Outcome:
    """Run the scenarios; a scenario that fails does not stop the others, Ctrl-C stops them all."""
    outcome = Outcome([scenario.name for scenario in scenarios])
    shares = _shares(options.artifacts, len(scenarios))
    found: dict[str, Rows] = {}
    try:
        if options.jobs <= 1 or len(scenarios) == 1:
            for scenario, share in zip(scenarios, shares, strict=True):
                try:
                    found[scenario.name] = run_one(
                        scenario, options, share, advance, workers=max(1, options.jobs)
                    )
                except Exception as error:
                    outcome.failed[scenario.name] = f"{type(error).__name__}: {error}"
        else:
            _in_processes(scenarios, shares, options, advance, found, outcome.failed)
    except KeyboardInterrupt:
        outcome.interrupted = True
    for name in outcome.asked:
        if name in found:
            outcome.done.append(name)
            outcome.rows.extend(found[name])
    return outcome


def run_one(
    scenario: Scenario,
    options: Options,
    artifacts: int,
    advance: Advance = lambda *_: None,
    workers: int = 1,
) -> Rows:
    """Render, work off and tell one scenario."""
    name = scenario.name
    drive = rendered(
        scenario,
        options.cache,
        frames=options.frames,
        workers=workers,
        advance=lambda done, total: advance(name, RENDERING, done / total),
    )
    advance(name, RENDERING, 1.0)
    watched = watch(
        drive,
        options.config,
        options.cache / "perception",
        without=options.without,
        artifacts=artifacts,
        seed=zlib.crc32(f"{name} {options.seed}".encode()),
        advance=lambda share: advance(name, PERCEIVING, share),
    )
    advance(name, PERCEIVING, 1.0)
    return tell(name, watched, options.config, str(drive.path))


def _in_processes(
    scenarios: Sequence[Scenario],
    shares: Sequence[int],
    options: Options,
    advance: Advance,
    found: dict[str, Rows],
    failed: dict[str, str],
) -> None:
    context = multiprocessing.get_context("spawn")  # Embree's threads do not survive a fork
    told: Told = context.Queue()  # type: ignore[assignment]
    others = set(multiprocessing.active_children())
    pool = ProcessPoolExecutor(min(options.jobs, len(scenarios)), context, _begin, (told, options))
    try:
        waiting: dict[Future[Rows], str] = {
            pool.submit(_work, scenario, share): scenario.name
            for scenario, share in zip(scenarios, shares, strict=True)
        }
        while waiting:
            done, _ = wait(waiting, timeout=0.5, return_when=FIRST_COMPLETED)
            _pass_on(told, advance)
            for future in done:
                name = waiting.pop(future)
                error = future.exception()
                if error is None:
                    found[name] = future.result()
                else:
                    failed[name] = f"{type(error).__name__}: {error}"
    finally:
        pool.shutdown(wait=False, cancel_futures=True)
        for process in set(multiprocessing.active_children()) - others:
            process.terminate()


def _pass_on(told: Told, advance: Advance) -> None:
    while True:
        try:
            advance(*told.get_nowait())
        except queue.Empty:
            return


def _shares(count: int, parts: int) -> list[int]:
    """``count`` in ``parts`` whole numbers as equal as can be."""
    return [count // parts + (i < count % parts) for i in range(parts)] if parts else []


_told: Told | None = None
_options: Options | None = None


def _begin(told: Told, options: Options) -> None:
    global _told, _options  # one a worker process
    _told, _options = told, options


def _work(scenario: Scenario, artifacts: int) -> Rows:
    assert _told is not None
    assert _options is not None
    tell_parent = _told
    return run_one(scenario, _options, artifacts, lambda *step: tell_parent.put(step))
