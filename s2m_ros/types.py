"""The values that flow from stage to stage.

Each is immutable and validated once, where it is made. Frames follow REP 103 and 105: metres,
radians, x forward, y left, z up; ``*_optical_frame`` has z forward. Stamps are integer nanoseconds.
Image coordinates are pixels with the origin at the top left corner of the top left pixel, so the
centre of that pixel is (0.5, 0.5). Boxes are (x_min, y_min, x_max, y_max).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import IntEnum, IntFlag

import numpy as np
from numpy.typing import NDArray

Float32 = NDArray[np.float32]
Float64 = NDArray[np.float64]
UInt8 = NDArray[np.uint8]
Bool = NDArray[np.bool_]


class State(IntEnum):
    """How far an output can be trusted. Only OK means that what is not reported is not there."""

    OK = 0
    BUILDING = 1
    DEGRADED = 2
    UNKNOWN = 3
    FAULT = 4


class Role(IntEnum):
    """What a pixel of a known class means for the vehicle."""

    UNKNOWN = 0
    SURFACE = 1
    STRUCTURE = 2
    VEGETATION = 3
    SKY = 4
    SIGN = 5
    VEHICLE = 6
    PERSON = 7
    AIRCRAFT = 8


class Evidence(IntFlag):
    """What an object rests on."""

    NONE = 0
    CAMERA = 1
    LIDAR = 2
    GROUND = 4
    """The range comes from where the mask meets the ground."""
    FLAT = 8
    """No height over the ground was measured although points were there to measure it."""


class RangeSource(IntEnum):
    LIDAR = 0
    GROUND = 1


class TrackState(IntEnum):
    TENTATIVE = 0
    CONFIRMED = 1
    COASTING = 2
    """Confirmed, but not detected just now although its place was in view."""
    HELD = 3
    """Confirmed, and remembered: no sensor can see its place just now."""


class Level(IntEnum):
    """Hazard levels, in rising order."""

    INFO = 0
    CAUTION = 1
    WARNING = 2
    CRITICAL = 3


def _require(condition: bool, what: str) -> None:
    if not condition:
        raise ValueError(what)


@dataclass(frozen=True, slots=True, eq=False)
class ScoreMap:
    """Anomaly score of each pixel of a (possibly smaller) grid laid over the image.

    scores: float32 (h, w) in [0, 1], the ID quantile of the raw score (``scoring.md``: F_ID).
    image_size: (width, height) of the image that the grid covers.
    """

    scores: Float32
    image_size: tuple[int, int]
    scorer: str

    def __post_init__(self) -> None:
        _require(
            self.scores.ndim == 2 and self.scores.dtype == np.float32,
            f"scores: expected float32 (h, w), got {self.scores.dtype} {self.scores.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class RoleMap:
    """The known class of each pixel of a grid laid over the image, as a role.

    roles: uint8 (h, w) of ``Role`` values.
    """

    roles: UInt8
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        _require(
            self.roles.ndim == 2 and self.roles.dtype == np.uint8,
            f"roles: expected uint8 (h, w), got {self.roles.dtype} {self.roles.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class EdgeMap:
    """Where an image changes sharply from column to column, on a grid laid over it.

    edges: bool (h, w).
    """

    edges: Bool
    image_size: tuple[int, int]

    def __post_init__(self) -> None:
        _require(
            self.edges.ndim == 2 and self.edges.dtype == np.bool_,
            f"edges: expected bool (h, w), got {self.edges.dtype} {self.edges.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Prompt:
    """One prompt: a row of ``Prompts``, without its unused points."""

    box: Float32
    points: Float32
    point_labels: Float32
    peak: float
    contrast: float


@dataclass(frozen=True, slots=True, eq=False)
class Prompts:
    """Where a segmenter should look, N prompts of up to P points, in image pixels.

    boxes: float32 (N, 4); points: float32 (N, P, 2); point_labels: float32 (N, P),
    1 foreground, 0 background, -1 unused; peak, contrast: float32 (N,), highest score inside the
    prompt and excess of its mean over the surroundings, both as rarity (-log10(1 - score)).
    omitted: how many weaker ones were found but left out.
    """

    boxes: Float32
    points: Float32
    point_labels: Float32
    peak: Float32
    contrast: Float32
    omitted: int = 0

    def __post_init__(self) -> None:
        n = len(self.boxes)
        _require(self.boxes.shape == (n, 4), f"boxes: expected (N, 4), got {self.boxes.shape}")
        _require(
            self.points.ndim == 3 and self.points.shape[::2] == (n, 2),
            f"points: expected ({n}, P, 2), got {self.points.shape}",
        )
        _require(
            self.point_labels.shape == self.points.shape[:2],
            f"point_labels: expected {self.points.shape[:2]}, got {self.point_labels.shape}",
        )
        _require(
            self.peak.shape == (n,) and self.contrast.shape == (n,),
            f"peak, contrast: expected ({n},), got {self.peak.shape}, {self.contrast.shape}",
        )

    def __len__(self) -> int:
        return len(self.boxes)

    def __getitem__(self, i: int) -> Prompt:
        used = self.point_labels[i] >= 0
        return Prompt(
            self.boxes[i],
            self.points[i][used],
            self.point_labels[i][used],
            float(self.peak[i]),
            float(self.contrast[i]),
        )


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMask:
    """One whole-object mask and the evidence for it.

    x, y: top left corner of the patch on the mask grid; bits: bool (h, w), the patch;
    box: float32 (4,) in image pixels. score_mean, score_max: calibrated score inside;
    contrast: mean inside minus mean in the ring around, in decades of rarity
    (-log10(1 - score)); predicted_iou: the segmenter's own estimate; evidence: the value in
    [0, 1] that ranks the masks of a frame.
    """

    id: int
    x: int
    y: int
    bits: Bool
    box: Float32
    score_mean: float
    score_max: float
    contrast: float
    predicted_iou: float
    evidence: float
    prompt: Prompt

    def __post_init__(self) -> None:
        _require(
            self.bits.ndim == 2 and self.bits.dtype == np.bool_,
            f"bits: expected bool (h, w), got {self.bits.dtype} {self.bits.shape}",
        )
        _require(self.box.shape == (4,), f"box: expected (4,), got {self.box.shape}")


@dataclass(frozen=True, slots=True, eq=False)
class ObjectMasks:
    """All masks of one image. The grid covers the image of image_size; both are (width, height).

    drops: how many candidates were discarded, by reason. edges: None unless the camera is compared
    with the LiDAR.
    """

    stamp_ns: int
    camera: str
    frame_id: str
    image_size: tuple[int, int]
    grid_size: tuple[int, int]
    items: tuple[ObjectMask, ...]
    roles: RoleMap | None
    scorer: str
    state: State = State.OK
    reason: str = ""
    sequence: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    edges: EdgeMap | None = None

    def dense(self, item: ObjectMask) -> Bool:
        """The mask on the whole grid: bool (grid height, grid width)."""
        full = np.zeros((self.grid_size[1], self.grid_size[0]), np.bool_)
        h, w = item.bits.shape
        full[item.y : item.y + h, item.x : item.x + w] = item.bits
        return full


@dataclass(frozen=True, slots=True, eq=False)
class Sweep:
    """One LiDAR sweep in its sensor frame.

    points: float32 (N, 3), finite; intensity: float32 (N,) or None;
    offset_ns: int64 (N,) time of each point relative to stamp_ns, or None.
    """

    stamp_ns: int
    frame_id: str
    points: Float32
    intensity: Float32 | None = None
    offset_ns: NDArray[np.int64] | None = None

    def __post_init__(self) -> None:
        _require(
            self.points.ndim == 2 and self.points.shape[1] == 3 and self.points.dtype == np.float32,
            f"points: expected float32 (N, 3), got {self.points.dtype} {self.points.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class EgoPose:
    """Pose and velocity of the vehicle: base_link in the odometry frame.

    odom_from_base: float64 (4, 4); velocity: float64 (3,), m/s, and turn_rate: float64 (3,),
    rad/s, both in base_link.
    """

    stamp_ns: int
    odom_from_base: Float64
    velocity: Float64
    turn_rate: Float64

    def __post_init__(self) -> None:
        _require(
            self.odom_from_base.shape == (4, 4),
            f"odom_from_base: expected (4, 4), got {self.odom_from_base.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Object3D:
    """One object in space, in the frame of the ``Objects3D`` that holds it.

    position: float64 (3,), centre of the oriented box; covariance: float64 (3, 3);
    size: float64 (3,), length, width, height along the box's own axes; yaw: rad about z;
    footprint: float64 (K, 2), convex, counter-clockwise; height: top over ground, m;
    range_m: horizontal distance from base_link. role is UNKNOWN for what the system exists to
    find, else the known class that explains the object. mask_id is -1 without a mask.
    """

    id: int
    position: Float64
    covariance: Float64
    size: Float64
    yaw: float
    footprint: Float64
    height: float
    range_m: float
    range_source: RangeSource
    evidence: Evidence
    point_count: int
    role: Role
    score: float
    contrast: float
    predicted_iou: float
    camera: str
    mask_id: int
    box: Float32

    def __post_init__(self) -> None:
        _require(self.position.shape == (3,), f"position: expected (3,), got {self.position.shape}")
        _require(
            self.covariance.shape == (3, 3),
            f"covariance: expected (3, 3), got {self.covariance.shape}",
        )


@dataclass(frozen=True, slots=True, eq=False)
class Visibility:
    """Where on the ground around the vehicle an object would have been looked at.

    seen: bool (A, R), A sectors of equal angle counter-clockwise from straight ahead of base_link,
    R rings of ring_m each from base_link outwards. What lies beyond them was not seen.
    """

    seen: Bool
    ring_m: float

    def __post_init__(self) -> None:
        _require(
            self.seen.ndim == 2 and self.seen.dtype == np.bool_ and self.ring_m > 0,
            f"seen: expected bool (A, R) and rings of positive width, got {self.seen.dtype} "
            f"{self.seen.shape}, {self.ring_m} m",
        )

    def at(self, places: Float64) -> Bool:
        """Whether places (..., 2) in base_link were seen: bool (...)."""
        sectors, rings = self.seen.shape
        turn = np.arctan2(places[..., 1], places[..., 0]) / (2 * np.pi)
        away = np.hypot(places[..., 0], places[..., 1]) / self.ring_m
        inside = away < rings  # before anything is made an integer: a place may be any number
        if not self.seen.size:
            return np.zeros(inside.shape, np.bool_)
        sector = np.floor(np.where(inside, turn, 0.0) * sectors).astype(np.intp) % sectors
        ring = np.where(inside, away, 0.0).astype(np.intp)
        return np.asarray(inside & self.seen[sector, ring])


UNSEEN = Visibility(np.zeros((1, 1), np.bool_), 1.0)
"""Nothing was looked at, or nobody said what was."""


@dataclass(frozen=True, slots=True, eq=False)
class Objects3D:
    """All objects of one instant.

    frame_id is the odometry frame when ``ego`` is known, else base_link. items holds unknown
    objects and, with their role, the known vehicles, persons and aircraft beside them. What is not
    among them is not there only where ``visibility`` says that somebody looked.
    """

    stamp_ns: int
    frame_id: str
    items: tuple[Object3D, ...]
    ego: EgoPose | None
    state: State = State.OK
    reason: str = ""
    sequence: int = 0
    drops: Mapping[str, int] = field(default_factory=dict)
    visibility: Visibility = UNSEEN


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One object over time, in the frame of the ``Tracks`` that holds it.

    velocity: float64 (3,), m/s; covariance: float64 (6, 6) of position and velocity;
    existence: probability that there is an object.
    """

    id: int
    state: TrackState
    position: Float64
    velocity: Float64
    covariance: Float64
    size: Float64
    yaw: float
    footprint: Float64
    height: float
    existence: float
    hits: int
    first_ns: int
    last_ns: int
    evidence: Evidence
    range_source: RangeSource
    point_count: int
    score: float
    contrast: float
    camera: str
    mask_id: int


