"""What the fusion stage decides: which inputs are usable, and what the answer is worth.

The fusion itself is replaced by a recorder here.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from values import ego, masks, object3d

from s2m_ros.config import load
from s2m_ros.fusion.calibration import Rig
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.pipeline import fusion as module
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.types import EgoPose, ObjectMasks, Objects3D, State, Sweep
from s2m_ros.wire.camera_info import encode_camera_info
from s2m_ros.wire.factory import RosbagsFactory
from s2m_ros.wire.geometry import time as time_message
from s2m_ros.wire.masks import encode_masks
from s2m_ros.wire.objects import decode_objects
from s2m_ros.wire.odometry import encode_odometry
from s2m_ros.wire.pointcloud import encode_sweep
from s2m_ros.wire.tf import Transform, encode_transforms

FACTORY = RosbagsFactory()
MS = 1_000_000
START = 1_700_000_000_000 * MS


class Recorder:
    """Stands in for Fusion: remembers what it was given, answers one object."""

    calls: list[tuple[Sequence[ObjectMasks], Sweep | None, EgoPose | None, EgoPose | None]]
    cameras: list[tuple[str, CameraModel, str]]

    def __init__(self, settings: Any, rig: Rig) -> None:
        self.rig = rig
        self.point_drops = {"out_of_view": 7}
        self.doubts: tuple[str, ...] = ()
        type(self).calls, type(self).cameras = [], []

    def set_camera(self, name: str, model: CameraModel, frame_id: str) -> None:
        assert frame_id in self.rig
        self.cameras.append((name, model, frame_id))

    def fuse(
        self,
        masks: Sequence[ObjectMasks],
        sweep: Sweep | None,
        ego: EgoPose | None,
        sweep_ego: EgoPose | None,
    ) -> Objects3D:
        self.calls.append((masks, sweep, ego, sweep_ego))
        frame = "odom" if ego else "base_link"
        return Objects3D(0, frame, (object3d(),), ego, drops={"beyond_range": 1})


@pytest.fixture(autouse=True)
def recorder(monkeypatch: pytest.MonkeyPatch) -> type[Recorder]:
    monkeypatch.setattr(module, "Fusion", Recorder)
    return Recorder


def info(**changes: Any) -> Any:
    model = CameraModel.from_parameters("t", (64, 48), "plumb_bob", [50, 0, 32, 0, 50, 24, 0, 0, 1])
    message = encode_camera_info(FACTORY, START, "front_optical_frame", model)
    for name, value in changes.items():
        setattr(message, name, value)
    return message


def cloud(ns: int, points: Any = ((1.0, 2.0, 3.0),)) -> Any:
    return encode_sweep(FACTORY, Sweep(ns, "lidar", np.array(points, np.float32).reshape(-1, 3)))


def tf(*frames: str) -> Any:
    return encode_transforms(FACTORY, [Transform(0, "base_link", f, np.eye(4)) for f in frames])


ALL = ("info", "tf", "odom", "cloud", "masks")


def stage(*without: str, **settings: Any) -> FusionStage:
    """A stage that has had one of each input but some."""
    made = FusionStage(load(None, settings), FACTORY)
    if "info" not in without:
        made.add_camera_info("front", info())
    if "tf" not in without:
        made.add_transforms(tf("front_optical_frame", "lidar"), static=True)
    feed(made, START, *without)
    return made


def feed(made: FusionStage, ns: int, *without: str) -> None:
    if "odom" not in without:
        for offset in (-20, 30):
            pose = encode_odometry(FACTORY, ego(ns + offset * MS), "odom", "base_link")
            made.add_odometry(pose)
    if "cloud" not in without:
        made.add_cloud(cloud(ns + 10 * MS))
    if "masks" not in without:
        made.add_masks(encode_masks(FACTORY, masks(ns)))


def answer(made: FusionStage, ns: int = START) -> Objects3D:
    (message,) = made.poll(ns + 400 * MS)
    return decode_objects(message, "s2m/objects")


def test_with_everything_the_answer_is_ok(recorder: type[Recorder]) -> None:
    made = stage()
    objects = answer(made)
    assert (objects.state, objects.reason) == (State.OK, "")
    assert (objects.stamp_ns, objects.frame_id, objects.sequence) == (START, "odom", 1)
    ((used, sweep, at_image, at_sweep),) = recorder.calls
    assert [m.camera for m in used] == ["front"]
    assert sweep is not None
    assert at_image is not None
    assert at_sweep is not None
    assert (at_image.stamp_ns, at_sweep.stamp_ns) == (START, START + 10 * MS)
    assert made.drops["beyond_range"] == 1
    assert made.drops["points_out_of_view"] == 7
    assert "points_out_of_view" not in objects.drops, "they would drown what became of objects"
    assert made.conditions.worst().state == State.OK


@pytest.mark.parametrize(
    ("missing", "state", "reason"),
    [
        ("info", State.UNKNOWN, "camera/front/camera_info: no calibration came yet: publish it"),
        ("tf", State.UNKNOWN, "no transform names 'front_optical_frame' and 'base_link'"),
        ("odom", State.DEGRADED, "odom: no message yet"),
        ("cloud", State.DEGRADED, "points: no sweep arrived"),
    ],
)
def test_what_is_missing_is_named_and_its_coming_recovers(
    recorder: type[Recorder], missing: str, state: State, reason: str
) -> None:
    made = stage(missing)
    objects = answer(made)
    assert objects.state == state
    assert reason in objects.reason
    assert made.conditions.worst().state == state
    assert (missing in ("info", "tf")) == (len(recorder.calls[-1][0]) == 0)
    if missing == "info":
        made.add_camera_info("front", info())
    if missing == "tf":
        made.add_transforms(tf("front_optical_frame", "lidar"), static=True)
    later = START + 500 * MS
    feed(made, later)
    assert answer(made, later).state == State.OK
    assert made.conditions.worst().state == State.OK


BAD = [
    pytest.param("info", info(k=np.zeros(9)), State.UNKNOWN, "camera_info: K is all zero", id="K"),
    pytest.param(
        "info",
        info(width=128),
        State.UNKNOWN,
        "camera/front/image_raw: image is 64x48, its calibration is for 128x48",
        id="size",
    ),
    pytest.param("cloud", cloud(START, ()), State.DEGRADED, "points: the cloud is empty", id="0"),
    pytest.param(
        "cloud",
        cloud(START, [[np.nan, 0, 0]]),
        State.DEGRADED,
        "points: no point is finite",
        id="NaN",
    ),
    pytest.param(
        "cloud",
        FACTORY.make("sensor_msgs/msg/PointCloud2", width=1, height=1, point_step=4),
        State.DEGRADED,
        "points: no field x, y, z",
        id="xyz",
    ),
    pytest.param(
        "odom",
        encode_odometry(FACTORY, ego(START), "odom", "imu"),
        State.DEGRADED,
        "odom: child_frame_id is 'imu'",
        id="frame",
    ),
]


@pytest.mark.parametrize(("kind", "bad", "state", "reason"), BAD)
def test_bad_input_is_named_and_good_input_recovers(
    kind: str, bad: Any, state: State, reason: str
) -> None:
    made = stage(kind, "masks")
    give = {
        "info": lambda message: made.add_camera_info("front", message),
        "cloud": made.add_cloud,
        "odom": made.add_odometry,
    }[kind]
    give(bad)
    made.add_masks(encode_masks(FACTORY, masks(START)))
    objects = answer(made)
    assert objects.state == state
    assert reason in objects.reason
    if kind == "info":
        give(info())
    feed(made, START + 500 * MS)
    assert answer(made, START + 500 * MS).state == State.OK


def test_masks_of_a_blind_camera_pass_their_reason_on_and_lidar_goes_on(
    recorder: type[Recorder],
) -> None:
    made = stage("masks")
    blind = masks(START, (), state=State.UNKNOWN, reason="camera/front/image_raw: truncated")
    made.add_masks(encode_masks(FACTORY, blind))
    objects = answer(made)
    assert objects.state == State.UNKNOWN
    assert objects.reason == "camera/front/image_raw: truncated"
    assert len(objects.items) == 1
    assert recorder.calls[-1][0] == []
    assert recorder.calls[-1][1] is not None
    assert made.drops["masks_unknown"] == 1


def test_one_of_two_cameras_blind_only_degrades() -> None:
    made = stage("masks", cameras=["front", "left"])
    made.add_masks(encode_masks(FACTORY, masks(START)))
    objects = answer(made)
    assert objects.state == State.DEGRADED
    assert objects.reason == "s2m/left/masks: no masks in time"


def test_silent_cameras_leave_lidar_alone_and_the_state_unknown(recorder: type[Recorder]) -> None:
    made = stage("masks")
    stamps = [START + i * 100 * MS for i in range(16)]
    answers = []
    for ns in stamps[1:]:
        made.add_cloud(cloud(ns))
        answers += made.poll(ns)
    assert len(answers) == 7  # after 0.8 s of silence, each sweep
    last = decode_objects(answers[-1], "objects")
    assert last.stamp_ns == stamps[-1]
    assert last.state == State.UNKNOWN
    assert last.reason.startswith("s2m/front/masks: silent")
    made.add_masks(encode_masks(FACTORY, masks(stamps[-1])))
    assert len(recorder.calls[-1][0]) == 0
    made.poll(stamps[-1] + 400 * MS)
    assert len(recorder.calls[-1][0]) == 1


def test_a_change_of_calibration_is_taken_over(recorder: type[Recorder]) -> None:
    made = stage()
    answer(made)
    made.add_camera_info("front", info())
    feed(made, START + 500 * MS)
    answer(made, START + 500 * MS)
    assert len(recorder.cameras) == 1
    made.add_camera_info("front", info(k=np.array([60.0, 0, 32, 0, 60, 24, 0, 0, 1])))
    feed(made, START + 1000 * MS)
    answer(made, START + 1000 * MS)
    assert len(recorder.cameras) == 2
    assert recorder.cameras[-1][1].focal == 60


def test_extrinsics_and_intrinsics_from_a_file(tmp_path: Path) -> None:
    path = tmp_path / "rig.yaml"
    model = CameraModel.from_parameters("t", (64, 48), "plumb_bob", [50, 0, 32, 0, 50, 24, 0, 0, 1])
    frames = {"front_optical_frame": np.eye(4), "lidar": np.eye(4)}
    Rig(frames, {"front": model}).save(path)
    made = stage("info", "tf", **{"fusion.calibration_file": str(path)})
    assert answer(made).state == State.OK


def test_a_calibration_file_that_is_not_there(tmp_path: Path) -> None:
    path = str(tmp_path / "rig.yaml")
    made = stage("tf", **{"fusion.calibration_file": path})
    objects = answer(made)
    assert objects.state == State.UNKNOWN
    assert path in objects.reason


def test_a_jump_of_the_clock_flushes_and_the_next_lap_is_as_the_first() -> None:
    made = stage()
    first = answer(made)
    feed(made, START + 5000 * MS, "cloud")
    made.reset()
    feed(made, START)
    again = answer(made)
    assert made.drops["time_jumps"] == 1
    assert (again.state, again.stamp_ns) == (first.state, first.stamp_ns)


def test_diagnostics_show_how_each_camera_meets_the_lidar() -> None:
    made = stage(cameras=["front", "left"])
    answer(made)
    for i in (1, 2, 3):
        feed(made, START + i * 200 * MS, *(["cloud"] if i == 3 else []))
        answer(made, START + i * 200 * MS)
    assert made.figures == {
        "sync.front.success": "0.750",
        "sync.front.median_difference_ms": "10.0",
        "sync.front.largest_difference_ms": "10.0",
        "sync.left.success": "0.000",
    }


def stamped(message: Any, ns: int) -> Any:
    message.header.stamp = time_message(FACTORY, ns)
    return message


def test_stamps_of_zero_are_refused_by_name_and_the_next_good_one_recovers() -> None:
    made = stage()
    made.add_cloud(stamped(cloud(START), 0))
    assert "points: stamp is zero" in str(made.conditions.error("points"))
    made.add_odometry(stamped(encode_odometry(FACTORY, ego(START), "odom", "base_link"), 0))
    assert "odom: stamp is zero" in str(made.conditions.error("odom"))
    made.add_masks(stamped(encode_masks(FACTORY, masks(START)), 0))
    assert "s2m/front/masks: stamp is zero" in str(made.conditions.error("s2m/front/masks"))
    assert made.conditions.worst().state == State.DEGRADED
    assert answer(made).state == State.OK, "what came before is still good"
    feed(made, START + 100 * MS)
    assert answer(made, START + 100 * MS).state == State.OK
    assert made.conditions.worst().state == State.OK


@pytest.mark.parametrize("seconds", [-3600, -3, 3, 3600])
def test_one_stray_stamp_of_each_input_is_refused_and_costs_nothing(seconds: int) -> None:
    made = stage()
    there = START + seconds * 1000 * MS
    made.add_cloud(cloud(there))
    made.add_odometry(encode_odometry(FACTORY, ego(there), "odom", "base_link"))
    made.add_masks(encode_masks(FACTORY, masks(there)))
    assert {made.drops[f"bad_{name}"] for name in ("cloud", "odometry", "masks")} == {1}
    assert "points: stamp is" in str(made.conditions.error("points"))
    assert answer(made).state == State.OK
    assert "time_jumps" not in made.drops


@pytest.mark.parametrize("seconds", [-60, 60])
def test_after_a_jump_the_second_instant_is_as_good_as_any(seconds: int) -> None:
    made = stage()
    answer(made)
    there = START + seconds * 1000 * MS
    for ns in (there, there + 100 * MS, there + 200 * MS):
        feed(made, ns)
    last = made.poll(there + 600 * MS)[-1]
    objects = decode_objects(last, "s2m/objects")
    assert (objects.state, objects.stamp_ns) == (State.OK, there + 200 * MS)


def test_duplicates_and_late_ones_are_counted_and_change_nothing() -> None:
    made = stage()
    made.add_masks(encode_masks(FACTORY, masks(START)))
    made.add_cloud(cloud(START + 10 * MS))
    for offset in (30, 25):
        pose = encode_odometry(FACTORY, ego(START + offset * MS), "odom", "base_link")
        made.add_odometry(pose)
    assert answer(made).state == State.OK
    assert made.drops["pairing_masks_out_of_order"] == 1
    assert made.drops["pairing_sweep_repeated"] == 1
    assert made.drops["odometry_out_of_order"] == 1


def test_the_same_messages_give_the_same_bytes() -> None:
    runs = []
    for _ in range(2):
        made = stage()
        arrays = made.poll(START + 400 * MS)
        feed(made, START + 500 * MS, "odom")
        arrays += made.poll(START + 550 * MS) + made.drain()
        store = FACTORY.typestore
        runs.append([bytes(store.serialize_cdr(a, "s2m_msgs/msg/Object3DArray")) for a in arrays])
    assert len(runs[0]) == 2
    assert runs[0] == runs[1]
