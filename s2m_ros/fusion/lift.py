"""One mask and the points under it -> one object in base_link.

The mask says where the object is in the image and how wide; the points say how far. Points of the
background that bleed through the mask's edge, and of the ground at its foot, are told apart by
range: an object on the ground stands where the ray through the mask's foot meets the ground.
"""

from __future__ import annotations

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros import config
from s2m_ros.fusion.ground import GroundSurface
from s2m_ros.fusion.shape import Shape, shape_of_points, shape_of_width
from s2m_ros.fusion.view import Cloud, Index, View
from s2m_ros.types import Evidence, Float64, Object3D, ObjectMask, RangeSource, Role

_LIDAR_SIGMA_M = 0.03
_FEW_POINTS = 5
_FOOT_SHARE = 0.06
"""Lowest part of a mask that counts as its foot."""


@dataclass(frozen=True, slots=True, eq=False)
class Contact:
    """Where a mask meets the ground: point float64 (3,) in base_link; its range and deviation."""

    point: Float64
    range_m: float
    sigma_m: float


class Dropped(Exception):
    """The mask has no place in space; the text is the reason that is counted."""


def lift(
    number: int,
    mask: ObjectMask,
    view: View,
    cloud: Cloud,
    ground: GroundSurface,
    settings: config.Fusion,
) -> Object3D:
    """Place one mask. Raises Dropped with the reason when that is impossible."""
    contact = _contact(mask, view, ground, settings)
    inside = view.index[view.inside(mask)]
    standing = inside[cloud.height[inside] > settings.ground.tolerance_m]
    chosen = _foreground(standing, cloud, contact, settings)
    evidence = Evidence.CAMERA | Evidence.LIDAR
    if len(chosen) == 0:
        lying = inside[cloud.height[inside] <= settings.ground.tolerance_m]
        chosen = _at_foot(lying, cloud, contact, mask, view)
        evidence |= Evidence.FLAT
    if len(chosen):
        found = _from_points(mask, view, cloud, ground, chosen, bool(evidence & Evidence.FLAT))
        range_m = float(np.median(cloud.range_m[chosen]))
        source = RangeSource.LIDAR
    else:
        if contact is None:
            raise Dropped("above_horizon")
        evidence = Evidence.CAMERA | Evidence.GROUND
        found = _from_contact(mask, view, contact)
        range_m = contact.range_m
        source = RangeSource.GROUND
    if range_m > settings.max_range_m:
        raise Dropped("beyond_max_range")
    return Object3D(
        id=number,
        position=found.position,
        covariance=found.covariance,
        size=found.size,
        yaw=found.yaw,
        footprint=found.footprint,
        height=float(found.size[2]),
        range_m=range_m,
        range_source=source,
        evidence=evidence,
        point_count=len(chosen),
        role=Role.UNKNOWN,
        score=mask.score_mean,
        contrast=mask.contrast,
        predicted_iou=mask.predicted_iou,
        camera=view.masks.camera,
        mask_id=mask.id,
        box=mask.box,
    )


def _contact(
    mask: ObjectMask, view: View, ground: GroundSurface, settings: config.Fusion
) -> Contact | None:
    """The ray through the middle of the mask's foot, cut with the ground; None above the horizon.

    The deviation follows from range = h / tan(pitch): dr = r dh / h, dr = (r^2 + h^2) / h dpitch.
    """
    rows = np.flatnonzero(mask.bits.any(axis=1))
    if len(rows) == 0:
        return None
    last = int(rows[-1])
    foot = mask.bits[max(last - round(_FOOT_SHARE * len(rows)), 0) : last + 1]
    x = mask.x + np.flatnonzero(foot.any(axis=0)).mean() + 0.5
    ray = view.rays(np.array([[x, mask.y + last + 1.0]]))
    hit, meets = ground.meet(view.origin, ray)
    if not meets[0]:
        return None
    range_m = float(np.hypot(hit[0, 0], hit[0, 1]))
    reach = float(np.linalg.norm(hit[0, :2] - view.origin[:2]))
    above = max(float(view.origin[2] - hit[0, 2]), 0.1)
    pixel = view.masks.image_size[1] / view.masks.grid_size[1] / view.model.focal
    tilt = np.hypot(np.radians(settings.pitch_sigma_deg), 1.5 * pixel)
    height = np.hypot(settings.camera_height_sigma_m, ground.sigma(hit[:, :2])[0])
    sigma = float(np.hypot((reach**2 + above**2) / above * tilt, reach / above * height))
    return Contact(hit[0], range_m, sigma)


