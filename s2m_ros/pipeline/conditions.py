"""What keeps an output or a node from OK."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from s2m_ros.types import InputError, State

_LONGEST = 1000
"""Letters of a reason that comes from elsewhere."""


@dataclass(frozen=True, slots=True)
class Condition:
    state: State
    reason: str


def worst(conditions: Iterable[Condition]) -> Condition:
    """The worst state with every reason once, those of worse states first; OK without any."""
    ordered = sorted(
        (c for c in conditions if c.state != State.OK), key=lambda c: c.state, reverse=True
    )
    if not ordered:
        return Condition(State.OK, "")
    return Condition(ordered[0].state, "; ".join(dict.fromkeys(c.reason for c in ordered)))


def heard(state: State, reason: str, source: str) -> Condition:
    """What the node behind a topic says of its output, within limits; source: the topic, which is
    named where no reason is given."""
    if state != State.OK and not reason:
        reason = f"{source}: says no reason"
    return Condition(state, reason if len(reason) <= _LONGEST else f"{reason[:_LONGEST]}...")


@dataclass
class Conditions:
    """The conditions that hold now, by cause; setting a cause replaces what it had."""

    _held: dict[str, tuple[Condition, ...]] = field(default_factory=dict)
    _errors: dict[str, InputError] = field(default_factory=dict)
    _latched: dict[str, Condition] = field(default_factory=dict)

    def set(self, cause: str, state: State, reason: str) -> None:
        self.replace(cause, [Condition(state, reason)])

    def replace(self, cause: str, conditions: Iterable[Condition]) -> None:
        held = tuple(c for c in conditions if c.state != State.OK)
        if held:
            self._held[cause] = held
        else:
            self._held.pop(cause, None)

    def refuse(self, source: str, error: InputError, state: State = State.DEGRADED) -> None:
        """Input of this topic or file is bad; it stays so until ``clear``."""
        self._errors[source] = error
        self.set(source, state, str(error))

    def error(self, source: str) -> InputError | None:
        """What was wrong with the newest input of a topic or file, or None."""
        return self._errors.get(source)

    def clear(self, cause: str) -> None:
        self._held.pop(cause, None)
        self._errors.pop(cause, None)

    def latch(self, cause: str, state: State, reason: str) -> None:
        """Hold a condition, with its first reason, until ``clear_latched``."""
        self._latched.setdefault(cause, Condition(state, reason))

    def clear_latched(self) -> None:
        self._latched.clear()

    @property
    def latched(self) -> bool:
        return bool(self._latched)

    def get(self, cause: str) -> Condition | None:
        """The worst of a cause, or None."""
        return worst(self._held[cause]) if cause in self._held else None

    def worst(self) -> Condition:
        held = [c for cause in self._held.copy().values() for c in cause]
        return worst([*self._latched.copy().values(), *held])
