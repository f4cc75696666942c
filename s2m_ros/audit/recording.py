"""The drive as a Rerun recording: turn it, stop it, step through it in 3D.

``rerun recording.rrd`` opens it. Needs the package rerun-sdk.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.audit.drive import Drive
from s2m_ros.audit.frames import FrameView, frame_views
from s2m_ros.audit.latency import STAGES
from s2m_ros.audit.scene import colour_of, hazards_of_masks, label_of
from s2m_ros.audit.style import UNCONFIRMED, Colour
from s2m_ros.fusion.transforms import to_quaternion
from s2m_ros.types import Float64, Hazards, Level, ObjectMask, ObjectMasks, State, UInt8
from s2m_ros.wire.truth import TruthFrame

TIMELINE = "drive"
IMAGE_WIDTH = 960
TRUTH_LIMIT_M = 60.0
"""Larger real objects (buildings) would fill the view."""
_CLOUD = np.array([[58, 72, 96], [70, 130, 150], [150, 200, 160], [250, 230, 150]], np.float64)
_CLOUD_HEIGHTS_M = (-0.1, 0.3, 1.5, 4.0)


def write_recording(
    drive: Drive,
    path: Path,
    *,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the drive as ``path`` (.rrd). Raises ImportError where rerun-sdk is not installed."""
    import rerun as rr

    stream = rr.RecordingStream("s2m_ros", recording_id=drive.bag.resolve().parent.name or "drive")
    stream.save(path, default_blueprint=_blueprint(drive))
    log = _Log(drive, stream)
    log.fixed()
    total = sum(len(stamps) for stamps in drive.images.values())
    done = 0
    log.results()
    for index, camera in enumerate(drive.cameras):
        for view in frame_views(drive, camera):
            log.frame(view, camera, with_points=index == 0)
            done += 1
            advance(done, total)
    stream.flush()
    stream.disconnect()
    return path


