"""Birth, confirmation and end of a track."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass

from s2m_ros.config import Tracking
from s2m_ros.tracking.shape import Shape
from s2m_ros.types import Evidence, Object3D, TrackState

BIRTH_EXISTENCE = 0.5
DETECTED_IF_THERE = 0.8  # chance that an object in view is detected in a frame
DETECTED_IF_NOT = 0.1  # chance that what is not there is detected again at the same place
CERTAINTY = 0.9999  # a few misses must still tell
_FLAT = int(Evidence.FLAT)


@dataclass(slots=True)
class Life:
    """What is remembered of a track besides its motion.

    recent: whether each of the last frames saw it; seen_as: evidence of its last detections.
    """

    id: int
    first_ns: int
    last_ns: int
    last: Object3D
    shape: Shape
    recent: deque[bool]
    seen_as: deque[Evidence]
    hits: int = 1
    confirmed: bool = False
    existence: float = BIRTH_EXISTENCE
    visible: bool = True

    @classmethod
    def begin(cls, id: int, stamp_ns: int, item: Object3D, settings: Tracking) -> Life:
        window = settings.confirm_window
        life = cls(
            id, stamp_ns, stamp_ns, item, Shape.of(item),
            deque([True], window), deque([item.evidence], window),
        )  # fmt: skip
        life.confirmed = settings.confirm_hits <= 1
        return life

    def hit(self, stamp_ns: int, item: Object3D, settings: Tracking) -> None:
        self.last_ns, self.last, self.visible = stamp_ns, item, True
        self.hits += 1
        self.shape.blend(item)
        self.seen_as.append(item.evidence)
        self.recent.append(True)
        self.existence = bayes(self.existence, DETECTED_IF_THERE, DETECTED_IF_NOT)
        self.confirmed |= sum(self.recent) >= settings.confirm_hits

    def miss(self, looked: bool) -> None:
        """Not seen in a frame; that says something only if somebody looked."""
        self.visible = False
        if looked:
            self.recent.append(False)
            self.existence = bayes(self.existence, 1 - DETECTED_IF_THERE, 1 - DETECTED_IF_NOT)

    def end(self, stamp_ns: int, looked: bool, settings: Tracking) -> str | None:
        """Why the track ends now, or None."""
        unseen_s = (stamp_ns - self.last_ns) * 1e-9
        if unseen_s > (settings.coast_s if self.confirmed else settings.tentative_coast_s):
            if not looked:
                return "blind"
            return "lost" if self.confirmed else "unconfirmed"
        return None

    @property
    def state(self) -> TrackState:
        if not self.confirmed:
            return TrackState.TENTATIVE
        return TrackState.CONFIRMED if self.visible else TrackState.COASTING

    @property
    def evidence(self) -> Evidence:
        """All that the last detections rest on; flat when most of them were."""
        ever, flat = 0, 0
        for one in map(int, self.seen_as):  # operators of IntFlag are slow
            ever |= one
            flat += bool(one & _FLAT)
        return Evidence(ever if 2 * flat > len(self.seen_as) else ever & ~_FLAT)


def bayes(prior: float, if_there: float, if_not: float) -> float:
    """Posterior probability of existence, kept off 0 and 1."""
    there, gone = prior * if_there, (1 - prior) * if_not
    return min(max(there / (there + gone), 1 - CERTAINTY), CERTAINTY)