@dataclass(frozen=True, slots=True, eq=False)
class Tracks:
    """All live tracks of one instant. deleted: how many ended in this update, by reason."""

    stamp_ns: int
    frame_id: str
    items: tuple[Track, ...]
    ego: EgoPose | None
    known: tuple[Object3D, ...] = ()
    state: State = State.OK
    reason: str = ""
    sequence: int = 0
    deleted: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class Hazard:
    """A track and what it means for the vehicle.

    distance_m: from the vehicle's outline to the footprint; closing_speed: m/s, positive when
    they approach; time_to_reach_s: infinite when they do not. reasons: stable codes; text: one
    line for an operator. unconfirmed: published before the tracker confirmed it.
    """

    track: Track
    level: Level
    reasons: tuple[str, ...]
    text: str
    distance_m: float
    closing_speed: float
    time_to_reach_s: float
    unconfirmed: bool


@dataclass(frozen=True, slots=True, eq=False)
class Hazards:
    stamp_ns: int
    frame_id: str
    items: tuple[Hazard, ...]
    ego: EgoPose | None
    state: State = State.OK
    reason: str = ""
    sequence: int = 0


@dataclass(frozen=True, slots=True)
class Health:
    """What a node says of itself. A fault stays latched, with its reason, until it is cleared."""

    node: str
    state: State
    reason: str
    stamp_ns: int
    sequence: int
    latched: bool = False
    values: Mapping[str, str] = field(default_factory=dict)


def shortened(text: str, limit: int = 400) -> str:
    """The text, its middle left out where it is longer: what input holds may have no end."""
    if len(text) <= limit:
        return text
    half = (limit - 5) // 2
    return f"{text[:half]} ... {text[-half:]}"


class InputError(ValueError):
    """Input that cannot be used. The message says what was expected, what came, what to do."""

    def __init__(self, source: str, problem: str, remedy: str) -> None:
        source, problem = shortened(source), shortened(problem, 800)
        super().__init__(f"{source}: {problem}: {remedy}")
        self.source = source
        self.problem = problem
        self.remedy = remedy
