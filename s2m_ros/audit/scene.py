"""Pictures of one instant: the camera's view and the view from above, with hazards drawn in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.audit.style import (
    GRID,
    INK,
    LEVELS,
    MUTED,
    PANEL,
    UNCONFIRMED,
    Colour,
    Lettering,
)
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.transforms import apply, from_yaw, invert
from s2m_ros.types import Bool, Float64, Hazard, Hazards, ObjectMask, ObjectMasks, TrackState, UInt8

EDGES = (
    (0, 1),
    (0, 2),
    (1, 3),
    (2, 3),
    (4, 5),
    (4, 6),
    (5, 7),
    (6, 7),
    (0, 4),
    (1, 5),
    (2, 6),
    (3, 7),
)
RINGS_M = (10, 20, 30, 40)


def camera_view(
    image: UInt8,
    masks: ObjectMasks | None,
    hazards: Hazards | None,
    rig: Rig,
    camera: str,
    width: int = 960,
) -> UInt8:
    """The image scaled to ``width``: masks and 3D boxes in the colour of their hazard's level.

    Masks that are no hazard are outlined in grey. image: uint8 (H, W, 3) RGB.
    """
    scale = width / image.shape[1]
    height = round(image.shape[0] * scale)
    method = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    canvas = np.asarray(cv2.resize(image, (width, height), interpolation=method), np.uint8)
    items = hazards.items if hazards is not None else ()
    of_mask = hazards_of_masks(masks, hazards)
    if masks is not None:
        for mask in reversed(masks.items):
            hazard = of_mask.get(mask.id)
            colour = colour_of(hazard) if hazard is not None else UNCONFIRMED
            _paint(canvas, masks, mask, colour, 0.38 if hazard is not None else 0.12)
    anchors = []
    for hazard in sorted(items, key=lambda h: -h.distance_m):
        outline = _wireframe(canvas, hazard, hazards, rig, camera, scale)
        if outline is not None:
            anchors.append((hazard, outline))
    letters = Lettering(canvas)
    _labels(letters, anchors, width, height)
    return letters.done()


def top_view(
    size: tuple[int, int],
    hazards: Hazards | None,
    points: NDArray[np.floating] | None = None,
    trails: Mapping[int, Sequence[Float64]] | None = None,
    *,
    sideways: bool = False,
    reach_m: float = 42.0,
    behind_m: float = 6.0,
) -> UInt8:
    """The surroundings from above, vehicle at the bottom (``sideways``: at the left).

    size: (width, height); points: (N, 3) in base_link; trails: earlier positions of each track in
    the frame of ``hazards``, oldest first.
    """
    view = _TopView(size, sideways, reach_m, behind_m)
    if points is not None and len(points):
        view.cloud(np.asarray(points, float))
    view.vehicle()
    letters: list[tuple[Float64, str, Colour]] = []
    if hazards is not None:
        for hazard in sorted(hazards.items, key=lambda h: -h.distance_m):
            view.hazard(hazard, hazards, (trails or {}).get(hazard.track.id, ()))
            at = to_base(hazards, hazard.track.position[None])[0]
            letters.append((view.pixel(at[None])[0], f"#{hazard.track.id}", colour_of(hazard)))
    text = Lettering(view.canvas)
    for ring in RINGS_M:
        x, y = view.pixel(np.array([[ring, 0.0]]))[0]
        text.text(x + 4, y - 3, f"{ring} m", MUTED, 11, "ls")
    for at, name, colour in letters:
        if 0 <= at[0] < size[0] and 0 <= at[1] < size[1]:
            text.text(float(at[0]) + 9, float(at[1]) - 3, name, colour, 13, "lm")
    return text.done()


def colour_of(hazard: Hazard) -> Colour:
    """Its level's colour; grey while nothing confirms it."""
    tentative = hazard.track.state == TrackState.TENTATIVE and not hazard.unconfirmed
    return UNCONFIRMED if tentative else LEVELS[hazard.level]


def label_of(hazard: Hazard) -> str:
    mark = "?" if hazard.unconfirmed else ""
    return f"#{hazard.track.id} {hazard.level.name}{mark}  {hazard.distance_m:.1f} m"