def _foreground(
    standing: Index, cloud: Cloud, contact: Contact | None, settings: config.Fusion
) -> Index:
    """The group of standing points, split at gaps in range, that is the object.

    A group counts by its points, each weighted with range squared (a beam covers more there), and
    by how well it agrees with the mask's contact with the ground. Without a contact the nearest of
    the larger groups is taken.
    """
    if len(standing) == 0:
        return standing
    order = standing[np.argsort(cloud.range_m[standing], kind="stable")]
    ranges = cloud.range_m[order].astype(float)
    gap = settings.depth_gap_m + 0.01 * ranges[1:]
    groups = np.split(order, np.flatnonzero(np.diff(ranges) > gap) + 1)
    weight = np.array([float((cloud.range_m[g].astype(float) ** 2).sum()) for g in groups])
    weight /= weight.sum()
    if contact is not None:
        nearest = np.array([float(cloud.range_m[g].min()) for g in groups])
        off = (nearest - contact.range_m) / (contact.sigma_m + settings.depth_gap_m)
        weight = weight * np.exp(-0.5 * np.minimum(off**2, 25.0)) + 1e-6 * weight
    else:
        weight = np.where(weight > 0.3 * weight.max(), 1.0 / np.arange(1, len(weight) + 1), 0.0)
    chosen = groups[int(weight.argmax())]
    far_off = contact is not None and (
        abs(float(cloud.range_m[chosen].min()) - contact.range_m)
        > 4 * contact.sigma_m + 0.1 * contact.range_m + 2.0
    )
    # What stands meters behind the foot of the mask is background seen through its edge.
    return chosen[:0] if far_off and len(chosen) < _FEW_POINTS else chosen


def _at_foot(
    lying: Index, cloud: Cloud, contact: Contact | None, mask: ObjectMask, view: View
) -> Index:
    """Ground points under the mask near its foot: the range of a thing too low to stand."""
    if len(lying) == 0:
        return lying
    if contact is None:
        return lying[:0]
    width = _width_m(mask, view, contact.range_m)
    reach = contact.range_m + max(width, 0.3) + 2 * min(contact.sigma_m, 2.0)
    return lying[cloud.range_m[lying] <= reach]


def _width_m(mask: ObjectMask, view: View, range_m: float) -> float:
    columns = np.flatnonzero(mask.bits.any(axis=0))
    pixels = (columns[-1] - columns[0] + 1) * view.masks.image_size[0] / view.masks.grid_size[0]
    return float(pixels * range_m / view.model.focal)


def _top_m(mask: ObjectMask, view: View, position: Float64, ground_z: float) -> float:
    """Height over the ground of the mask's upper edge, if it stands upright at ``position``."""
    rows = np.flatnonzero(mask.bits.any(axis=1))
    x = mask.x + np.flatnonzero(mask.bits[rows[0]]).mean() + 0.5
    ray = view.rays(np.array([[x, mask.y + float(rows[0])]]))[0]
    reach = float(np.linalg.norm(position[:2] - view.origin[:2]))
    top = view.origin[2] + ray[2] / max(float(np.hypot(ray[0], ray[1])), 1e-6) * reach
    return float(np.clip(top - ground_z, 0.01, 10.0))


def _from_points(
    mask: ObjectMask, view: View, cloud: Cloud, ground: GroundSurface, chosen: Index, flat: bool
) -> Shape:
    points = cloud.points[chosen].astype(float)
    range_m = float(np.median(cloud.range_m[chosen]))
    width = _width_m(mask, view, range_m)
    middle = np.median(points, axis=0)
    azimuth = float(np.arctan2(middle[1] - view.origin[1], middle[0] - view.origin[0]))
    centre_ray = view.rays(_centre(mask)[None])[0]
    ground_z = float(ground.height(middle[None, :2])[0])
    if flat:
        height = 0.02
    elif len(chosen) < _FEW_POINTS:
        height = max(float(cloud.height[chosen].max()), _top_m(mask, view, middle, ground_z))
    else:
        height = float(cloud.height[chosen].max())
    if len(chosen) < _FEW_POINTS or flat:
        # Too few to show a shape: the mask gives bearing and width, the points the range.
        reach = float(np.linalg.norm(middle[:2] - view.origin[:2]))
        bearing = centre_ray[:2] / max(float(np.hypot(*centre_ray[:2])), 1e-6)
        xy = view.origin[:2] + reach * bearing
        along = np.hypot(_LIDAR_SIGMA_M, 0.3 * min(width, 1.5) / np.sqrt(len(chosen)))
        across = np.hypot(0.02, 0.15 * width)
        return shape_of_width(xy, ground_z, azimuth, width, height, float(along), float(across))
    shape = shape_of_points(points[:, :2], ground_z, height, azimuth, width)
    return shape


def _from_contact(mask: ObjectMask, view: View, contact: Contact) -> Shape:
    width = _width_m(mask, view, contact.range_m)
    away = contact.point[:2] - view.origin[:2]
    azimuth = float(np.arctan2(away[1], away[0]))
    # The foot is the near edge: the centre lies half a depth behind it.
    xy = contact.point[:2] + 0.5 * min(width, 1.0) * away / max(float(np.hypot(*away)), 1e-6)
    height = _top_m(mask, view, contact.point, float(contact.point[2]))
    across = float(np.hypot(0.05, 0.15 * width))
    along = float(np.hypot(contact.sigma_m, 0.25 * min(width, 1.0)))
    return shape_of_width(xy, float(contact.point[2]), azimuth, width, height, along, across)


def _centre(mask: ObjectMask) -> NDArray[np.float64]:
    moments = cv2.moments(mask.bits.astype(np.uint8), binaryImage=True)
    mass = max(moments["m00"], 1.0)
    return np.array([mask.x + moments["m10"] / mass + 0.5, mask.y + moments["m01"] / mass + 0.5])
