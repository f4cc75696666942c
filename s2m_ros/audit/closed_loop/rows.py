"""What was watched as rows: real unknown objects and published hazards at each instant.

All figures are made of these rows alone, so that small tables by hand test the figures.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np

from s2m_ros.audit.clearmot import Correspondence
from s2m_ros.audit.closed_loop.loop import SCORER, Instant, Watched
from s2m_ros.audit.closed_loop.losses import Inquest
from s2m_ros.audit.closed_loop.phantoms import LARGE_M, NEAR_M, VALUABLE, Phantom
from s2m_ros.audit.truth import box_outline, distances, explain, gap_m
from s2m_ros.config import Config
from s2m_ros.types import Float64, Object3D, Role, State, Track, TrackState
from s2m_ros.wire.truth import LEAST_SPAN_PX, TruthObject

NAN = float("nan")
SETTLED_NS = 1_000_000_000
"""Velocities count from this age of the track on."""
MOVING_MPS = 0.3
OBJECT = "object"


@dataclass(frozen=True, slots=True)
class Sighting:
    """One real unknown object at one instant.

    size_m: longest side; range_m: horizontal from base_link; visible: it spans at least
    ``LEAST_SPAN_PX`` in an image; track: the confirmed hazard that stands for it, 0 for none;
    told: a hazard does, confirmed or not; switched: it is another track than before. Errors in m
    and m/s, NaN without a hazard: of the centre from above, of the range, of the sides (mean of
    three), of the velocity of what moves. lost, detail: where it was lost, '' with a hazard.
    camera, box: the largest view of it.
    """

    scenario: str
    stamp_ns: int
    object_id: int
    name: str
    category: str
    size_m: float
    range_m: float
    visible: bool
    track: int = 0
    told: bool = False
    switched: bool = False
    position_error_m: float = NAN
    range_error_m: float = NAN
    extent_error_m: float = NAN
    velocity_error_mps: float = NAN
    evidence: int = 0
    lost: str = ""
    detail: str = ""
    camera: str = ""
    box: tuple[int, int, int, int] = (0, 0, 0, 0)


@dataclass(frozen=True, slots=True)
class Claim:
    """One published hazard at one instant. verdict: ``OBJECT`` when it stands for one, else as
    ``truth.explain`` says. size_m, range_m: of the hazard."""

    scenario: str
    stamp_ns: int
    track: int
    confirmed: bool
    verdict: str
    size_m: float
    range_m: float


@dataclass(frozen=True, slots=True)
class Rule:
    """A large unknown mask beside something valuable, in its first frame: was it told at once?

    source: 'object' of a real one, 'phantom' of an injected one.
    """

    scenario: str
    stamp_ns: int
    source: str
    met: bool


@dataclass(frozen=True, slots=True)
class Haunting:
    """What became of one phantom.

    lifted: it got a place in space; born: it began a track of its own; told: it was published in
    its frame; confirmed: its track was ever published as confirmed while it stood for nothing
    real; adopted: its track went on to stand for a real object.
    """

    scenario: str
    stamp_ns: int
    width_m: float
    range_m: float
    beside: bool
    lifted: bool
    born: bool
    told: bool
    confirmed: bool
    adopted: bool


@dataclass(frozen=True, slots=True)
class Journey:
    """One drive: how long and far, how many answers in each state, what was dropped where; bag:
    the rendered drive."""

    scenario: str
    bag: str
    seconds: float
    way_m: float
    answers: int
    unmatched: int
    states: dict[str, int]
    reasons: dict[str, int]
    objects: int
    drops: dict[str, dict[str, int]]


@dataclass(frozen=True, slots=True)
class Rows:
    """All rows of one or more drives."""

    journeys: list[Journey] = field(default_factory=list)
    sightings: list[Sighting] = field(default_factory=list)
    claims: list[Claim] = field(default_factory=list)
    rules: list[Rule] = field(default_factory=list)
    hauntings: list[Haunting] = field(default_factory=list)

    def extend(self, other: Rows) -> None:
        self.journeys.extend(other.journeys)
        self.sightings.extend(other.sightings)
        self.claims.extend(other.claims)
        self.rules.extend(other.rules)
        self.hauntings.extend(other.hauntings)


def tell(scenario: str, watched: Watched, config: Config, bag: str = "") -> Rows:
    """The rows of one drive, rendered as ``bag``."""
    rows = Rows()
    correspondence = Correspondence()
    seen: set[int] = set()
    floor = config.perception.prompting.floor
    for instant in watched.instants:
        inquest = Inquest(instant, floor, SCORER not in watched.without)
        sightings = _look(scenario, instant, inquest, correspondence, rows)
        told = {s.object_id for s in sightings if s.told}
        rows.sightings.extend(sightings)
        rows.rules.extend(_rules(scenario, instant, inquest, seen, told))
    hauntings = [_haunting(scenario, p, watched.instants, rows.claims) for p in watched.phantoms]
    rows.hauntings.extend(hauntings)
    rows.rules.extend(Rule(scenario, h.stamp_ns, "phantom", h.told) for h in hauntings if h.beside)
    rows.journeys.append(_journey(scenario, bag, watched))
    return rows


def _look(
    scenario: str, instant: Instant, inquest: Inquest, correspondence: Correspondence, rows: Rows
) -> list[Sighting]:
    """The sightings of one instant; its claims are added to ``rows``."""
    truth, hazards = instant.truth, instant.hazards.items
    unknown = [item for item in truth.items if item.role == Role.UNKNOWN]
    known = [item for item in truth.items if item.role != Role.UNKNOWN]
    if instant.hazards.frame_id != truth.frame_id:
        hazards = ()  # nothing that is given in another frame stands for anything here
    confirmed = [h for h in hazards if h.track.state != TrackState.TENTATIVE]
    early = [h.track for h in hazards if h.track.state == TrackState.TENTATIVE]
    tracks = [h.track for h in confirmed]
    pairs = correspondence.match(
        [item.id for item in unknown], [t.id for t in tracks], distances(tracks, unknown)
    )
    near = distances(early, unknown)
    base = _base(instant)
    track_of = {track.id: track for track in tracks}
    standing = set(pairs.track_of.values())
    for hazard in hazards:
        track = hazard.track
        verdict = OBJECT if track.id in standing else explain(track, unknown, known)
        rows.claims.append(
            Claim(
                scenario,
                instant.stamp_ns,
                track.id,
                track.state != TrackState.TENTATIVE,
                verdict,
                float(track.size.max()),
                float(np.linalg.norm(track.position[:2] - base)),
            )
        )
    result = []
    for i, item in enumerate(unknown):
        camera = max(item.views, key=lambda name: item.views[name].pixels, default="")
        about = Sighting(
            scenario,
            instant.stamp_ns,
            item.id,
            item.name,
            item.category or item.name.rstrip("_0123456789"),
            float(item.size.max()),
            float(np.linalg.norm(item.position[:2] - base)),
            item.span_px >= LEAST_SPAN_PX,
            told=bool(np.isfinite(near[i]).any()),
            camera=camera,
            box=item.views[camera].box if camera else (0, 0, 0, 0),
        )
        stands = track_of.get(pairs.track_of.get(item.id, -1))
        if stands is None:
            loss = inquest.loss(item)
            result.append(replace(about, lost=loss.stage, detail=loss.detail))
        else:
            switched = item.id in pairs.switched
            result.append(_measured(about, item, stands, base, switched))
    return result


def _measured(
    about: Sighting, item: TruthObject, track: Track, base: Float64, switched: bool
) -> Sighting:
    """The sighting of an object that a track stands for."""
    moves = float(np.linalg.norm(item.velocity[:2])) > MOVING_MPS
    settled = about.stamp_ns - track.first_ns >= SETTLED_NS
    off = float(np.linalg.norm((track.velocity - item.velocity)[:2]))
    return replace(
        about,
        track=track.id,
        told=True,
        switched=switched,
        position_error_m=float(np.linalg.norm((track.position - item.position)[:2])),
        range_error_m=abs(float(np.linalg.norm(track.position[:2] - base)) - about.range_m),
        extent_error_m=extent_error(track.size, item.size),
        velocity_error_mps=off if moves and settled else NAN,
        evidence=int(track.evidence),
    )


def extent_error(size: Float64, real: Float64) -> float:
    """Mean error, m, of length, width and height (3,); length and width may be swapped."""
    return float(min(np.abs(size - real).mean(), np.abs(size[[1, 0, 2]] - real).mean()))


def _base(instant: Instant) -> Float64:
    """Where the vehicle is, float64 (2,), in the frame of the truth."""
    ego = instant.hazards.ego
    return np.zeros(2) if ego is None else np.asarray(ego.odom_from_base[:2, 3])


def _rules(
    scenario: str, instant: Instant, inquest: Inquest, seen: set[int], told: set[int]
) -> list[Rule]:
    """Real large objects beside something valuable whose first mask is of this instant.

    seen: ids that had a mask before, brought up to date.
    """
    valuable = [item for item in instant.truth.items if item.role in VALUABLE]
    found = []
    for item in instant.truth.items:
        if item.role != Role.UNKNOWN or item.id in seen or not inquest.shown(item):
            continue
        seen.add(item.id)
        large = float(item.size.max()) >= LARGE_M
        if large and any(gap_m(box_outline(item), v) <= NEAR_M for v in valuable):
            found.append(Rule(scenario, instant.stamp_ns, "object", item.id in told))
    return found


def _haunting(
    scenario: str, phantom: Phantom, instants: Sequence[Instant], claims: Sequence[Claim]
) -> Haunting:
    def is_it(thing: Object3D | Track) -> bool:
        return thing.mask_id == phantom.mask_id and thing.camera == phantom.camera

    lifted = born = told = False
    later: set[str] = set()
    for instant in instants:
        lifted |= any(map(is_it, instant.objects.items))
        tracks = instant.tracks.items if instant.tracks is not None else ()
        own = next(filter(is_it, tracks), None)
        if own is not None:
            told = any(is_it(h.track) for h in instant.hazards.items)
            born = own.first_ns == instant.stamp_ns
            if born:
                later = {c.verdict for c in claims if c.track == own.id and c.confirmed}
            break
    return Haunting(
        scenario, phantom.stamp_ns, phantom.width_m, phantom.range_m, phantom.beside,
        lifted, born, told, bool(later - {OBJECT}), OBJECT in later,
    )  # fmt: skip


def _journey(scenario: str, bag: str, watched: Watched) -> Journey:
    states: dict[str, int] = {}
    reasons: dict[str, int] = {}
    for instant in watched.instants:
        state = State(instant.hazards.state).name
        states[state] = states.get(state, 0) + 1
        if instant.hazards.reason:
            reasons[instant.hazards.reason] = reasons.get(instant.hazards.reason, 0) + 1
    objects = {i.id for w in watched.instants for i in w.truth.items if i.role == Role.UNKNOWN}
    return Journey(
        scenario,
        bag,
        watched.seconds,
        watched.way_m,
        len(watched.instants),
        watched.unmatched,
        states,
        reasons,
        len(objects),
        {stage: dict(counts) for stage, counts in watched.drops.items()},
    )