class _Log:
    def __init__(self, drive: Drive, stream: Any) -> None:
        import rerun

        self._rr = rerun
        self._drive = drive
        self._stream = stream

    def fixed(self) -> None:
        """What does not change: axes, vehicle, sensors."""
        rr, rig = self._rr, self._drive.rig
        self._stream.log("world", rr.ViewCoordinates.RIGHT_HAND_Z_UP, static=True)
        body = rr.Boxes3D(
            centers=[[1.0, 0.0, 0.75]], half_sizes=[[2.0, 1.0, 0.75]], colors=[(98, 116, 142)]
        )
        self._stream.log("world/vehicle/body", body, static=True)
        for camera in self._drive.cameras:
            model, frame = rig.cameras.get(camera), rig.camera_frames.get(camera)
            if model is None or frame is None or frame not in rig:
                continue
            matrix = rig.base_from(frame)
            entity = f"world/vehicle/{camera}"
            self._stream.log(entity, _transform(rr, matrix), static=True)
            pinhole = rr.Pinhole(
                image_from_camera=model.matrix * [[_scale(model.size)], [_scale(model.size)], [1]],
                resolution=[n * _scale(model.size) for n in model.size],
                camera_xyz=rr.ViewCoordinates.RDF,
                image_plane_distance=0.9,
            )
            self._stream.log(f"{entity}/image", pinhole, static=True)
        for path, name, colour in (
            ("plots/latency/marker", "camera to marker, ms", (245, 140, 40)),
            ("plots/hazards/all", "hazards", (86, 156, 226)),
            ("plots/hazards/critical", "critical", (232, 52, 60)),
        ):
            self._stream.log(path, rr.SeriesLines(colors=[colour], names=[name]), static=True)

    def results(self) -> None:
        """Hazards, truth, latencies and the words of the log, at their stamps."""
        rr = self._rr
        taken = {s: t for stamps in self._drive.images.values() for s, t in stamps.items()}
        known: dict[int, Level] = {}
        state: State | None = None
        for logged in self._drive.hazards:
            array = logged.value
            self._at(array.stamp_ns)
            if array.ego is not None:
                pose = _transform(rr, array.ego.odom_from_base)
                self._stream.log("world/vehicle", pose)
            self._hazards(array)
            if array.state != state:
                state = array.state
                level = "INFO" if state == State.OK else "ERROR"
                text = f"state {state.name} {array.reason}".strip()
                self._stream.log("log", rr.TextLog(text, level=level))
            for hazard in array.items:
                if hazard.level > known.get(hazard.track.id, -1) and not hazard.unconfirmed:
                    known[hazard.track.id] = hazard.level
                    words = {Level.CRITICAL: "ERROR", Level.WARNING: "WARN"}
                    text = f"#{hazard.track.id} {hazard.level.name}: {hazard.text}"
                    level = words.get(hazard.level, "INFO")
                    self._stream.log("log", rr.TextLog(text, level=level))
            if array.stamp_ns in self._drive.truth:
                self._truth(self._drive.truth[array.stamp_ns])
        if self._drive.mode == "live":
            for marker in self._drive.markers:
                if marker.value in taken:
                    self._at(marker.value)
                    delay = (marker.logged_ns - taken[marker.value]) * 1e-6
                    self._stream.log("plots/latency/marker", rr.Scalars([delay]))

    def frame(self, view: FrameView, camera: str, with_points: bool) -> None:
        rr = self._rr
        self._at(view.stamp_ns)
        ego = self._drive.ego.at(view.stamp_ns)
        if ego is not None:
            self._stream.log("world/vehicle", _transform(rr, ego.odom_from_base))
        entity = f"world/vehicle/{camera}/image"
        height, width = view.image.shape[:2]
        scale = _scale((width, height))
        size = (round(width * scale), round(height * scale))
        image = cv2.resize(view.image, size, interpolation=cv2.INTER_LINEAR)
        self._stream.log(entity, rr.EncodedImage(contents=_jpeg(image), media_type="image/jpeg"))
        if view.masks is not None:
            self._masks(entity, view.masks, view.hazards, scale)
        if with_points and view.points is not None:
            self._stream.log(
                "world/vehicle/points",
                rr.Points3D(
                    view.points.astype(np.float32), colors=_heights(view.points), radii=[0.025]
                ),
            )

    def _at(self, stamp_ns: int) -> None:
        self._stream.set_time(TIMELINE, duration=self._drive.seconds(stamp_ns))

    def _hazards(self, array: Hazards) -> None:
        rr = self._rr
        items = array.items
        colours = [colour_of(h) for h in items]
        parent = "world" if array.ego is not None else "world/vehicle"
        boxes = rr.Boxes3D(
            centers=[h.track.position for h in items],
            half_sizes=[np.maximum(h.track.size, 0.05) / 2 for h in items],
            quaternions=[_about_z(h.track.yaw) for h in items],
            colors=colours,
            labels=[label_of(h) for h in items],
            radii=[0.02],
        )
        self._stream.log(f"{parent}/hazards/boxes", boxes)
        moving = [h for h in items if np.linalg.norm(h.track.velocity[:2]) > 0.4]
        arrows = rr.Arrows3D(
            origins=[h.track.position for h in moving],
            vectors=[h.track.velocity for h in moving],
            colors=[colour_of(h) for h in moving],
        )
        self._stream.log(f"{parent}/hazards/velocity", arrows)
        for hazard, colour in zip(items, colours, strict=True):
            point = rr.Points3D([hazard.track.position], colors=[colour], radii=[0.04])
            self._stream.log(f"{parent}/hazards/path/{hazard.track.id}", point)
        self._stream.log("plots/hazards/all", rr.Scalars([len(items)]))
        critical = sum(h.level == Level.CRITICAL for h in items)
        self._stream.log("plots/hazards/critical", rr.Scalars([critical]))

    def _truth(self, frame: TruthFrame) -> None:
        rr = self._rr
        items = [t for t in frame.items if t.size[:2].max() < TRUTH_LIMIT_M]
        boxes = rr.Boxes3D(
            centers=[t.position for t in items],
            half_sizes=[t.size / 2 for t in items],
            quaternions=[_about_z(t.yaw) for t in items],
            colors=[UNCONFIRMED],
            fill_mode=rr.components.FillMode.MajorWireframe,
            labels=[t.name for t in items],
            show_labels=False,
            radii=[0.01],
        )
        self._stream.log("world/truth", boxes)

    def _masks(
        self, entity: str, masks: ObjectMasks, hazards: Hazards | None, scale: float
    ) -> None:
        of_mask = hazards_of_masks(masks, hazards)
        strips: list[NDArray[np.float32]] = []
        colours: list[Colour] = []
        for mask in masks.items:
            hazard = of_mask.get(mask.id)
            outlines = _outlines(masks, mask, scale)
            strips += outlines
            colours += [colour_of(hazard) if hazard else UNCONFIRMED] * len(outlines)
        strip = self._rr.LineStrips2D(strips, colors=colours, radii=[1.6])
        self._stream.log(f"{entity}/masks", strip)


