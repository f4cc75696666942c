"""Many sources, each a task: in processes of this machine, or on Ray.

What is done lies in ``OUT/parts`` and is not done again. A source that cannot be mined, or that
takes its process down, is reported and passed over. Both backends run the same function and are
driven by the same loop.
"""

from __future__ import annotations

import hashlib
import json
import os
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ProcessPoolExecutor, wait
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, field
from multiprocessing import get_context
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol

from typing_extensions import Self

from s2m_ros import __version__
from s2m_ros.audit.mining.meeting import Options, meet
from s2m_ros.audit.mining.specimen import FORMAT, Met, pack, unpack
from s2m_ros.runtime.manifest import find, read
from s2m_ros.types import InputError

PARTS = "parts"
Advance = Callable[[str, str], None]
"""Called with a source and what became of it: DONE, KNOWN or why it failed."""
DONE, KNOWN = "done", "done before"


@dataclass(frozen=True, slots=True)
class Task:
    """key: of the source's content and all settings that decide."""

    source: Path
    key: str


@dataclass(slots=True)
class Outcome:
    """parts: where the result of each source lies; failed: why, by source."""

    parts: dict[str, Path] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    interrupted: bool = False

    def met(self) -> list[Met]:
        """The results, in the order of the sources' names."""
        return [load(path) for _, path in sorted(self.parts.items())]


class Backend(Protocol):
    """Where tasks run. ``wait`` gives those that are over: the packed result, or the error."""

    workers: int

    def __enter__(self) -> Self: ...
    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None: ...
    def submit(self, task: Task, options: Options) -> None: ...
    def wait(self) -> list[tuple[Task, bytes | Exception]]: ...


def plan(sources: Iterable[Path], options: Options) -> list[Task]:
    """A task for each source, each once."""
    settings = _settings(options)
    tasks = {}
    for source in sources:
        path = Path(source).resolve()
        tasks[path] = Task(path, _hash(str(path), *_content(path), settings))
    return list(tasks.values())


def run(
    sources: Iterable[Path],
    options: Options,
    out: Path,
    backend: Backend,
    *,
    retry: bool = False,
    advance: Advance = lambda source, what: None,
) -> Outcome:
    """Mine all sources. retry: also those that failed before. Ctrl-C keeps what is done."""
    folder = out / PARTS
    folder.mkdir(parents=True, exist_ok=True)
    outcome = Outcome()
    waiting: deque[Task] = deque()
    for task in plan(sources, options):
        done, failed = folder / f"{task.key}.met", folder / f"{task.key}.failed"
        if done.is_file():
            outcome.parts[str(task.source)] = done
            advance(str(task.source), KNOWN)
        elif failed.is_file() and not retry:
            outcome.failed[str(task.source)] = json.loads(failed.read_text())["why"]
            advance(str(task.source), outcome.failed[str(task.source)])
        else:
            waiting.append(task)
    if not waiting:
        return outcome
    try:
        with backend:
            _drive(waiting, options, folder, backend, outcome, advance)
    except KeyboardInterrupt:
        outcome.interrupted = True
    return outcome


def _drive(
    waiting: deque[Task],
    options: Options,
    folder: Path,
    backend: Backend,
    outcome: Outcome,
    advance: Advance,
) -> None:
    running = 0
    while waiting or running:
        while waiting and running < backend.workers:
            backend.submit(waiting.popleft(), options)
            running += 1
        for task, result in backend.wait():
            running -= 1
            source = str(task.source)
            if isinstance(result, bytes):
                path = folder / f"{task.key}.met"
                _write(path, result)
                (folder / f"{task.key}.failed").unlink(missing_ok=True)
                outcome.parts[source] = path
                advance(source, DONE)
            else:
                why = str(result) or type(result).__name__
                _write(
                    folder / f"{task.key}.failed",
                    json.dumps({"source": source, "why": why}).encode(),
                )
                outcome.failed[source] = why
                advance(source, why)


def work(source: str, options: Options) -> bytes:
    """The task: mine one source. Errors are of few words, as they travel between processes."""
    try:
        return pack(meet(Path(source), options))
    except Exception as error:
        raise RuntimeError(f"{type(error).__name__}: {error}") from None


