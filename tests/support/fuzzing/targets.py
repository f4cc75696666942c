"""What is fuzzed: by name, the inputs and what reads them.

A reader returns when the input was good, and has then checked that what came out is whole; it
raises one of ``CLEAR`` when the input was not.
"""

from __future__ import annotations

import copy
import json
import tempfile
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import Any

import numpy as np
import yaml
from hypothesis import strategies as st

from fuzzing import bases
from fuzzing.mutations import damaged, messages, trees
from s2m_ros.bags import BagReader, load_topics
from s2m_ros.config import Config, ConfigError, load
from s2m_ros.fusion.calibration import Rig
from s2m_ros.hazards.policy import HazardPolicy
from s2m_ros.hazards.rulebook import load_rulebook
from s2m_ros.hazards.zones import load_zones
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.pipeline.tracking import TrackingStage
from s2m_ros.runtime import manifest, site
from s2m_ros.sim import scenario
from s2m_ros.types import InputError, State
from s2m_ros.wire.camera_info import decode_camera_info
from s2m_ros.wire.candidates import decode_candidates, decode_score
from s2m_ros.wire.factory import RosbagsFactory, load_typestore
from s2m_ros.wire.hazards import decode_hazards, encode_hazards
from s2m_ros.wire.health import decode_health, encode_health
from s2m_ros.wire.image import decode_compressed, decode_image
from s2m_ros.wire.markers import MARKERS
from s2m_ros.wire.masks import decode_masks, encode_masks
from s2m_ros.wire.objects import decode_objects, encode_objects
from s2m_ros.wire.odometry import decode_odometry, encode_odometry
from s2m_ros.wire.pointcloud import decode_sweep, encode_sweep
from s2m_ros.wire.tf import decode_transforms, encode_transforms
from s2m_ros.wire.tracks import decode_tracks, encode_tracks
from s2m_ros.wire.truth import decode_instances, decode_truth

CLEAR = (InputError, ConfigError)
F = RosbagsFactory()


@dataclass(frozen=True)
class Target:
    """weight: share of the examples that go here."""

    name: str
    inputs: st.SearchStrategy[Any]
    read: Callable[[Any], object]
    weight: float = 1.0


def sendable(message: Any) -> None:
    """A message that we made must go over the wire."""
    load_typestore().serialize_cdr(message, message.__msgtype__)


# Messages.


def read_image(message: Any) -> None:
    image = decode_image(message, "image")
    assert image.shape == (message.height, message.width, 3)
    assert image.dtype == np.uint8


def read_compressed(message: Any) -> None:
    image = decode_compressed(message, "image")
    assert image.ndim == 3
    assert image.dtype == np.uint8


def read_camera_info(message: Any) -> None:
    camera = decode_camera_info(message, "info")
    pixels, held = camera.project(np.array([[0.1, 0.2, 5.0], [3.0, -1.0, 2.0], [0, 0, -1.0]]))
    assert np.isfinite(pixels[held]).all()
    camera.ray(np.array([[1.0, 2.0], [100.0, 50.0]]))
    decode_camera_info(message, "info", rectified=True)


def read_cloud(message: Any) -> None:
    sweep, dropped = decode_sweep(message, "points")
    count = message.width * message.height
    assert np.isfinite(sweep.points).all()
    assert len(sweep.points) + sum(dropped.values()) == count
    assert sweep.intensity is None or len(sweep.intensity) == len(sweep.points)
    assert sweep.offset_ns is None or len(sweep.offset_ns) == len(sweep.points)
    sendable(encode_sweep(F, sweep))


def read_odometry(message: Any) -> None:
    ego = decode_odometry(message, "odom", "base_link")
    assert np.isfinite(ego.odom_from_base).all()
    sendable(encode_odometry(F, ego, "odom", "base_link"))


def read_transforms(message: Any) -> None:
    found = decode_transforms(message, "tf")
    sendable(encode_transforms(F, found))


def read_masks(message: Any) -> None:
    masks = decode_masks(message, "masks")
    for item in masks.items:
        assert masks.dense(item).sum() == item.bits.sum()
    sendable(encode_masks(F, masks))


def read_objects(message: Any) -> None:
    sendable(encode_objects(F, decode_objects(message, "objects")))


def read_hazards(message: Any) -> None:
    sendable(encode_hazards(F, decode_hazards(message, "hazards")))


def read_tracks(message: Any) -> None:
    encode_tracks(decode_tracks(message, "tracks"))


def read_candidates(message: Any) -> None:
    decode_candidates(message, "candidates")


def read_score(message: Any) -> None:
    assert decode_score(message, (320, 192), "score").scores.ndim == 2


def read_health(message: Any) -> None:
    sendable(encode_health(F, decode_health(message)))


def read_cdr(given: tuple[str, bytes]) -> None:
    kind, data = given
    try:
        message = load_typestore().deserialize_cdr(data, kind)
    except Exception as error:  # as BagReader.decode has it
        raise InputError("cdr", str(error), "record it again") from error
    CDR[kind](message)