def _blueprint(drive: Drive) -> Any:
    import rerun.blueprint as rrb

    eye = rrb.EyeControls3D(
        kind=rrb.Eye3DKind.Orbital,
        position=[-9.0, 0.0, 7.5],
        look_target=[10.0, 0.0, 0.0],
        eye_up=[0.0, 0.0, 1.0],
        tracking_entity="world/vehicle/body",
    )
    space = rrb.Spatial3DView(
        origin="world", name="Hazards in 3D", eye_controls=eye, background=[16, 20, 27]
    )
    pictures = [
        rrb.Spatial2DView(
            origin=f"world/vehicle/{camera}/image", name=f"Camera {camera}", contents="$origin/**"
        )
        for camera in drive.cameras
    ]
    plots = [rrb.TimeSeriesView(origin="plots/hazards", name="Hazards")]
    if drive.mode == "live":
        title = f"{STAGES[-1].capitalize()}, ms"
        plots.append(rrb.TimeSeriesView(origin="plots/latency", name=title))
    side = rrb.Vertical(
        rrb.Tabs(*pictures) if len(pictures) > 1 else pictures[0],
        rrb.Horizontal(*plots),
        rrb.TextLogView(origin="log", name="What happened"),
        row_shares=[5, 3, 3],
    )
    return rrb.Blueprint(
        rrb.Horizontal(space, side, column_shares=[3, 2]),
        rrb.TimePanel(timeline=TIMELINE, state="collapsed"),
        rrb.BlueprintPanel(state="hidden"),
        rrb.SelectionPanel(state="hidden"),
        auto_views=False,
    )


def _scale(size: tuple[int, int]) -> float:
    return min(1.0, IMAGE_WIDTH / size[0])


def _transform(rr: Any, matrix: Float64) -> Any:
    return rr.Transform3D(translation=matrix[:3, 3], mat3x3=matrix[:3, :3])


def _about_z(yaw: float) -> Float64:
    half = np.eye(3)
    c, s = np.cos(yaw), np.sin(yaw)
    half[:2, :2] = [[c, -s], [s, c]]
    return to_quaternion(half)


def _heights(points: Float64) -> UInt8:
    """RGB of points by their height, uint8 (N, 3)."""
    z = points[:, 2]
    return np.stack(
        [np.interp(z, _CLOUD_HEIGHTS_M, _CLOUD[:, i]) for i in range(3)], axis=1
    ).astype(np.uint8)


def _outlines(masks: ObjectMasks, item: ObjectMask, scale: float) -> list[NDArray[np.float32]]:
    """Closed outlines of a mask in pixels of the scaled image."""
    padded = np.pad(item.bits, 1).astype(np.uint8)
    found, _ = cv2.findContours(padded, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)
    cell = np.array(masks.image_size) / np.array(masks.grid_size) * scale
    corner = np.array([item.x, item.y]) - 1 + 0.5
    closed = [np.vstack([c[:, 0], c[:1, 0]]) for c in found]
    return [((c + corner) * cell).astype(np.float32) for c in closed]


def _jpeg(image: NDArray[Any]) -> bytes:
    _, data = cv2.imencode(
        ".jpg", cv2.cvtColor(image, cv2.COLOR_RGB2BGR), [cv2.IMWRITE_JPEG_QUALITY, 80]
    )
    return bytes(data)
