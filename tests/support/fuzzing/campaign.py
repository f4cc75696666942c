"""Runs many examples of the targets and counts how each ended."""

from __future__ import annotations

import contextlib
import resource
import signal
import traceback
import warnings
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any

from hypothesis import HealthCheck, Phase, given, seed, settings

from fuzzing.targets import CLEAR, Target

VALID, ERROR, CRASH, HANG, MEMORY = "valid", "clear error", "crash", "hang", "memory"
GOOD = (VALID, ERROR)
LIMIT_S = 10.0
ROOM_BYTES = 1 << 30
"""What one example may take beside what the process has."""
_AT_ONCE = 250


class Hang(BaseException):
    """An example took longer than its time. No Exception, so that nothing takes it for one."""


@dataclass
class Tally:
    """How the examples of a target ended, and the first of each kind of bad end."""

    outcomes: Counter[str] = field(default_factory=Counter)
    bad: dict[str, str] = field(default_factory=dict)

    @property
    def total(self) -> int:
        return sum(self.outcomes.values())


def outcome(target: Target, value: Any) -> tuple[str, str]:
    """How one example ends, and for a bad end where it was."""
    try:
        with limited(LIMIT_S):
            target.read(value)
    except CLEAR as error:
        if len(str(error)) > 4000:
            return CRASH, f"a message of {len(str(error))} characters"
        return ERROR, ""
    except Hang:
        return HANG, traceback.format_exc(limit=-3)
    except MemoryError:
        return MEMORY, traceback.format_exc(limit=-4)
    except Exception:
        return CRASH, traceback.format_exc(limit=-4)
    return VALID, ""


def run(
    target: Target, count: int, start: int = 0, advance: Callable[[int], None] | None = None
) -> Tally:
    """At least ``count`` examples of a target (unless it has no more), drawn by the seed."""
    tally = Tally()
    tried = 0
    while tally.total < count and tried < 3 * count // _AT_ONCE + 3:
        before = tally.total
        _batch(target, min(_AT_ONCE, count - tally.total), start + tried, tally)
        tried += 1
        if advance is not None:
            advance(tally.total - before)
    return tally


def _batch(target: Target, count: int, number: int, tally: Tally) -> None:
    @seed(number)
    @settings(
        max_examples=count,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(target.inputs)
    def one(value: Any) -> None:
        how, where = outcome(target, value)
        tally.outcomes[how] += 1
        if where:
            tally.bad.setdefault(where.strip().splitlines()[-1][:200], f"{value!r:.2000}\n{where}")

    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        one()


@contextlib.contextmanager
def limited(seconds: float) -> Iterator[None]:
    """Raise ``Hang`` in what takes longer."""

    def over(number: int, frame: Any) -> None:
        raise Hang

    before = signal.signal(signal.SIGALRM, over)
    old = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, *old)
        signal.signal(signal.SIGALRM, before)


@contextlib.contextmanager
def bounded_memory(room: int = ROOM_BYTES) -> Iterator[None]:
    """Let this process take so much more than it has; beyond, allocations fail."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    with open("/proc/self/statm") as stream:  # noqa: PTH123
        has = int(stream.read().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (has + room, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))
