"""What of a bag goes to the nodes, and what it lacks."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from s2m_ros.bags import BagReader
from s2m_ros.bags.calibration import read_rig
from s2m_ros.config import Config
from s2m_ros.fusion.calibration import Rig
from s2m_ros.wire import topics

IMAGE_TYPES = {
    "raw": "sensor_msgs/msg/Image",
    "compressed": "sensor_msgs/msg/CompressedImage",
}


@dataclass(frozen=True, slots=True, eq=False)
class Inputs:
    """The part of a bag that is played.

    config: the given one, with the transport that the bag has and, with ``use_rig``, the
    calibration file; topics: absolute names; images: topic of each camera; notes: what is missing
    and what follows from that.
    """

    config: Config
    topics: frozenset[str]
    images: dict[str, str]
    rig: Rig
    notes: tuple[str, ...]

    def with_calibration(self, path: Path) -> Inputs:
        """Write the bag's calibration to a file that the fusion node reads, if it has any.

        A machine without tf2 gets the extrinsics that way. A file that was asked for stays.
        """
        if self.config.fusion.calibration_file or len(self.rig.frames) < 2:
            return self
        self.rig.save(path)
        fusion = self.config.fusion.model_copy(update={"calibration_file": str(path)})
        config = self.config.model_copy(update={"fusion": fusion})
        return Inputs(config, self.topics, self.images, self.rig, self.notes)


def find_inputs(bag: BagReader, config: Config) -> Inputs:
    """Match a bag with the topics that the nodes of ``config`` listen to.

    Raises BagError when images of a camera are missing; anything else that is missing is noted.
    """
    present = {t.name: t for t in bag.topics if t.count}
    notes: list[str] = []
    transport: str = config.intake.transport
    other = "compressed" if transport == "raw" else "raw"
    wanted = ["/" + topics.image(camera, transport) for camera in config.cameras]
    if not any(name in present for name in wanted) and all(
        "/" + topics.image(camera, other) in present for camera in config.cameras
    ):
        intake = config.intake.model_copy(update={"transport": other})
        config = config.model_copy(update={"intake": intake})
        transport = other
        notes.append(f"the bag has {other} images: intake.transport is set to '{other}'")
    images = {}
    for camera in config.cameras:
        topic = bag.require(topics.image(camera, transport), IMAGE_TYPES[transport])
        images[camera] = topic.name
    optional = {
        topics.POINTS: "no LiDAR: ranges come from the ground plane, objects are degraded",
        topics.ODOM: "no odometry: objects stay in the vehicle's frame, speeds are relative",
    }
    for camera in config.cameras:
        name = topics.camera_info(camera)
        optional[name] = f"no calibration of camera '{camera}': its objects have no place"
    for name, consequence in optional.items():
        if "/" + name.strip("/") not in present:
            notes.append(f"the bag has no {name}: {consequence}")
    rig, problems = read_rig(bag, config.fusion.base_frame, config.fusion.rectified)
    notes += [str(problem) for problem in problems]
    if not config.fusion.calibration_file and len(rig.frames) < 2:
        notes.append("the bag has no /tf_static: set fusion.calibration_file")
    played = {*images.values(), topics.TF, topics.TF_STATIC, *optional}
    named = {"/" + name.strip("/") for name in played}
    return Inputs(config, frozenset(named & present.keys()), images, rig, tuple(notes))
