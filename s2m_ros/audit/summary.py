"""The key figures of a drive: what came in, what came out, how late, how well."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from s2m_ros.audit.drive import LIVE, Drive, Logged
from s2m_ros.audit.latency import STAGES, Latency, delays
from s2m_ros.audit.truth import Score, score
from s2m_ros.types import Level, State, TrackState
from s2m_ros.wire import topics

NO_ANSWER = "without an answer when the drive ended"


@dataclass(frozen=True, slots=True)
class Summary:
    """frames, answered: images and masks messages of each camera; tracks: confirmed ones by their
    highest level; states: share of the hazard arrays in each state; latencies: by stage, live
    runs only; score: None without ground truth."""

    mode: str
    duration_s: float
    frames: Mapping[str, int]
    answered: Mapping[str, int]
    drops: Mapping[str, Mapping[str, int]]
    tracks: Mapping[str, int]
    states: Mapping[str, float]
    latencies: Mapping[str, Latency]
    score: Score | None

    def as_dict(self) -> dict[str, Any]:
        """Plain values for JSON."""
        tree = asdict(self)
        if self.score is not None:
            s = self.score
            for item in tree["score"]["objects"]:
                if math.isnan(item["error_m"]):
                    item["error_m"] = None
            tree["score"] |= {
                "found": s.found,
                "missed": s.missed,
                "false": s.false,
                "on_known": s.on_known,
            }
        return tree

    def lines(self) -> list[str]:
        """A few lines for a terminal; the first is the one to quote."""
        return [line for line in (self._truth(), self._frames(), self._latency()) if line]

    def _truth(self) -> str:
        if self.score is None:
            found = ", ".join(f"{n} {level.lower()}" for level, n in self.tracks.items())
            return f"confirmed hazards: {found or 'none'} (no ground truth to compare with)"
        s = self.score
        known = ", ".join(f"{n} on {role}" for role, n in s.on_known.items()) or "none"
        return (
            f"hazards: {s.found} found, {s.missed} missed, {s.false} false "
            f"(on known objects: {known})"
        )

    def _frames(self) -> str:
        parts = []
        for camera, total in self.frames.items():
            got = self.answered.get(camera, 0)
            text = f"{got} of {total} frames of camera '{camera}' processed"
            image = topics.image(camera)
            lost = {
                reason.replace(image, "").strip(): n
                for reason, n in self.drops.get(f"camera_{camera}", {}).items()
                if image in reason or reason == NO_ANSWER
            }
            why = ", ".join(f"{n} {reason}" for reason, n in lost.items())
            parts.append(f"{text} ({why})" if why else text)
        return "; ".join(parts)

    def _latency(self) -> str:
        whole = self.latencies.get(STAGES[-1])
        if whole is None:
            return ""
        return f"camera to marker: p50 {whole.p50:.0f} ms, p95 {whole.p95:.0f} ms"


def summarise(drive: Drive) -> Summary:
    """Count and measure a drive."""
    frames = {camera: len(stamps) for camera, stamps in drive.images.items()}
    answered = Counter(
        masks.camera
        for masks in (m.value for m in drive.masks)
        if masks.stamp_ns in drive.images.get(masks.camera, {})
    )
    drops = {name: {k: n for k, n in counts.items() if n} for name, counts in drive.drops.items()}
    if drive.mode == LIVE:
        for camera, total in frames.items():
            node = drops.setdefault(f"camera_{camera}", {})
            image = topics.image(camera)
            told = sum(n for reason, n in node.items() if image in reason)
            if total > answered[camera] + told:
                node[NO_ANSWER] = total - answered[camera] - told
    states = Counter(h.value.state for h in drive.hazards)
    total = max(1, len(drive.hazards))
    return Summary(
        mode=drive.mode,
        duration_s=drive.duration_ns * 1e-9,
        frames=frames,
        answered=dict(answered),
        drops={name: counts for name, counts in drops.items() if counts},
        tracks=_tracks(drive),
        states={s.name: states[s] / total for s in State if states[s]},
        latencies={k: Latency.of(v) for k, v in latencies_ms(drive).items() if len(v)},
        score=score((h.value for h in drive.hazards), dict(drive.truth)),
    )


def latencies_ms(drive: Drive) -> dict[str, NDArray[np.float64]]:
    """Delays by stage, float64 (N,), ms, from the times of recording of a live run; else empty.

    A message counts from the image with its stamp; where several cameras share a stamp, from the
    first.
    """
    if drive.mode != LIVE:
        return {}
    taken: dict[int, int] = {}
    for stamps in drive.images.values():
        for stamp, logged in stamps.items():
            taken[stamp] = min(logged, taken.get(stamp, logged))
    return delays(
        taken,
        masks=((m.value.stamp_ns, m.logged_ns) for m in drive.masks),
        objects=((o.value.stamp_ns, o.logged_ns) for o in drive.objects),
        hazards=((h.value.stamp_ns, h.logged_ns) for h in drive.hazards),
        markers=((m.value, m.logged_ns) for m in drive.markers),
    )


def _tracks(drive: Drive) -> dict[str, int]:
    highest: dict[int, Level] = {}
    for array in drive.hazards:
        for hazard in array.value.items:
            if hazard.track.state != TrackState.TENTATIVE:
                known = highest.get(hazard.track.id, hazard.level)
                highest[hazard.track.id] = max(known, hazard.level)
    counts = Counter(highest.values())
    return {level.name: counts[level] for level in reversed(Level) if counts[level]}


def reasons_of_states(arrays: Iterable[Logged[Any]]) -> dict[tuple[str, str], int]:
    """How many arrays had each (state, reason) other than OK, most frequent first."""
    counts = Counter(
        (State(a.value.state).name, a.value.reason) for a in arrays if a.value.state != State.OK
    )
    return dict(counts.most_common())
