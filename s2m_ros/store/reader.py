"""Read a store: what was seen, weighed and decided at a stamp. Also while it is being written."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from typing_extensions import Self

from s2m_ros.config import Config
from s2m_ros.store.index import Index, read
from s2m_ros.store.layout import INDEX, segments, settings_of
from s2m_ros.store.segment import Segment, Stored
from s2m_ros.store.told import Entry, Moment
from s2m_ros.types import (
    Hazards,
    Health,
    InputError,
    ObjectMasks,
    Objects3D,
    ScoreMap,
    Tracks,
    UInt8,
)
from s2m_ros.wire import topics
from s2m_ros.wire.candidates import Weighed, decode_candidates, decode_score
from s2m_ros.wire.hazards import decode_hazards
from s2m_ros.wire.health import decode_health
from s2m_ros.wire.image import decode_compressed
from s2m_ros.wire.masks import decode_masks
from s2m_ros.wire.objects import decode_objects
from s2m_ros.wire.tracks import decode_tracks

_OPEN_FILES = 64


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """One image of one camera. jpeg: b'' when no picture was stored; what was not stored or came
    from an image that could not be looked at is None."""

    stamp_ns: int
    camera: str
    jpeg: bytes
    masks: ObjectMasks
    score: ScoreMap | None
    weighed: Weighed | None

    def picture(self) -> UInt8 | None:
        """uint8 (H, W, 3) RGB, perhaps smaller than the image was."""
        if not self.jpeg:
            return None
        return decode_compressed(_Jpeg(self.jpeg), topics.picture(self.camera))


@dataclass(frozen=True, slots=True)
class _Jpeg:
    data: bytes
    format: str = "rgb8; jpeg compressed bgr8"


@dataclass(frozen=True, slots=True, eq=False)
class Instant:
    """What the vehicle was told at one stamp, and what it rests on."""

    stamp_ns: int
    hazards: Hazards
    objects: Objects3D | None
    tracks: Tracks | None


@dataclass(frozen=True, slots=True)
class TrackSpan:
    """One track in a store. level: the highest; nearest_ns: when it was nearest at that level."""

    track: int
    first_ns: int
    last_ns: int
    level: int
    nearest_ns: int
    distance_m: float
    size_m: float
    reasons: tuple[str, ...]
    text: str
    frames: int


class Store:
    """A store as a context manager. Raises InputError when the folder is none."""

    def __init__(self, path: Path | str) -> None:
        self.path = Path(path)
        self._open: dict[str, Segment] = {}

    def __enter__(self) -> Self:
        self._files = segments(self.path) if self.path.is_dir() else {}
        if not self._files:
            raise InputError(
                str(self.path),
                "no audit store: it has no kept/*.mcap and no ring/*.mcap",
                "make one with `s2m replay --lockstep BAG --store DIR`, or set audit.folder",
            )
        self._index = Index(self.path / INDEX)
        self.refresh()
        if self.span_ns[1] < 0:
            self._index.close()
            raise InputError(
                str(self.path),
                "its files hold no message that can be read",
                "they were just begun, or are no MCAP: look with `s2m bag info FILE`",
            )
        return self

    def __exit__(self, *_: object) -> None:
        self._index.close()

    def refresh(self) -> None:
        """See what was written since."""
        self._files = segments(self.path)
        self._index.refresh(self._files)
        self._spans = self._index.spans()
        self._tracks: list[TrackSpan] | None = None
        self._open.clear()

    @property
    def about(self) -> dict[str, str]:
        """What made the newest file: versions, hashes, settings (``layout.about``)."""
        segment = self._segment(max(self._files))
        return segment.about if segment is not None else {}

    @property
    def config(self) -> Config:
        """The settings it was made with."""
        return settings_of(self.about)

    @property
    def cameras(self) -> list[str]:
        return self._index.cameras()

    @property
    def span_ns(self) -> tuple[int, int]:
        """First and last stamp of what it holds; (0, -1) when that is nothing."""
        spans = [span for span in self._spans.values() if span[1] >= span[0]]
        if not spans:
            return 0, -1
        return min(start for start, _ in spans), max(end for _, end in spans)

    def frames(self, camera: str) -> list[int]:
        """Stamps of the images of a camera."""
        return self._index.frames(camera)

    def moments(self) -> list[Moment]:
        """State, highest level and number of hazards of each instant."""
        return self._index.moments()

    def hazards(self, track: int | None = None) -> Iterator[Entry]:
        return self._index.hazards(track)

    def triggers(self) -> list[tuple[int, str, str]]:
        return self._index.triggers()

    def tracks(self) -> list[TrackSpan]:
        """All tracks that were ever a hazard, worst first."""
        if self._tracks is None:
            found = spans_of(self._index.hazards())
            self._tracks = sorted(found, key=lambda t: (-t.level, t.distance_m))
        return list(self._tracks)

    def nearest_frame(self, stamp_ns: int, camera: str) -> int | None:
        return self._index.nearest("frames", stamp_ns, camera)

    def nearest_instant(self, stamp_ns: int) -> int | None:
        return self._index.nearest("instants", stamp_ns)

    def messages(
        self,
        names: Iterable[str] | None = None,
        start_ns: int | None = None,
        end_ns: int | None = None,
    ) -> Iterator[Stored]:
        """Messages of these topics, file by file as they were written; both ends inclusive."""
        wanted = None if names is None else tuple(names)
        for name in list(self._files):
            first, last = self._spans.get(name, (0, -1))
            if (start_ns is not None and last < start_ns) or (
                end_ns is not None and first > end_ns
            ):
                continue
            segment = self._segment(name)
            if segment is not None:
                yield from segment.messages(wanted, start_ns, end_ns)

    def frame(self, camera: str, stamp_ns: int) -> Frame | None:
        """All that is stored of the image of this very stamp; None when there is nothing."""
        names = {
            what: "/" + topic
            for what, topic in (
                ("masks", topics.masks(camera)),
                ("score", topics.score_picture(camera)),
                ("score of format 1", topics.score_png(camera)),
                ("weighed", topics.candidates(camera)),
                ("picture", topics.picture(camera)),
            )
        }
        found = self._at(stamp_ns, names.values())
        if names["masks"] not in found:
            return None
        masks = decode_masks(found[names["masks"]], names["masks"])
        score = found.get(names["score"]) or found.get(names["score of format 1"])
        weighed = found.get(names["weighed"])
        picture = found.get(names["picture"])
        return Frame(
            stamp_ns,
            camera,
            bytes(picture.data) if picture is not None else b"",
            masks,
            decode_score(score, masks.image_size, names["score"], masks.scorer)
            if score is not None
            else None,
            decode_candidates(weighed, names["weighed"]) if weighed is not None else None,
        )

    def judged(self, stamp_ns: int) -> Hazards | None:
        """The hazards of this very stamp alone."""
        name = "/" + topics.HAZARDS
        found = self._at(stamp_ns, [name]).get(name)
        return decode_hazards(found, name) if found is not None else None

    def instant(self, stamp_ns: int) -> Instant | None:
        """Hazards, tracks and objects of this very stamp; None when there is nothing."""
        names = {name: "/" + name for name in (topics.HAZARDS, topics.OBJECTS, topics.TRACKS)}
        found = self._at(stamp_ns, names.values())
        hazards = found.get(names[topics.HAZARDS])
        if hazards is None:
            return None
        objects, tracks = found.get(names[topics.OBJECTS]), found.get(names[topics.TRACKS])
        return Instant(
            stamp_ns,
            decode_hazards(hazards, topics.HAZARDS),
            decode_objects(objects, topics.OBJECTS) if objects is not None else None,
            decode_tracks(tracks, topics.TRACKS) if tracks is not None else None,
        )

    def health(self, stamp_ns: int, within_s: float = 5.0) -> dict[str, Health]:
        """The newest word of each node up to a stamp."""
        start = stamp_ns - round(within_s * 1e9)
        said = (decode_health(read(m)) for m in self.messages([topics.HEALTH], start, stamp_ns))
        return {health.node: health for health in said}

    def _at(self, stamp_ns: int, names: Iterable[str]) -> dict[str, Any]:
        """The last message of each topic at a stamp."""
        found = {m.topic: m for m in self.messages(names, stamp_ns, stamp_ns)}
        return {topic: read(message) for topic, message in found.items()}

    def _segment(self, name: str) -> Segment | None:
        """A file, or None when the ring has let it go meanwhile."""
        if name not in self._open:
            if not self._files[name].exists():  # perhaps it was moved to what is kept
                self._files |= segments(self.path)
            try:
                segment = Segment(self._files[name])
            except FileNotFoundError:
                return None
            while len(self._open) >= _OPEN_FILES:
                self._open.pop(next(iter(self._open)))
            self._open[name] = segment
        return self._open[name]


def spans_of(entries: Iterable[Entry]) -> list[TrackSpan]:
    """What the hazards of each track come to, in order of appearance."""
    by_track: dict[int, list[Entry]] = {}
    for entry in entries:
        by_track.setdefault(entry.track, []).append(entry)
    spans = []
    for track, items in by_track.items():
        worst = max(items, key=lambda e: (e.level, bool(e.camera), -e.distance_m))
        reasons = dict.fromkeys(reason for item in items for reason in item.reasons)
        spans.append(
            TrackSpan(
                track, items[0].stamp_ns, items[-1].stamp_ns, worst.level, worst.stamp_ns,
                worst.distance_m, max(item.size_m for item in items), tuple(reasons), worst.text,
                len(items),
            )
        )  # fmt: skip
    return spans


def around(stamps: list[int], stamp_ns: int, span_ns: int) -> list[int]:
    """The stamps of a sorted list within span_ns of a stamp."""
    low, high = bisect_left(stamps, stamp_ns - span_ns), bisect_right(stamps, stamp_ns + span_ns)
    return stamps[low:high]