class Processes:
    """Processes of this machine. One that dies takes nothing but its own source with it."""

    def __init__(self, workers: int, task: Callable[[str, Options], bytes] = work) -> None:
        self.workers, self._asked = workers, workers
        self._work = task
        self._running: dict[Future[bytes], tuple[Task, Options]] = {}
        self._suspects: deque[tuple[Task, Options]] = deque()

    def __enter__(self) -> Self:
        self._pool = self._new()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if error is None:
            self._pool.shutdown()
            return
        processes = list((self._pool._processes or {}).values())
        self._pool.shutdown(wait=False, cancel_futures=True)
        for process in processes:
            process.terminate()

    def submit(self, task: Task, options: Options) -> None:
        future = self._pool.submit(self._work, str(task.source), options)
        self._running[future] = task, options

    def wait(self) -> list[tuple[Task, bytes | Exception]]:
        """When a process dies nobody knows whose fault it was: those that ran are run again, one
        by one, and the one that dies alone is to blame."""
        if not self._running and self._suspects:
            self.submit(*self._suspects.popleft())
        alone = len(self._running) == 1
        finished, _ = wait(self._running, return_when=FIRST_COMPLETED)
        over: list[tuple[Task, bytes | Exception]] = []
        broken: list[tuple[Task, Options]] = []
        for future in finished:
            task, options = self._running.pop(future)
            error = future.exception()
            if error is None:
                over.append((task, future.result()))
            elif not isinstance(error, BrokenProcessPool):
                over.append((task, RuntimeError(str(error))))
            elif alone:
                over.append((task, RuntimeError("its process died: out of memory, or a crash")))
                self._pool = self._new()
            else:
                broken.append((task, options))
        if broken:
            wait(self._running)
            broken += self._running.values()
            self._running.clear()
            self._suspects.extend(broken)
            self._pool = self._new()
        # While there are suspects nothing else is started beside them.
        self.workers = 0 if self._suspects else self._asked
        return over

    def _new(self) -> ProcessPoolExecutor:
        return ProcessPoolExecutor(self._asked, get_context("spawn"))


class Ray:
    """Tasks on Ray (https://ray.io): address 'local' starts it here, else it is that cluster's.

    The sources and this package have to be at the same place on every machine of the cluster.
    """

    def __init__(
        self,
        address: str = "local",
        workers: int | None = None,
        task: Callable[[str, Options], bytes] = work,
    ) -> None:
        os.environ.setdefault("RAY_USAGE_STATS_ENABLED", "0")
        try:
            import ray
        except ImportError as error:
            raise InputError(
                "ray",
                f"not importable ({error})",
                "pip install 's2m_ros[mine]', or leave --ray out",
            ) from error
        self._ray: Any = ray
        self._address, self._asked = address, workers
        self._work = task
        self.workers = workers or 1
        self._running: dict[Any, Task] = {}

    def __enter__(self) -> Self:
        more: dict[str, Any] = {}
        if self._address == "local":
            more = {"num_cpus": self._asked or os.cpu_count(), "include_dashboard": False}
        try:
            self._ray.init(
                address=self._address, configure_logging=False, log_to_driver=False, **more
            )
        except Exception as error:  # Ray raises the bare class
            self._ray.shutdown()
            raise InputError(
                f"ray at '{self._address}'",
                f"did not start: {error}",
                "check the address, try again on a less busy machine, or leave --ray out",
            ) from error
        self.workers = self._asked or int(self._ray.cluster_resources().get("CPU", 1))
        # What can be pickled by name is: the task is a function of this package.
        self._remote = self._ray.remote(num_cpus=1, max_retries=0)(self._work)
        return self

    def __exit__(self, *_: object) -> None:
        self._ray.shutdown()

    def submit(self, task: Task, options: Options) -> None:
        self._running[self._remote.remote(str(task.source), options)] = task

    def wait(self) -> list[tuple[Task, bytes | Exception]]:
        finished, _ = self._ray.wait(list(self._running), num_returns=1)
        over: list[tuple[Task, bytes | Exception]] = []
        for reference in finished:
            task = self._running.pop(reference)
            try:
                over.append((task, bytes(self._ray.get(reference))))
            except self._ray.exceptions.RayTaskError as error:
                over.append((task, RuntimeError(str(error.cause or error))))
            except self._ray.exceptions.RayError:
                over.append((task, RuntimeError("its process died: out of memory, or a crash")))
        return over


def load(path: Path) -> Met:
    return unpack(path.read_bytes(), str(path))


def load_all(out: Path) -> list[Met]:
    """The results that lie in a folder of mining. Raises InputError when there are none."""
    parts = sorted((out / PARTS).glob("*.met"))
    if not parts:
        raise InputError(
            str(out), f"no {PARTS}/*.met in it", "make it with `s2m mine STORE|BAG... --out DIR`"
        )
    return sorted((load(path) for path in parts), key=lambda met: met.source)


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    begun = path.with_suffix(f".{os.getpid()}")
    begun.write_bytes(data)
    begun.replace(path)


def _settings(options: Options) -> str:
    """All that decides what comes out, beside the source."""
    files = {}
    for name in (options.model, options.config.perception.model.path, options.config.naming.model):
        if name:
            try:
                manifest = read(find(name))
                files[name] = {key: file.sha256 for key, file in manifest.files.items()}
            except InputError:
                files[name] = {}  # each task will say what is wrong with it
    tree = {
        "config": options.config.model_dump(exclude={"perception": {"model": {"threads"}}}),
        "model": options.model,
        "truth": options.truth,
        "files": files,
        "format": FORMAT,
        "s2m_ros": __version__,
    }
    return json.dumps(tree, sort_keys=True)


def _content(source: Path) -> list[str]:
    """Names, sizes and times of the files that hold the recording."""
    files: Sequence[Path] = [source]
    if source.is_dir():
        files = sorted(p for p in source.rglob("*") if p.suffix in (".mcap", ".db3", ".zstd"))
    return [
        f"{path.name} {path.stat().st_size} {path.stat().st_mtime_ns}"
        for path in files
        if path.is_file()
    ]


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:20]