CDR: dict[str, Callable[[Any], None]] = {
    "sensor_msgs/msg/Image": read_image,
    "sensor_msgs/msg/CompressedImage": read_compressed,
    "sensor_msgs/msg/CameraInfo": read_camera_info,
    "sensor_msgs/msg/PointCloud2": read_cloud,
    "nav_msgs/msg/Odometry": read_odometry,
    "tf2_msgs/msg/TFMessage": read_transforms,
    "s2m_msgs/msg/ObjectMaskArray": read_masks,
    "s2m_msgs/msg/Object3DArray": read_objects,
    "s2m_msgs/msg/HazardArray": read_hazards,
}


@st.composite
def cdr(draw: Any) -> tuple[str, bytes]:
    base = draw(
        st.sampled_from(
            [bases.images()[0], bases.compressed()[0], bases.camera_infos()[1], bases.clouds()[1],
             bases.odometry()[0], bases.transforms()[0], bases.masks(), bases.objects()[0],
             bases.hazards()[0]]
        )
    )  # fmt: skip
    data = bytes(load_typestore().serialize_cdr(base, base.__msgtype__))
    return base.__msgtype__, draw(damaged(data))


# Stages: one odd message among good ones, and what they make of it.


@lru_cache
def config() -> Config:
    import toy_model

    folder = Path(tempfile.mkdtemp(prefix="s2m_fuzz_")) / "toy"
    return load(
        overrides={
            "perception.model.path": str(toy_model.write(folder)),
            "perception.model.providers": ["CPUExecutionProvider"],
        }
    )


@lru_cache
def camera_stage() -> CameraStage:
    stage = CameraStage(config(), F)
    assert stage.load()
    return stage


def through_camera(message: Any) -> None:
    output = camera_stage().process(message)
    sendable(output.masks)
    assert decode_masks(output.masks, "masks").state in (State.OK, State.DEGRADED, State.UNKNOWN)
    refused(State(output.masks.state), output.masks.reason)


def refused(state: State, reason: str) -> None:
    """An output that is not OK is a clear error; its reason must be one."""
    if state != State.OK:
        assert reason
        assert len(reason) < 4000, "an endless reason"
        raise InputError("stage", reason, "")


KINDS = ("cloud", "masks", "odometry", "camera_info", "transforms")


@st.composite
def drives(draw: Any) -> tuple[str, Any]:
    """One odd message of a kind."""
    kind = draw(st.sampled_from(KINDS))
    made = {
        "cloud": bases.clouds()[:1],
        "masks": [bases.masks()],
        "odometry": bases.odometry(),
        "camera_info": bases.camera_infos()[:1],
        "transforms": bases.transforms(),
    }
    return kind, draw(messages(made[kind]))


def through_fusion(given: tuple[str, Any]) -> None:
    """Two instants, the odd message in the second; then a third, which must be as good as ever."""
    kind, odd = given
    fusion, tracking = FusionStage(config(), F), TrackingStage(config(), F)
    states = []
    for i in range(3):
        sent: dict[str, Any] = {
            "transforms": bases.transforms()[0],
            "camera_info": bases.camera_infos()[0],
            "odometry": bases.odometry()[0],
            "cloud": bases.clouds()[0],
            "masks": bases.masks(),
        }
        for message in sent.values():
            at(message, i)
        if i == 1:
            sent[kind] = odd
        fusion.add_transforms(sent["transforms"], True)
        fusion.add_camera_info("front", sent["camera_info"])
        fusion.add_odometry(sent["odometry"])
        fusion.add_cloud(sent["cloud"])
        fusion.add_masks(sent["masks"])
        for array in [*fusion.poll(bases.NS + i * 100_000_000), *fusion.drain()]:
            sendable(array)
            judged = tracking.process(array)
            sendable(judged.hazards)
            load_typestore().deserialize_cdr(judged.markers, MARKERS)
            states.append((State(judged.hazards.state), judged.hazards.reason))
    for state, reason in states:
        refused(state, reason)


def at(message: Any, i: int) -> None:
    """The stamp of the i-th instant."""
    for head in (
        [message.header]
        if hasattr(message, "header")
        else [item.header for item in message.transforms]
    ):
        head.stamp.nanosec = i * 100_000_000


def through_tracking(message: Any) -> None:
    tracking = TrackingStage(config(), F)
    for i in range(3):
        array = copy.deepcopy(bases.objects()[0]) if i != 1 else message
        if i != 1:
            at(array, i)
        output = tracking.process(array)
        sendable(output.hazards)
        load_typestore().deserialize_cdr(output.markers, MARKERS)
        if i == 1:
            state = State(output.hazards.state), output.hazards.reason
    refused(*state)


# Files.


def in_file(read: Callable[[Path], object], name: str, data: bytes) -> None:
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / name
        path.write_bytes(data)
        read(path)