def to_base(hazards: Hazards, points: Float64) -> Float64:
    """Points (N, 3) of the array's frame in base_link."""
    if hazards.ego is None:
        return points
    return np.asarray(apply(invert(hazards.ego.odom_from_base), points))


def box_corners(hazard: Hazard) -> Float64:
    """float64 (8, 3) in the hazard's frame; bits of the index are x, y, z."""
    track = hazard.track
    signs = np.array([[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)]) / 2
    return np.asarray(apply(from_yaw(track.yaw, track.position), signs * track.size))


def hazards_of_masks(masks: ObjectMasks | None, hazards: Hazards | None) -> dict[int, Hazard]:
    """The hazard that rests on each mask, by mask id; ids mean something within one frame only."""
    if masks is None or hazards is None or masks.stamp_ns != hazards.stamp_ns:
        return {}
    return {
        h.track.mask_id: h
        for h in hazards.items
        if h.track.camera == masks.camera and h.track.last_ns == hazards.stamp_ns
    }


def _paint(
    canvas: UInt8, masks: ObjectMasks, item: ObjectMask, colour: Colour, strength: float
) -> None:
    height, width = canvas.shape[:2]
    dense = cv2.resize(
        masks.dense(item).astype(np.float32), (width, height), interpolation=cv2.INTER_LINEAR
    )
    inside: Bool = dense > 0.5
    canvas[inside] = np.asarray(
        canvas[inside] * (1 - strength) + np.array(colour) * strength, np.uint8
    )
    outlines, _ = cv2.findContours(
        inside.astype(np.uint8), cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE
    )
    cv2.drawContours(canvas, outlines, -1, colour, 2 if strength > 0.2 else 1, cv2.LINE_AA)


def _wireframe(
    canvas: UInt8,
    hazard: Hazard,
    hazards: Hazards | None,
    rig: Rig,
    camera: str,
    scale: float,
) -> tuple[float, float, float, float] | None:
    """Draw the 3D box; returns its extent on the canvas, or None where it is out of view."""
    model = rig.cameras.get(camera)
    frame = rig.camera_frames.get(camera)
    if hazards is None or model is None or frame is None or frame not in rig:
        return None
    base = to_base(hazards, box_corners(hazard))
    pixels, _ = model.project(apply(invert(rig.base_from(frame)), base))
    if not np.isfinite(pixels).all():
        return None
    pixels *= scale
    low, high = pixels.min(axis=0), pixels.max(axis=0)
    height, width = canvas.shape[:2]
    if high[0] < 0 or high[1] < 0 or low[0] > width or low[1] > height:
        return None
    colour = colour_of(hazard)
    fixed = np.rint(np.clip(pixels, -1e4, 1e4) * 16).astype(int)
    for a, b in EDGES:
        cv2.line(canvas, tuple(fixed[a]), tuple(fixed[b]), colour, 1, cv2.LINE_AA, 4)
    return float(low[0]), float(low[1]), float(high[0]), float(high[1])


def _labels(
    letters: Lettering,
    anchors: Sequence[tuple[Hazard, tuple[float, float, float, float]]],
    width: int,
    height: int,
) -> None:
    """A plate over each box, the nearest first; each later one moves up until it is free."""
    taken: list[tuple[float, float, float, float]] = []
    for hazard, (x0, y0, _, y1) in sorted(anchors, key=lambda a: a[0].distance_m):
        text = label_of(hazard)
        w, h = letters.size(text, 14)
        x = min(max(0.0, x0), width - w)
        places = [y0 - h - 4 - k * (h + 3) for k in range(6)] + [
            y1 + 4 + k * (h + 3) for k in range(6)
        ]
        spots = [(x, y, x + w, y + h) for y in places if y >= 0 and y + h <= height]
        free = [spot for spot in spots if not any(_overlap(spot, t) for t in taken)]
        if not free:
            continue
        taken.append(free[0])
        letters.pill(free[0][0], free[0][1], text, colour_of(hazard))


def _overlap(a: tuple[float, ...], b: tuple[float, ...]) -> bool:
    return a[0] < b[2] and b[0] < a[2] and a[1] < b[3] and b[1] < a[3]


