"""Masks of all cameras and one sweep -> objects in space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.calibration_check import CalibrationCheck
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.clusters import known_groups, objects_of, unexplained_groups
from s2m_ros.fusion.ground import Ground
from s2m_ros.fusion.groups import Groups, Index
from s2m_ros.fusion.lift import lift
from s2m_ros.fusion.merge import merge_views
from s2m_ros.fusion.motion import ego_step, undo_motion
from s2m_ros.fusion.transforms import apply, invert, yaw_of
from s2m_ros.fusion.view import Camera, Cloud, Image, View, view_of
from s2m_ros.fusion.visibility import VisibleGround
from s2m_ros.types import (
    EgoPose,
    Float32,
    Float64,
    Object3D,
    ObjectMasks,
    Objects3D,
    RangeSource,
    Role,
    Sweep,
)

_OBJECT_SPEED = 1.5
"""Deviation of the speed of objects, m/s: people and animals walk, most things lie."""
_UNKNOWN_EGO_SPEED = 5.0
"""Deviation of the vehicle's own speed, m/s, while no odometry tells it."""
_GROUND_POINTS = 24_000
_NO_POINTS = np.zeros((0, 3), np.float32)


class Fusion:
    """Holds what lasts from frame to frame: the cameras, the rig, and the ground.

    point_drops: how many points of the last sweep were not looked at, by reason; apart from the
    counts of objects, which they would drown. doubts: what speaks against the calibration.
    """

    def __init__(self, settings: config.Fusion, rig: Rig) -> None:
        self._settings = settings
        self._rig = rig
        self._cameras: dict[str, Camera] = {}
        self._ground = Ground(settings.ground)
        self._last: EgoPose | None = None
        self._visible = VisibleGround()
        self.point_drops: Mapping[str, int] = {}
        self.doubts: tuple[str, ...] = ()
        self._check = CalibrationCheck(settings.calibration_check == "all")

    def set_camera(self, name: str, model: CameraModel, frame_id: str) -> None:
        """Name a camera's intrinsics and its optical frame, which the rig must know."""
        self._cameras[name] = Camera.of(model, frame_id)

    def fuse(
        self,
        masks: Sequence[ObjectMasks],
        sweep: Sweep | None,
        ego: EgoPose | None,
        sweep_ego: EgoPose | None,
    ) -> Objects3D:
        """The objects at the stamp of the newest image (of the sweep when there is no image).

        ego, sweep_ego: the vehicle at that stamp and at the sweep's. Without them the objects are
        given in base_link and the motion between the stamps is not undone.
        Raises InputError when the rig lacks a frame, KeyError for a camera that was not set.
        """
        settings = self._settings
        stamp_ns = max([m.stamp_ns for m in masks], default=sweep.stamp_ns if sweep else 0)
        images = [self._image(m, ego, stamp_ns) for m in masks]
        views, cloud, refused = self._look(images, sweep, ego, sweep_ego)
        ground = self._ground.surface
        if self._settings.calibration_check != "off":
            self.doubts = self._check.look(stamp_ns, images, cloud, self._ground.shown)
        drops = Counter(sweeps_without_ground=refused)
        objects: list[Object3D] = []
        for view in views:
            lifted, dropped = lift(len(objects), view, cloud, ground, settings)
            objects += lifted
            drops += dropped
        visibility = self._visible.look(images, objects, cloud, ground)
        if len(views) > 1:
            objects, merged = merge_views(objects, settings.merge_distance_m)
            drops["merged_views"] += merged
        tolerance_m = settings.ground.tolerance_m
        standing, roles = known_groups(views, cloud, tolerance_m)
        if settings.lidar_evidence.enabled and len(cloud.points):
            unexplained, dropped = unexplained_groups(views, cloud, ground, settings)
            standing = Groups.joined(standing, unexplained)
            roles += [Role.UNKNOWN] * len(unexplained)
            drops += dropped
        objects += objects_of(len(objects), standing, roles, cloud, ground)
        apart = abs(stamp_ns - sweep.stamp_ns) * 1e-9 if sweep else 0.0
        known = ego is not None and sweep_ego is not None
        speed = _OBJECT_SPEED if known else _OBJECT_SPEED + _UNKNOWN_EGO_SPEED
        frame = settings.base_frame if ego is None else settings.odom_frame
        objects = _settled(objects, apart * speed, ego)
        return Objects3D(
            stamp_ns, frame, tuple(objects), ego, drops=dict(+drops), visibility=visibility
        )

    def _image(self, masks: ObjectMasks, ego: EgoPose | None, stamp_ns: int) -> Image:
        camera = self._cameras[masks.camera]
        base_from_camera = self._rig.base_from(camera.frame_id)
        if ego is not None and masks.stamp_ns != stamp_ns:
            base_from_camera = ego_step(ego, masks.stamp_ns - stamp_ns) @ base_from_camera
        return Image(masks, camera, base_from_camera)

    def _look(
        self,
        images: Sequence[Image],
        sweep: Sweep | None,
        ego: EgoPose | None,
        sweep_ego: EgoPose | None,
    ) -> tuple[list[View], Cloud, int]:
        """What each image sees of the sweep, in base_link at the image's stamp.

        The ground is learned on the way; the last value is 1 when the sweep was no good for it.
        """
        raw, base_from_raw = _NO_POINTS, np.eye(4)
        sensor = np.zeros(3)
        refused = 0
        if sweep is not None:
            raw, base_from_raw, sensor = self._place(sweep, ego, sweep_ego)
            refused = self._learn_ground(raw, base_from_raw, ego)
        aheads = [image.ahead(raw, base_from_raw) for image in images]
        points, indices = self._kept(raw, aheads)
        points = apply(base_from_raw, points)
        x, y, _ = points.T
        range_m = np.sqrt(x * x + y * y)
        cloud = Cloud(points, self._ground.surface.above(points), range_m, sensor)
        near = range_m < self._settings.max_range_m
        seen = np.zeros(len(points), np.bool_)
        views = []
        for image, index in zip(images, indices, strict=True):
            index = index[near.take(index)]
            chosen = points if len(index) == len(points) else points.T.take(index, axis=1).T
            pixels, held = image.project(chosen)
            on = held.nonzero()[0]
            index = index.take(on)
            seen[index] = True
            views.append(view_of(image, index, pixels.T.take(on, axis=1).T))
        self.point_drops = {"out_of_view": int(len(raw) - np.count_nonzero(seen))}
        return views, cloud, refused

    def _kept(self, raw: Float32, aheads: Sequence[Index]) -> tuple[Float32, list[Index]]:
        """The points of a sweep (N, 3) that matter, and where in them those of each image are."""
        if self._settings.lidar_evidence.outside_view:
            return raw, list(aheads)
        if len(aheads) == 1:
            return raw.T.take(aheads[0], axis=1).T, [np.arange(len(aheads[0]))]
        inside = np.zeros(len(raw), np.bool_)
        for ahead in aheads:
            inside[ahead] = True
        place = inside.cumsum() - 1
        kept = raw.T.take(inside.nonzero()[0], axis=1).T
        return kept, [place.take(ahead) for ahead in aheads]

    def _place(
        self, sweep: Sweep, ego: EgoPose | None, sweep_ego: EgoPose | None
    ) -> tuple[Float32, Float64, Float64]:
        """Points (N, 3), the matrix that takes them to base_link, and where their sensor was.

        Most are never looked at again: they are not moved before those are known that are.
        """
        base_from_sensor = self._rig.base_from(sweep.frame_id)
        raw, base_from_raw, sensor = sweep.points, base_from_sensor, base_from_sensor[:3, 3]
        if self._settings.per_point_compensation and sweep.offset_ns is not None and sweep_ego:
            raw = undo_motion(apply(base_from_sensor, raw), sweep, sweep_ego)
            base_from_raw = np.eye(4)
        if ego is not None and sweep_ego is not None:
            step = invert(ego.odom_from_base) @ sweep_ego.odom_from_base
            base_from_raw, sensor = step @ base_from_raw, apply(step, sensor[None])[0]
        return raw, np.asarray(base_from_raw), np.asarray(sensor)

    def _learn_ground(self, raw: Float32, base_from_raw: Float64, ego: EgoPose | None) -> int:
        """1 when the sweep was no good."""
        # An odd step: points come beam by beam, and beams in powers of two.
        step = (1 + len(raw) // _GROUND_POINTS) | 1
        moved, seconds, before = None, 0.0, self._last
        if ego is not None and before is not None:
            moved = invert(ego.odom_from_base) @ before.odom_from_base
            seconds = (ego.stamp_ns - before.stamp_ns) * 1e-9
        self._last = ego
        held = self._ground.held
        self._ground.update(apply(base_from_raw, raw[::step]), moved, seconds)
        return self._ground.held - held


def _settled(objects: Sequence[Object3D], moved_m: float, ego: EgoPose | None) -> list[Object3D]:
    """Objects of base_link in the odometry frame where that is known; they stay upright. Those
    whose range the sweep gave may have moved by ``moved_m`` (deviation) since."""
    if not objects:
        return []
    position = np.array([item.position for item in objects])
    covariance = np.array([item.covariance for item in objects])
    by_lidar = np.array([item.range_source is RangeSource.LIDAR for item in objects])
    for axis in (0, 1):
        covariance[:, axis, axis] += by_lidar * moved_m**2
    corners = np.concatenate([item.footprint for item in objects])
    count = np.array([len(item.footprint) for item in objects])
    yaw = 0.0
    if ego is not None:
        turn, yaw = ego.odom_from_base[:3, :3], yaw_of(ego.odom_from_base)
        covariance = turn @ covariance @ turn.T
        ring = np.column_stack([corners, np.repeat(position[:, 2], count)])
        corners = apply(ego.odom_from_base, ring)[:, :2]
        position = apply(ego.odom_from_base, position)
    outlines = np.split(np.ascontiguousarray(corners), count.cumsum()[:-1])
    return [
        replace(item, position=p, covariance=c, yaw=item.yaw + yaw, footprint=outline)
        for item, p, c, outline in zip(
            objects, np.ascontiguousarray(position), covariance, outlines, strict=True
        )
    ]