def read_bag(given: tuple[str, bytes]) -> None:
    in_file(_whole_bag, *given)


def _whole_bag(path: Path) -> None:
    with BagReader(path) as bag:
        for message in bag.messages():
            kind = CDR.get(message.type)
            value = bag.decode(message)
            if kind is not None:
                kind(value)


def read_config(path: Path) -> None:
    config = load(path)
    FusionStage(config, F)


def read_policy(path: Path) -> None:
    rules = load_rulebook(str(path))
    HazardPolicy(Config().hazards, rules, [])
    assert sum(map(len, rules.words().values())) < 50_000


def read_zones(path: Path) -> None:
    for zone in load_zones(str(path), load_rulebook().zones):
        assert np.isfinite(zone.sides).all()


def read_manifest(path: Path) -> None:
    found = manifest.read(path.parent)
    found.roles()


@st.composite
def bag_bytes(draw: Any) -> tuple[str, bytes]:
    name = draw(st.sampled_from(sorted(bases.bag_files())))
    return name, draw(damaged(bases.bag_files()[name]))


@st.composite
def yaml_text(draw: Any, tree: Any) -> bytes:
    """Most are odd trees, some damaged text, some what YAML itself has in store."""
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(st.sampled_from(YAML_TRAPS))
    text = yaml.safe_dump(draw(trees(tree)), sort_keys=False, allow_unicode=True).encode()
    return draw(damaged(text, 3)) if how <= 2 else text


@st.composite
def json_text(draw: Any, tree: Any) -> bytes:
    how = draw(st.integers(0, 9))
    if how == 0:
        return draw(st.sampled_from([b"[" * 100_000, b'{"a":' * 50_000, b"\xff\xfe", b"", b"NaN"]))
    text = json.dumps(draw(trees(tree))).encode()
    return draw(damaged(text, 3)) if how <= 2 else text


def laughs(levels: int = 12) -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, levels)]
    return "\n".join(lines).encode()


YAML_TRAPS = (
    laughs(), b"&a [*a]", b"a: &a {b: *a}", b"[" * 5000, b"{a: " * 3000, b"- " * 4000,
    b"!!python/object:os.system x", b"!!int ''", b"!!float ''", b"!!timestamp 2001-99-99",
    b"!!binary ~", b"? [1]\n: 2", b"\x00", b"\xff\xfe\x00", b"a: !!set {b}", b"%YAML 9.9\n---\n",
    b"a: " + b"9" * 6000, b"1_0:59:59: 1", b"<<: 3", b"<<: [1]", b"!!omap [a]", b"!!pairs x",
    b"---\n---\n", b"!!null", b"!!bool x",
)  # fmt: skip


def targets() -> list[Target]:
    m = partial
    files = [
        ("config", "s2m.yaml", bases.config_tree(), read_config),
        ("policy", "policy.yaml", bases.policy_tree(), read_policy),
        ("manifest", "model.yaml", bases.manifest_tree(), read_manifest),
        ("calibration", "rig.yaml", bases.rig_tree(), Rig.load),
        ("scenario", "scenario.yaml", bases.scenario_tree(), scenario.load),
        ("topic map", "topics.yaml", {"points": "/lidar", "odom": "/o"}, load_topics),
    ]
    return [
        Target("image", messages(bases.images()), read_image, 4),
        Target("compressed image", messages(bases.compressed()), read_compressed),
        Target("camera_info", messages(bases.camera_infos()), read_camera_info, 2),
        Target("point cloud", messages(bases.clouds()), read_cloud, 3),
        Target("odometry", messages(bases.odometry()), read_odometry),
        Target("transforms", messages(bases.transforms()), read_transforms),
        Target("masks", messages([bases.masks()]), read_masks, 2),
        Target("objects", messages(bases.objects()), read_objects, 2),
        Target("hazards", messages(bases.hazards()), read_hazards),
        Target("tracks", messages(bases.tracks()), read_tracks),
        Target("candidates", messages(bases.weighed()[:1]), read_candidates),
        Target("score map", messages(bases.weighed()[1:]), read_score, 0.5),
        Target("health", messages(bases.health()), read_health, 0.5),
        Target("truth", messages(bases.truths()), decode_truth, 0.5),
        Target("instances", messages(bases.instances()), decode_instances, 0.5),
        Target("serialised message", cdr(), read_cdr, 4),
        Target("camera stage", messages([bases.picture()]), through_camera, 0.5),
        Target("fusion and tracking", drives(), through_fusion, 1),
        Target("tracking", messages(bases.objects()), through_tracking, 1),
        *(
            Target(name, yaml_text(tree), m(in_file, read, file), 0.5)
            for name, file, tree, read in files
        ),
        Target(
            "zones", json_text(bases.zones_tree()), m(in_file, read_zones, "zones.geojson"), 0.5
        ),
        Target("site", damaged(bases.site_file()), m(in_file, site.load, "site.npz"), 0.5),
        Target("bag", bag_bytes(), read_bag, 2),
    ]
