"""The nodes as processes of this machine, where no ``ros2 launch`` keeps them.

One process a node, forked from a nursery. One that ends by itself is started again: at once, and
after a pause when it had not run for long. Each is in a session of its own, so that Ctrl-C in a
terminal reaches only the starter, which then ends them in order: SIGINT, SIGTERM, SIGKILL.
"""

from __future__ import annotations

import os
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from s2m_ros.nodes.graph import NodeSpec
from s2m_ros.nodes.nursery import Nursery, Nursling

STEADY_S = 10.0
"""A node that ends sooner is in a loop of crashes, and waits before the next attempt."""

Report = Callable[[str, str], None]
"""Called with a node's name and a line, of the node's output or about the node."""


@dataclass
class _Kept:
    spec: NodeSpec
    process: Nursling | None = None
    reader: threading.Thread | None = None
    begun_s: float = 0.0
    due_s: float = 0.0
    exit_codes: list[int] = field(default_factory=list)


class Processes:
    """Starts the nodes of a table and keeps them up until ``stop``. Also a context manager.

    report gets the output line by line, from one thread a node. The environment is the caller's,
    with ``environment`` laid over it. respawn_delay_s: pause before a node is started again that
    ran for less than STEADY_S; None: nodes that end stay ended.
    """

    def __init__(
        self,
        specs: Sequence[NodeSpec],
        report: Report,
        *,
        respawn_delay_s: float | None = 2.0,
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self._kept = [_Kept(spec) for spec in specs]
        self._report = report
        self._respawn_delay_s = respawn_delay_s
        self._nursery = Nursery(
            sorted({module for spec in specs for module in spec.imports}),
            {**os.environ, "PYTHONUNBUFFERED": "1", **(environment or {})},
        )

    def __enter__(self) -> Processes:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def start(self) -> None:
        for kept in self._kept:
            self._spawn(kept)

    @property
    def running(self) -> dict[str, int]:
        """Process id of each node that runs, by node name."""
        return {k.spec.name: k.process.pid for k in self._kept if k.process is not None}

    @property
    def pids(self) -> dict[str, int]:
        """Those of ``running`` and the nursery's."""
        return {**self.running, **({"nursery": self._nursery.pid} if self._nursery.pid else {})}

    @property
    def exits(self) -> dict[str, list[int]]:
        """Exit codes of the times a node ended by itself, by node name."""
        return {k.spec.name: list(k.exit_codes) for k in self._kept}

    def poll(self) -> None:
        """Notice nodes that ended, start those whose pause is over. Call a few times a second."""
        for kept in self._kept:
            if kept.process is None:
                if self._respawn_delay_s is not None and time.monotonic() >= kept.due_s:
                    self._respawn(kept, self._respawn_delay_s)
                continue
            code = kept.process.poll()
            if code is None:
                continue
            self._close(kept)
            kept.exit_codes.append(code)
            again = ""
            if self._respawn_delay_s is not None:
                lasted = time.monotonic() - kept.begun_s >= STEADY_S
                pause_s = 0.0 if lasted else self._respawn_delay_s
                kept.due_s = time.monotonic() + pause_s
                again = f", starting again in {pause_s:g} s" if pause_s else ", starting again"
            self._report(kept.spec.name, f"ended with {_meaning(code)}{again}")

    def stop(self, patience_s: float = 5.0) -> None:
        """End all nodes; returns when none is left."""
        for number, wait_s in (
            (signal.SIGINT, patience_s),
            (signal.SIGTERM, 2.0),
            (signal.SIGKILL, 2.0),
        ):
            alive = [k for k in self._kept if k.process is not None and k.process.poll() is None]
            for kept in alive:
                assert kept.process is not None
                kept.process.send_signal(number)
            until = time.monotonic() + wait_s
            for kept in alive:
                assert kept.process is not None
                try:
                    kept.process.wait(max(0.0, until - time.monotonic()))
                except subprocess.TimeoutExpired:
                    self._report(kept.spec.name, f"did not end on {number.name}")
        for kept in self._kept:
            if kept.process is not None:
                self._close(kept)
        self._nursery.close()

    def _spawn(self, kept: _Kept) -> None:
        kept.process = self._nursery.start(kept.spec.name, kept.spec.command()[2:])
        kept.begun_s = time.monotonic()
        kept.reader = threading.Thread(
            target=self._read, args=(kept.spec.name, kept.process), daemon=True
        )
        kept.reader.start()

    def _respawn(self, kept: _Kept, delay_s: float) -> None:
        """The others go on when it cannot be started now."""
        try:
            self._spawn(kept)
        except OSError as error:
            kept.due_s = time.monotonic() + delay_s
            self._report(kept.spec.name, f"{error}; trying again in {delay_s:g} s")

    def _read(self, name: str, process: Nursling) -> None:
        for line in process.stdout:
            self._report(name, line.rstrip())

    def _close(self, kept: _Kept) -> None:
        """Collect the last of an ended node's output."""
        assert kept.process is not None
        assert kept.reader is not None
        kept.reader.join(timeout=2.0)
        if not kept.reader.is_alive():
            kept.process.stdout.close()
        kept.process = None


def _meaning(code: int) -> str:
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
