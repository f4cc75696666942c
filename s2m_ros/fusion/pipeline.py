"""Masks of all cameras and one sweep -> objects in space."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from s2m_ros import config
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.clusters import known_objects, unexplained_objects
from s2m_ros.fusion.ground import GroundSurface, assumed_ground, estimate_ground
from s2m_ros.fusion.lift import Dropped, Lifter
from s2m_ros.fusion.merge import merge_views
from s2m_ros.fusion.sight import sights_of
from s2m_ros.fusion.transforms import apply, invert, yaw_of
from s2m_ros.fusion.view import Cloud, Image, View, ego_step, seen_points, view_of
from s2m_ros.fusion.visibility import VisibleGround
from s2m_ros.types import (
    EgoPose,
    Float32,
    Float64,
    Object3D,
    ObjectMasks,
    Objects3D,
    RangeSource,
    Sweep,
)

_OBJECT_SPEED = 1.5
"""Deviation of the speed of objects, m/s: people and animals walk, most things lie."""
_UNKNOWN_EGO_SPEED = 5.0
"""Deviation of the vehicle's own speed, m/s, while no odometry tells it."""
_NO_POINTS = np.zeros((0, 3), np.float32)


class Fusion:
    """Holds what lasts from frame to frame: the cameras, the rig, and the ground."""

    def __init__(self, settings: config.Fusion, rig: Rig) -> None:
        self._settings = settings
        self._rig = rig
        self._cameras: dict[str, tuple[CameraModel, str]] = {}
        self._ground: GroundSurface = assumed_ground(settings.ground)
        self._visible = VisibleGround()

    def set_camera(self, name: str, model: CameraModel, frame_id: str) -> None:
        """Name a camera's intrinsics and its optical frame, which the rig must know."""
        self._cameras[name] = model, frame_id

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
        stamp_ns = max([m.stamp_ns for m in masks], default=sweep.stamp_ns if sweep else 0)
        drops: Counter[str] = Counter()
        images = [self._image(m, ego, stamp_ns) for m in masks]
        points, sensor = self._points(sweep, ego, sweep_ego)
        views, cloud = self._look(images, points, sensor, drops)
        objects: list[Object3D] = []
        for view in views:
            sights = sights_of(view.image, self._ground, self._settings)
            lifter = Lifter(view, sights, cloud, self._ground, self._settings)
            for i in range(len(view.image.masks.items)):
                try:
                    objects.append(lifter.lift(len(objects), i))
                except Dropped as reason:
                    drops[str(reason)] += 1
        visibility = self._visible.look(images, objects, cloud, self._ground)
        if len(views) > 1:
            objects, merged = merge_views(objects, self._settings.merge_distance_m)
            drops["merged_views"] += merged
        tolerance_m = self._settings.ground.tolerance_m
        objects += known_objects(len(objects), views, cloud, self._ground, tolerance_m)
        if self._settings.lidar_evidence.enabled and len(cloud.points):
            found, passed = unexplained_objects(
                len(objects), views, cloud, self._ground, self._settings
            )
            objects += found
            drops += passed
        apart = abs(stamp_ns - sweep.stamp_ns) * 1e-9 if sweep else 0.0
        known = ego is not None and sweep_ego is not None
        speed = _OBJECT_SPEED if known else _OBJECT_SPEED + _UNKNOWN_EGO_SPEED
        objects = [_widened(item, apart, speed) for item in objects]
        frame = self._settings.base_frame
        if ego is not None:
            frame = self._settings.odom_frame
            objects = [_moved(item, ego.odom_from_base) for item in objects]
        return Objects3D(
            stamp_ns, frame, tuple(objects), ego, drops=dict(drops), visibility=visibility
        )

    def _points(
        self, sweep: Sweep | None, ego: EgoPose | None, sweep_ego: EgoPose | None
    ) -> tuple[Float32, Float64]:
        """The sweep in base_link at the image's stamp, and where its sensor was.

        The ground is learned on the way.
        """
        if sweep is None:
            return _NO_POINTS, np.zeros(3)
        base_from_sensor = self._rig.base_from(sweep.frame_id)
        points, sensor = apply(base_from_sensor, sweep.points), base_from_sensor[:3, 3]
        if self._settings.per_point_compensation and sweep.offset_ns is not None and sweep_ego:
            points = _undo_motion(points, sweep, sweep_ego)
        if ego is not None and sweep_ego is not None:
            step = invert(ego.odom_from_base) @ sweep_ego.odom_from_base
            points, sensor = apply(step, points), apply(step, sensor[None])[0]
        self._ground = estimate_ground(points, self._settings.ground, self._ground)
        return points, sensor

    def _image(self, masks: ObjectMasks, ego: EgoPose | None, stamp_ns: int) -> Image:
        model, frame = self._cameras[masks.camera]
        base_from_camera = self._rig.base_from(frame)
        if ego is not None and masks.stamp_ns != stamp_ns:
            base_from_camera = ego_step(ego, masks.stamp_ns - stamp_ns) @ base_from_camera
        return Image(masks, model, base_from_camera)

    def _look(
        self, images: Sequence[Image], points: Float32, sensor: Float64, drops: Counter[str]
    ) -> tuple[list[View], Cloud]:
        """The cloud of the points that some image holds, and what each image sees of it."""
        looks = [image.look(points) for image in images]
        keep = seen_points(len(points), [index for index, _ in looks])
        if self._settings.lidar_evidence.outside_view:
            keep[:] = True
        drops["points_out_of_view"] += int(len(points) - keep.sum())
        kept = np.flatnonzero(keep)
        place = np.empty(len(points), np.int64)
        place[kept] = np.arange(len(kept))
        points = points.T[:, kept].T
        range_m = np.hypot(points[:, 0], points[:, 1])
        height = points[:, 2] - self._ground.height(points[:, :2]).astype(np.float32)
        cloud = Cloud(points, height, range_m, sensor)
        views = []
        for image, (index, pixels) in zip(images, looks, strict=True):
            index = place[index]
            near = range_m[index] < self._settings.max_range_m
            views.append(view_of(image, index[near], pixels[near]))
        return views, cloud


def _undo_motion(points: Float32, sweep: Sweep, ego: EgoPose) -> Float32:
    """Each point (N, 3) of base_link where it is at the sweep's stamp.

    At constant velocity and turn rate, to second order in the time of a sweep: 2 mm at 30 m, half a
    radian a second and 100 ms.
    """
    assert sweep.offset_ns is not None
    seconds = (sweep.offset_ns * 1e-9)[:, None]
    first = ego.velocity + np.cross(ego.turn_rate, points)
    second = np.cross(ego.turn_rate, first)
    return np.asarray(points + seconds * (first + 0.5 * seconds * second), np.float32)


def _widened(item: Object3D, seconds: float, speed: float) -> Object3D:
    """An object that may have moved between the image and the sweep that gave its range."""
    if item.range_source is not RangeSource.LIDAR or seconds == 0:
        return item
    covariance = item.covariance.copy()
    covariance[[0, 1], [0, 1]] += (seconds * speed) ** 2
    return replace(item, covariance=covariance)


def _moved(item: Object3D, odom_from_base: Float64) -> Object3D:
    """An object of base_link in the odometry frame; it stays upright."""
    turn = odom_from_base[:3, :3]
    ring = np.column_stack([item.footprint, np.full(len(item.footprint), item.position[2])])
    return replace(
        item,
        position=apply(odom_from_base, item.position[None])[0],
        covariance=turn @ item.covariance @ turn.T,
        yaw=item.yaw + yaw_of(odom_from_base),
        footprint=apply(odom_from_base, ring)[:, :2],
    )
