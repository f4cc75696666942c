"""Which nodes of a vehicle are alive, from what they say of themselves and when they said it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

from s2m_ros.config import Monitor as Settings
from s2m_ros.hazards.markers import MarkerBook
from s2m_ros.pipeline.conditions import Condition, worst
from s2m_ros.types import Hazards, Health, State
from s2m_ros.wire.hazards import encode_hazards
from s2m_ros.wire.markers import encode_markers
from s2m_ros.wire.protocol import MessageFactory

_OVERSLEPT_S = 0.3


@dataclass
class _Watched:
    """heard_s: when it spoke last, or when it began to be waited for."""

    heard_s: float
    health: Health | None = None
    restarts: int = 0


class Watchdog:
    """The state of a vehicle from the Health of its nodes.

    names: fully qualified; now_s: of any steady clock, from the caller. A node that has been silent
    for too long is UNKNOWN, whatever it said before.
    """

    def __init__(self, names: Sequence[str], settings: Settings, now_s: float) -> None:
        self.settings = settings
        self._nodes = {name: _Watched(now_s) for name in names}
        self._judged_s = now_s

    def heard(self, health: Health, now_s: float) -> None:
        """A Health came; of nodes that are not watched it does not matter."""
        node = self._nodes.get(health.node)
        if node is None:
            return
        if node.health is not None and health.sequence < node.health.sequence:
            node.restarts += 1
        node.heard_s, node.health = now_s, health

    @property
    def restarts(self) -> dict[str, int]:
        """How often each node began anew."""
        return {name: node.restarts for name, node in self._nodes.items()}

    def judge(self, now_s: float) -> dict[str, Condition]:
        """What each node is worth. Call about ten times a second.

        When the caller itself slept, what was said meanwhile may still wait: nobody is blamed.
        """
        slept_s = now_s - self._judged_s
        self._judged_s = now_s
        if slept_s > _OVERSLEPT_S:
            for node in self._nodes.values():
                node.heard_s = min(now_s, node.heard_s + slept_s)
        return {name: self._judge(name, node, now_s) for name, node in self._nodes.items()}

    def silent(self, name: str, now_s: float) -> bool:
        """Whether the node counts as hung or dead."""
        node = self._nodes[name]
        return (now_s - node.heard_s) * 1e3 > self._patience_ms(node)

    def _judge(self, name: str, node: _Watched, now_s: float) -> Condition:
        silent_s = now_s - node.heard_s
        if self.silent(name, now_s):
            if node.health is None:
                reason = f"{name}: no sign of life since the start: see its log"
            else:
                reason = (
                    f"{name}: no sign of life for {silent_s:.1f} s: it hangs or has died, see its "
                    "log; what it published last is no longer true"
                )
            return Condition(State.UNKNOWN, reason)
        if node.health is None:
            return Condition(State.BUILDING, f"{name}: starting")
        return Condition(node.health.state, f"{name}: {node.health.reason}")

    def _patience_ms(self, node: _Watched) -> float:
        if node.health is None:
            return self.settings.start_ms
        building = node.health.state == State.BUILDING
        return self.settings.loading_ms if building else self.settings.hang_ms


def overall(conditions: dict[str, Condition]) -> Condition:
    """The state of the vehicle: the worst of its nodes, with all their reasons."""
    return worst(conditions.values())


class StandIn:
    """Speaks on the topics of the tracker while that says nothing: UNKNOWN, and no marker stays.

    frame: of the messages, which are empty but for the status.
    """

    def __init__(self, factory: MessageFactory, frame: str) -> None:
        self._factory = factory
        self._frame = frame
        self._markers = MarkerBook()
        self._speaking = False
        self._sequence = 0

    def speak(self, stamp_ns: int, reason: str) -> tuple[Any, bytes]:
        """A HazardArray and a serialised MarkerArray; the first of a silence deletes all."""
        self._sequence += 1
        stale = [] if self._speaking else self._markers.clear()
        self._speaking = True
        hazards = Hazards(stamp_ns, self._frame, (), None, State.UNKNOWN, reason)
        specs = [*stale, *self._markers.update(hazards)]
        return (
            encode_hazards(self._factory, replace(hazards, sequence=self._sequence)),
            encode_markers(stamp_ns, self._frame, specs),
        )

    def hush(self) -> None:
        """The tracker speaks again."""
        self._speaking = False
