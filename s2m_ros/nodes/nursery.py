"""A process that has imported what the nodes need, and forks them on request.

Importing takes more than a second a node. Done once, and before anything fails, a node that died is
back within the time in which its model loads; all of them start sooner and share the memory of what
was imported.

The process is ``python -m s2m_ros.nodes.nursery FD MODULE...``: FD is a socket to the keeper, each
MODULE is imported. Both sides write JSON, a packet each:

    keeper    {"name": of the node, "command": [module, argument...]}, with the descriptor of a pipe
              for what the node prints
    nursery   {"pid": of the new process}, with a descriptor of it (pidfd), for a number may become
              another process's; later {"pid": ..., "code": as subprocess has it}

It has one thread when it forks, since others would be missing in the node: numerical libraries are
told to start none, and rclpy, which loads DDS with its threads, is left to the nodes. When the
keeper is gone it ends the nodes and itself.
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import json
import os
import runpy
import select
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType
from typing import IO

ONE_THREAD = {"OPENBLAS_NUM_THREADS": "1", "OMP_NUM_THREADS": "1", "MKL_NUM_THREADS": "1"}
"""The environment in which numerical libraries start no threads: several nodes share the cores."""

_MESSAGE_BYTES = 1 << 20
_IMPORTS_LIMIT_S = 60.0
_PATIENCE_S = 5.0


# The keeper's side.


@dataclass
class Nursling:
    """A node that was forked; what ``Processes`` needs of subprocess.Popen. handle: its pidfd;
    stdout: what it prints, its errors included."""

    pid: int
    handle: int
    stdout: IO[str]
    nursery: Nursery
    code: int | None = None

    def poll(self) -> int | None:
        """The exit code, or None while it runs."""
        while self.code is None and self.nursery.hear(0.0):
            pass
        return self.code

    def wait(self, timeout: float) -> int:
        """The exit code; raises subprocess.TimeoutExpired."""
        until = time.monotonic() + timeout
        while self.code is None:
            if not self.nursery.hear(max(0.0, until - time.monotonic())):
                raise subprocess.TimeoutExpired(f"process {self.pid}", timeout)
        return self.code

    def send_signal(self, number: signal.Signals) -> None:
        if self.code is None:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(self.handle, number)

    def ended(self, code: int) -> None:
        """The nursery said so."""
        self.code = code
        os.close(self.handle)


@dataclass
class Nursery:
    """Starts the process with the first node, and anew should it have died.

    modules: to import, where they are; environment: of the process and so of the nodes.
    """

    modules: Sequence[str]
    environment: Mapping[str, str]
    _socket: socket.socket | None = None
    _process: subprocess.Popen[bytes] | None = None
    _alive: dict[int, Nursling] = field(default_factory=dict)
    _born: list[tuple[int, int]] = field(default_factory=list)

    @property
    def pid(self) -> int:
        """Of the process; 0 while there is none."""
        return self._process.pid if self._process is not None else 0

    def start(self, name: str, command: Sequence[str]) -> Nursling:
        """Fork a process that is as if started by ``python -m`` with ``command``.

        Returns when it runs; waits for the imports the first time. Raises OSError when the
        nursery does not answer.
        """
        read, write = os.pipe()
        try:
            if self._socket is None:
                self._open()
            assert self._socket is not None
            request = json.dumps({"name": name, "command": list(command)}).encode()
            socket.send_fds(self._socket, [request], [write])
            until = time.monotonic() + _IMPORTS_LIMIT_S
            while not self._born:
                if self._socket is None or not self.hear(until - time.monotonic()):
                    raise OSError("it ended, or hangs")
        except OSError as error:
            os.close(read)
            self.close()
            raise OSError(
                f"{name}: the process that forks the nodes did not start it: {error}: see what it "
                "printed, and whether memory or processes are short (ulimit -u)"
            ) from error
        finally:
            os.close(write)
        stdout = os.fdopen(read, encoding="utf-8", errors="replace")
        nursling = Nursling(*self._born.pop(), stdout, self)
        self._alive[nursling.pid] = nursling
        return nursling

    def hear(self, timeout_s: float) -> bool:
        """Take in what the nursery says next; False when it says nothing for so long."""
        if self._socket is None or not select.select([self._socket], [], [], max(0, timeout_s))[0]:
            return False
        data, descriptors, _, _ = socket.recv_fds(self._socket, _MESSAGE_BYTES, 1)
        if not data:
            self._lost()
            return True
        said = json.loads(data)
        if "code" not in said:
            self._born.append((said["pid"], descriptors[0]))
        elif said["pid"] in self._alive:
            self._alive.pop(said["pid"]).ended(said["code"])
        return True

    def close(self) -> None:
        """End the process, and what is left of the nodes."""
        if self._socket is not None:
            self._socket.close()
        self._socket = None
        if self._process is not None:
            try:
                self._process.wait(2 * _PATIENCE_S + 1.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
        self._process = None

    def _open(self) -> None:
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        with theirs:
            self._process = subprocess.Popen(
                [sys.executable, "-m", __name__, str(theirs.fileno()), *self.modules],
                stdin=subprocess.DEVNULL,
                env={**self.environment, **ONE_THREAD},
                pass_fds=[theirs.fileno()],
                start_new_session=True,
            )
        self._socket = ours

    def _lost(self) -> None:
        """It died without its nodes. They go, too: who ends, is known only to their parent."""
        for nursling in self._alive.values():
            nursling.send_signal(signal.SIGKILL)
            nursling.ended(-signal.SIGKILL)
        self._alive.clear()
        self.close()


# The nursery's side.


@dataclass(frozen=True)
class _Birth:
    name: str
    command: Sequence[str]
    output: int


def main(arguments: Sequence[str]) -> None:
    """Import, and fork until the keeper is gone; in each new process, be the node."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # no traceback of a node that has hardly begun
    keeper = socket.socket(fileno=int(arguments[0]))
    for module in arguments[1:]:
        with contextlib.suppress(Exception):  # the node that needs it will say what is wrong
            importlib.import_module(module)
    gc.collect()
    gc.freeze()  # the collector would touch, and so copy, the pages that the nodes share
    birth = _fork_on_request(keeper)
    if birth is not None:
        _live(birth)


