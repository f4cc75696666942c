"""One rendered drive through the true stages, with everything the stages said on the way."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import numpy as np

from s2m_ros.audit.closed_loop.drives import Drive
from s2m_ros.audit.closed_loop.memory import Change, Memory, Remembered, blind
from s2m_ros.audit.closed_loop.phantoms import Phantom, Stage, haunt, plan
from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import Answer, Lockstep
from s2m_ros.bags import BagReader
from s2m_ros.bags.calibration import camera_names, read_rig
from s2m_ros.config import Config
from s2m_ros.config import Perception as PerceptionSettings
from s2m_ros.fusion.ego import EgoMotion
from s2m_ros.perception.interfaces import Frame
from s2m_ros.perception.pipeline import Perception
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import Hazards, Objects3D, Tracks
from s2m_ros.wire import topics
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.hazards import decode_hazards
from s2m_ros.wire.objects import decode_objects
from s2m_ros.wire.odometry import decode_odometry
from s2m_ros.wire.truth import TruthFrame, TruthView

SCORER, LIDAR = "scorer", "lidar"
TOGETHER_NS = 60_000_000
"""Images this much older than an answer are still part of it: cameras look one after another."""


@dataclass(frozen=True, slots=True, eq=False)
class Instant:
    """What each stage said at one instant, beside what is there.

    frames: by camera, those whose masks are in ``objects``; tracks: None when there was nothing
    to judge.
    """

    stamp_ns: int
    truth: TruthFrame
    frames: Mapping[str, Frame]
    objects: Objects3D
    tracks: Tracks | None
    hazards: Hazards


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """A drive that was worked off. unmatched: answers at stamps of which no truth is known;
    way_m: what the vehicle drove; drops: by stage and reason; without: what was switched off."""

    instants: tuple[Instant, ...]
    phantoms: tuple[Phantom, ...]
    drops: Mapping[str, Mapping[str, int]]
    unmatched: int
    seconds: float
    way_m: float
    without: frozenset[str] = frozenset()


def watch(
    drive: Drive,
    config: Config,
    memory: Path,
    *,
    without: frozenset[str] = frozenset(),
    artifacts: int = 0,
    seed: int = 0,
    build: Callable[..., Perception] = build_perception,
    advance: Callable[[float], None] = lambda share: None,
) -> Watched:
    """Work off a drive. without: SCORER and LIDAR that are switched off; artifacts: how many
    phantoms are put into it. Raises InputError when the model cannot be used."""
    truth = drive.truth()
    with BagReader(drive.path) as bag, Memory(memory, drive.key) as store:
        names = camera_names(bag)
        config = config.model_copy(update={"cameras": names})
        inputs = find_inputs(bag, config)
        if LIDAR in without:
            inputs = replace(inputs, topics=inputs.topics - {"/" + topics.POINTS})
        end_ns = drive.end_ns(bag)
        stage = _stage(bag, truth, end_ns, config)
        haunted = plan(stage, artifacts, seed)
        changes: list[Change] = [blind] if SCORER in without else []
        changes.append(partial(_haunt, haunted))
        watched: list[Remembered] = []

        def remembered(settings: PerceptionSettings) -> Remembered:
            watched.append(Remembered(build(settings), settings, store, changes))
            return watched[-1]

        stages = Lockstep(inputs, remembered)
        stages.load()
        answers: dict[int, Answer] = {}
        for step in stages.steps(bag, end_ns):
            for answer in step.answers:
                answers[stamp_ns(answer.objects.header.stamp)] = answer
            advance((step.stamp_ns - bag.start_ns) / max(1, end_ns - bag.start_ns))
        frames = {key: frame for one in watched for key, frame in one.frames.items()}
    return Watched(
        instants=tuple(
            _instant(_seen(truth, stamp), answer, frames)
            for stamp, answer in sorted(answers.items())
            if stamp in truth
        ),
        phantoms=tuple(p for some in haunted.values() for p in some),
        drops=stages.drops,
        unmatched=sum(stamp not in truth for stamp in answers),
        seconds=drive.seconds,
        way_m=_way(stage.ego, sorted(truth)),
        without=without,
    )


def _haunt(haunted: Mapping[tuple[str, int], list[Phantom]], frame: Frame) -> Frame:
    return haunt(frame, haunted.get((frame.masks.camera, frame.masks.stamp_ns), ()))


def _instant(truth: TruthFrame, answer: Answer, frames: Mapping[tuple[str, int], Frame]) -> Instant:
    objects = decode_objects(answer.objects, topics.OBJECTS)
    hazards = decode_hazards(answer.tracking.hazards, topics.HAZARDS)
    newest: dict[str, Frame] = {}
    for (camera, stamp), frame in sorted(frames.items()):
        if 0 <= truth.stamp_ns - stamp < TOGETHER_NS:
            newest[camera] = frame
    return Instant(truth.stamp_ns, truth, newest, objects, answer.tracking.tracks, hazards)


def _seen(truth: Mapping[int, TruthFrame], stamp: int) -> TruthFrame:
    """The truth at a stamp with what each camera saw shortly before: the truth of an image has the
    view of that image alone."""
    views: dict[int, dict[str, TruthView]] = {}
    for at in sorted(s for s in truth if 0 <= stamp - s < TOGETHER_NS):
        for item in truth[at].items:
            views.setdefault(item.id, {}).update(item.views)
    items = tuple(replace(item, views=views[item.id]) for item in truth[stamp].items)
    return replace(truth[stamp], items=items)


def _stage(bag: BagReader, truth: Mapping[int, TruthFrame], end_ns: int, config: Config) -> Stage:
    """Where the vehicle was and when each camera looked."""
    base = config.fusion.base_frame
    rig, _ = read_rig(bag, base)
    ego = EgoMotion(keep_s=1e9)
    images: dict[str, list[int]] = {name: [] for name in rig.cameras}
    infos = {"/" + topics.camera_info(name): name for name in images}
    for message in bag.messages([topics.ODOM, *infos]):
        if message.stamp_ns > end_ns:
            break
        value = bag.decode(message)
        if message.topic in infos:
            images[infos[message.topic]].append(stamp_ns(value.header.stamp))
        else:
            ego.add(decode_odometry(value, topics.ODOM, base))
    return Stage(truth, images, ego, rig)


def _way(ego: EgoMotion, stamps: list[int]) -> float:
    """Metres driven between the stamps."""
    poses = [pose for pose in map(ego.at, stamps) if pose is not None]
    places = np.array([pose.odom_from_base[:2, 3] for pose in poses]).reshape(-1, 2)
    return float(np.linalg.norm(np.diff(places, axis=0), axis=1).sum())
