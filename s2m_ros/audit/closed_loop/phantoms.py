"""Masks of things that are not there, each in one image: what must never become a hazard.

A phantom is drawn as the mask of something upright on the ground, away from all that is real, with
evidence as strong as it gets. Some are large and stand beside an aircraft, a vehicle or a person:
these must be told at once, as unconfirmed, and be forgotten again.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from s2m_ros.audit.truth import gap_m
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.fusion.transforms import apply, invert
from s2m_ros.perception.interfaces import Frame
from s2m_ros.types import Float32, Float64, ObjectMask, Prompt, Role
from s2m_ros.wire.truth import LEAST_SPAN_PX, TruthFrame, TruthObject

FIRST_ID = 1_000_000
"""Ids of phantom masks begin here; the i-th phantom of a drive has the i-th."""

VALUABLE = (Role.AIRCRAFT, Role.VEHICLE, Role.PERSON)
LARGE_M, NEAR_M = 1.0, 6.0
"""An unknown thing from this size on, this near to what is valuable, is to be told at once."""

_BESIDE_SHARE = 0.25
_CLEAR_M = 2.5
"""From everything unknown that is real, so that no phantom can stand for one."""
_APART_NS, _APART_M = 1_500_000_000, 8.0
"""Two phantoms so near in time are so far apart that no track can take both for one thing."""
_TRIES = 80


@dataclass(frozen=True, slots=True, eq=False)
class Phantom:
    """mask_id: of its mask; box: float32 (4,), in image pixels; width_m, height_m: what it looks
    like; place: float64 (2,), where it stands in the odometry frame; beside: a valuable object is
    near, and it is large."""

    mask_id: int
    camera: str
    stamp_ns: int
    box: Float32
    place: Float64
    width_m: float
    height_m: float
    range_m: float
    beside: bool


@dataclass(frozen=True, slots=True, eq=False)
class Stage:
    """What must be known of a drive to place phantoms. images: stamps by camera."""

    truth: Mapping[int, TruthFrame]
    images: Mapping[str, Sequence[int]]
    ego: EgoMotion
    rig: Rig


def plan(stage: Stage, count: int, seed: int) -> dict[tuple[str, int], list[Phantom]]:
    """Up to ``count`` phantoms by camera and stamp, spread over the images of the drive."""
    rng = np.random.default_rng((seed, 0xFA))
    places = [(camera, stamp) for camera in sorted(stage.images) for stamp in stage.images[camera]]
    places = [place for place in places if place[1] in stage.truth]
    result: dict[tuple[str, int], list[Phantom]] = {}
    order: list[int] = []
    made: list[Phantom] = []
    # Those beside something first: there is little place for them.
    for beside, wanted in ((True, round(_BESIDE_SHARE * count)), (False, count)):
        for _ in range(3 * count if places else 0):
            if len(made) >= wanted:
                break
            order = order or rng.permutation(len(places)).tolist()
            camera, stamp = places[order.pop()]
            phantom = _place(stage, camera, stamp, made, beside, rng)
            if phantom is not None:
                result.setdefault((camera, stamp), []).append(phantom)
                made.append(phantom)
    return result


def haunt(frame: Frame, phantoms: Sequence[Phantom]) -> Frame:
    """The frame with masks of these phantoms before its own."""
    masks = frame.masks
    shown = tuple(_mask(phantom, masks.image_size, masks.grid_size) for phantom in phantoms)
    return replace(frame, masks=replace(masks, items=shown + masks.items))


def _place(
    stage: Stage,
    camera: str,
    stamp_ns: int,
    made: Sequence[Phantom],
    beside: bool,
    rng: np.random.Generator,
) -> Phantom | None:
    """One more phantom somewhere in this image, or None when no place was found."""
    truth, pose = stage.truth[stamp_ns], stage.ego.at(stamp_ns)
    model = stage.rig.cameras[camera]
    base_from_camera = stage.rig.base_from(stage.rig.camera_frames[camera])
    if pose is None:
        return None
    unknown = [item for item in truth.items if item.role == Role.UNKNOWN]
    valuable = [t for t in truth.items if t.role in VALUABLE and camera in t.views]
    if beside and not valuable:
        return None
    others = [p.place for p in made if abs(p.stamp_ns - stamp_ns) < _APART_NS]
    eye = base_from_camera[:2, 3]
    for _ in range(_TRIES):
        if beside:
            goal = valuable[int(rng.integers(len(valuable)))]
            foot = _near(goal, pose.odom_from_base, 0.6 * NEAR_M, rng)
            width = LARGE_M * rng.uniform(1.2, 2.5)
        else:
            axis = np.arctan2(base_from_camera[1, 2], base_from_camera[0, 2])
            bearing, away = axis + rng.uniform(-0.6, 0.6), rng.uniform(4.0, 25.0)
            foot = eye + away * np.array([np.cos(bearing), np.sin(bearing)])
            width = float(np.exp(rng.uniform(np.log(0.08), np.log(1.5))))
        height = width * rng.uniform(0.5, 1.2)
        towards = (foot - eye) / np.linalg.norm(foot - eye)
        half = np.array([-towards[1], towards[0]]) * width / 2
        corners = np.array([[*(foot + s * half), z] for s in (-1, 1) for z in (0.0, height)])
        pixels, held = model.project(apply(invert(base_from_camera), corners))
        if not held.all():
            continue
        box = np.concatenate([pixels.min(axis=0), pixels.max(axis=0)]).astype(np.float32)
        if (box[2:] - box[:2]).max() < LEAST_SPAN_PX:
            continue
        place = apply(pose.odom_from_base, np.array([[*foot, 0.0]]))[:, :2]
        if any(gap_m(place, item) < _CLEAR_M + width / 2 for item in unknown):
            continue
        if any(np.linalg.norm(place[0] - other) < _APART_M for other in others):
            continue
        near = any(gap_m(place, item) <= 0.8 * NEAR_M for item in valuable)
        away_m = float(np.linalg.norm(foot))
        is_large = max(width, height) >= 1.2 * LARGE_M
        return Phantom(
            FIRST_ID + len(made), camera, stamp_ns, box, place[0], float(width), float(height),
            away_m, near and is_large,
        )  # fmt: skip
    return None


def _near(
    item: TruthObject, odom_from_base: Float64, reach_m: float, rng: np.random.Generator
) -> Float64:
    """A point of the ground in base_link, about as far as that from an object's box."""
    half = item.size[:2] / 2 + rng.uniform(0.5, reach_m)
    angle = rng.uniform(-np.pi, np.pi)
    edge = np.array([np.cos(angle), np.sin(angle)])
    edge = edge / np.abs(edge).max() * half
    c, s = np.cos(item.yaw), np.sin(item.yaw)
    place = item.position[:2] + np.array([c * edge[0] - s * edge[1], s * edge[0] + c * edge[1]])
    return np.asarray(apply(invert(odom_from_base), np.array([[*place, 0.0]]))[0, :2])


def _mask(phantom: Phantom, image_size: tuple[int, int], grid_size: tuple[int, int]) -> ObjectMask:
    scale = np.divide(grid_size, image_size)
    x0, y0 = np.floor(phantom.box[:2] * scale).astype(int)
    x1, y1 = np.ceil(phantom.box[2:] * scale).astype(int)
    w, h = max(int(x1 - x0), 1), max(int(y1 - y0), 1)
    rows, columns = (np.arange(h) + 0.5) / h - 0.5, (np.arange(w) + 0.5) / w - 0.5
    bits = rows[:, None] ** 2 + columns**2 <= 0.25  # the ellipse inscribed in the box
    middle = ((phantom.box[:2] + phantom.box[2:]) / 2).astype(np.float32)
    prompt = Prompt(phantom.box, middle[None], np.ones(1, np.float32), 6.0, 4.0)
    return ObjectMask(
        id=phantom.mask_id,
        x=int(x0),
        y=int(y0),
        bits=bits,
        box=phantom.box,
        score_mean=0.9999,
        score_max=0.99999,
        contrast=3.0,
        predicted_iou=0.95,
        evidence=0.99,
        prompt=prompt,
    )