def _fork_on_request(keeper: socket.socket) -> _Birth | None:
    """Serve the keeper. Returns in each new process with what it is to be; None at the end."""
    ended, wake = os.pipe()
    os.set_blocking(wake, False)
    signal.signal(signal.SIGCHLD, _nothing)
    signal.set_wakeup_fd(wake)
    alive: set[int] = set()
    speakers: list[socket.socket | int] = [keeper, ended]
    while True:
        ready, _, _ = select.select(speakers, [], [])
        if ended in ready:
            os.read(ended, 4096)
            _reap(alive, keeper)
        if keeper not in ready:
            continue
        data, descriptors, _, _ = socket.recv_fds(keeper, _MESSAGE_BYTES, 1)
        if not data:
            _end(alive, keeper)
            return None
        pid = os.fork()
        if pid == 0:
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for descriptor in (ended, wake, keeper.detach()):
                os.close(descriptor)
            return _Birth(output=descriptors[0], **json.loads(data))
        os.close(descriptors[0])
        alive.add(pid)
        handle = os.pidfd_open(pid)
        _tell(keeper, {"pid": pid}, handle)
        os.close(handle)


def _live(birth: _Birth) -> None:
    """Be as if started by ``python -m``."""
    os.setsid()
    os.dup2(birth.output, 1)
    os.dup2(birth.output, 2)
    os.close(birth.output)
    Path("/proc/self/comm").write_text(birth.name[:15])  # what ps and top show
    module, *arguments = birth.command
    sys.argv = [module, *arguments]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def _reap(alive: set[int], keeper: socket.socket) -> None:
    for pid in list(alive):
        found, status = os.waitpid(pid, os.WNOHANG)
        if found:
            alive.discard(pid)
            _tell(keeper, {"pid": pid, "code": os.waitstatus_to_exitcode(status)})


def _tell(keeper: socket.socket, message: dict[str, int], *descriptors: int) -> None:
    with contextlib.suppress(OSError):  # gone: the next turn of the loop notices
        socket.send_fds(keeper, [json.dumps(message).encode()], descriptors)


def _end(alive: set[int], keeper: socket.socket) -> None:
    for number in (signal.SIGINT, signal.SIGKILL):
        for pid in alive:
            os.kill(pid, number)
        until = time.monotonic() + _PATIENCE_S
        while alive and time.monotonic() < until:
            _reap(alive, keeper)
            time.sleep(0.02)


def _nothing(number: int, frame: FrameType | None) -> None:
    """A handler, so that the end of a node wakes the loop."""


if __name__ == "__main__":
    main(sys.argv[1:])