class _TopView:
    """A canvas and the way from base_link to its pixels."""

    def __init__(
        self, size: tuple[int, int], sideways: bool, reach_m: float, behind_m: float
    ) -> None:
        width, height = size
        self.canvas: UInt8 = np.full((height, width, 3), PANEL, np.uint8)
        self._sideways = sideways
        along = width if sideways else height
        self.scale = along / (reach_m + behind_m)
        self._zero = (
            np.array([behind_m * self.scale, height / 2])
            if sideways
            else np.array([width / 2, height - behind_m * self.scale])
        )
        centre = tuple(np.rint(self._zero * 16).astype(int))
        for ring in RINGS_M:
            radius = round(ring * self.scale * 16)
            cv2.circle(self.canvas, centre, radius, GRID, 1, cv2.LINE_AA, 4)

    def pixel(self, points: Float64) -> Float64:
        """Pixels, float64 (N, 2), of points (N, 2 or 3)."""
        x, y = points[:, 0], points[:, 1]
        offset = np.column_stack([x, -y]) if self._sideways else np.column_stack([-y, -x])
        return np.asarray(self._zero + offset * self.scale)

    def cloud(self, points: Float64) -> None:
        """Points in grey, the higher the lighter."""
        at = np.rint(self.pixel(points)).astype(int)
        height, width = self.canvas.shape[:2]
        held = (at >= 0).all(axis=1) & (at[:, 0] < width) & (at[:, 1] < height)
        level = np.clip((points[held, 2] + 0.2) / 2.0, 0, 1)[:, None]
        low, high = np.array([66.0, 76.0, 92.0]), np.array([150.0, 178.0, 196.0])
        colours = np.asarray(low + (high - low) * level, np.uint8)
        spots = at[held]
        np.maximum.at(self.canvas, (spots[:, 1], spots[:, 0]), colours)

    def vehicle(self, length_m: float = 4.0, width_m: float = 2.0, front_m: float = 3.0) -> None:
        corners = np.array(
            [
                [front_m, width_m / 2],
                [front_m, -width_m / 2],
                [front_m - length_m, -width_m / 2],
                [front_m - length_m, width_m / 2],
            ]
        )
        self._fill(corners, (98, 116, 142), 1.0)
        nose = np.array([[front_m - 0.3, 0.0], [front_m - 1.2, 0.55], [front_m - 1.2, -0.55]])
        self._fill(nose, INK, 1.0)

    def hazard(self, hazard: Hazard, hazards: Hazards, trail: Sequence[Float64]) -> None:
        colour = colour_of(hazard)
        if len(trail) > 1:
            path = self.pixel(to_base(hazards, np.asarray(trail)))
            fixed = np.rint(path * 16).astype(np.int32)
            cv2.polylines(self.canvas, [fixed], False, colour, 1, cv2.LINE_AA, 4)
        base = to_base(hazards, box_corners(hazard))
        self._fill(base[[0, 4, 6, 2]][:, :2], colour, 0.55)
        at = to_base(hazards, hazard.track.position[None])[0]
        speed = float(np.linalg.norm(hazard.track.velocity[:2]))
        if speed > 0.4:
            ahead = to_base(hazards, (hazard.track.position + hazard.track.velocity)[None])[0]
            a, b = np.rint(self.pixel(np.stack([at, ahead]))).astype(int)
            cv2.arrowedLine(self.canvas, tuple(a), tuple(b), colour, 2, cv2.LINE_AA, tipLength=0.25)
        centre = tuple(np.rint(self.pixel(at[None])[0] * 16).astype(int))
        cv2.circle(self.canvas, centre, 4 * 16, colour, -1, cv2.LINE_AA, 4)

    def _fill(self, corners: Float64, colour: Colour, strength: float) -> None:
        fixed = [np.rint(self.pixel(corners) * 16).astype(np.int32)]
        layer = self.canvas.copy() if strength < 1 else self.canvas
        cv2.fillPoly(layer, fixed, colour, cv2.LINE_AA, 4)
        if strength < 1:
            cv2.addWeighted(layer, strength, self.canvas, 1 - strength, 0, self.canvas)
            cv2.polylines(self.canvas, fixed, True, colour, 2, cv2.LINE_AA, 4)
