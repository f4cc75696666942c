"""How soon a camera that is turned is told, and what is told of one that is not.

`python tools/turned_cameras.py CACHE [SCENARIO...]`: each scenario of the simulator (rendered into
CACHE/drives, where `s2m eval-sim` keeps its own) goes through the stages without a network. At many
instants of it the calibration of each camera becomes wrong by 3 degrees.
"""

from __future__ import annotations

import sys
from collections import defaultdict
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np

from s2m_ros.audit.closed_loop.drives import rendered
from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import Lockstep
from s2m_ros.bags import BagReader
from s2m_ros.bags.calibration import camera_names
from s2m_ros.config import load
from s2m_ros.fusion import pipeline
from s2m_ros.fusion.calibration_check.silhouettes import silhouettes
from s2m_ros.fusion.calibration_check.turn import TurnCheck
from s2m_ros.fusion.camera import CameraModel
from s2m_ros.fusion.transforms import from_rotation_vector, invert
from s2m_ros.fusion.view import Cloud, Image
from s2m_ros.perception.interfaces import Frame, empty_prompts
from s2m_ros.sim import scenario
from s2m_ros.types import EdgeMap, Float32, Float64, ObjectMasks, ScoreMap, UInt8

TURNS = {"yaw +3": (0, 3), "yaw -3": (0, -3), "pitch +3": (3, 0), "pitch -3": (-3, 0),
         "both": (2.1, -2.1)}  # fmt: skip
FIRST_S, EVERY_S, WATCHED_S = 0.8, 0.6, 1.0
LIMITS_S = (0.5, 0.7, 1.0)


class Look(NamedTuple):
    """What the check of one camera was given at one instant."""

    stamp_ns: int
    sides: Float32
    edges: EdgeMap
    model: CameraModel
    camera_from_base: Float64


class Recorder:
    """Stands where the checks are, and keeps what they are given, by camera."""

    def __init__(self, cameras: bool) -> None:
        self.looks: dict[str, list[Look]] = defaultdict(list)
        recorders.append(self)

    def look(
        self, stamp_ns: int, images: Sequence[Image], cloud: Cloud, shown: Float64 | None
    ) -> tuple[str, ...]:
        sides = cloud.points[silhouettes(cloud.points, cloud.height, cloud.sensor)]
        for image in images:
            if image.masks.edges is not None:
                look = Look(stamp_ns, sides, image.masks.edges, image.model,
                            invert(image.base_from_camera))  # fmt: skip
                self.looks[image.masks.camera].append(look)
        return ()


class Sleeper:
    """A perception that finds nothing, at once."""

    def __init__(self, settings: Any) -> None:
        self.info: dict[str, str] = {}

    def warm_up(self) -> None: ...

    def perceive(
        self, image: UInt8, stamp_ns: int, camera: str, frame_id: str, sequence: int
    ) -> Frame:
        size = (image.shape[1], image.shape[0])
        nothing = np.zeros((1, 1), np.float32)
        masks = ObjectMasks(stamp_ns, camera, frame_id, size, (160, 90), (), None, "none",
                            sequence=sequence)  # fmt: skip
        return Frame(masks, ScoreMap(nothing, size, "none"), nothing, empty_prompts(), (), {})


recorders: list[Recorder] = []


def looks(name: str, cache: Path) -> dict[str, list[Look]]:
    """By camera, all of one scenario."""
    drive = rendered(scenario.load(name), cache)
    recorders.clear()
    with BagReader(drive.path) as bag:
        config = load(None, {"cameras": camera_names(bag)})
        stages = Lockstep(find_inputs(bag, config), Sleeper)
        stages.load()
        for _ in stages.steps(bag, drive.end_ns(bag)):
            pass
    return recorders[0].looks


def told(seen: Sequence[Look], turn: tuple[float, float] | None, from_ns: int = 0) -> list[int]:
    """The stamps at which a turn is told, if the camera is turned from an instant on."""
    wrong = np.eye(4)
    if turn is not None:
        wrong[:3, :3] = from_rotation_vector(np.radians([*turn, 0.0]))
    check, result = TurnCheck(), []
    for look in seen:
        turned = turn is not None and look.stamp_ns >= from_ns
        camera_from_base = wrong @ look.camera_from_base if turned else look.camera_from_base
        if check.add(look.stamp_ns, look.sides, look.edges, look.model, camera_from_base):
            result.append(look.stamp_ns)
    return result


def delays_s(seen: Sequence[Look], turn: tuple[float, float]) -> list[float]:
    """From each of many instants until it is told; infinite when it is not within a second."""
    result = []
    begin, end = seen[0].stamp_ns, seen[-1].stamp_ns
    for at_ns in range(
        begin + round(FIRST_S * 1e9), end - round(WATCHED_S * 1e9), round(EVERY_S * 1e9)
    ):
        near = [
            look
            for look in seen
            if at_ns - FIRST_S * 1e9 <= look.stamp_ns <= at_ns + WATCHED_S * 1e9
        ]
        found = [stamp for stamp in told(near, turn, at_ns) if stamp >= at_ns]
        result.append((found[0] - at_ns) * 1e-9 if found else np.inf)
    return result


def shares(delays: Sequence[float]) -> str:
    return " ".join(f"{np.mean(np.array(delays) <= limit):5.2f}" for limit in LIMITS_S)


def main() -> None:
    cache, names = Path(sys.argv[1]), sys.argv[2:] or scenario.names()
    pipeline.CalibrationCheck = Recorder  # type: ignore[assignment,misc]
    total: dict[str, list[float]] = defaultdict(list)
    false, images = 0, 0
    limits = " ".join(f"{limit:4g}s" for limit in LIMITS_S)
    print(f"{'':24} {'images':>6} {'false':>5}  told within {limits}, any of {len(TURNS)} turns")
    for name in names:
        for camera, seen in looks(name, cache).items():
            wrongly = len(told(seen, None))
            delays = {turn: delays_s(seen, by) for turn, by in TURNS.items()}
            for turn, values in delays.items():
                total[turn] += values
            both = [value for values in delays.values() for value in values]
            print(f"{name + ' ' + camera:24} {len(seen):6} {wrongly:5}  {'':11} {shares(both)}",
                  flush=True)  # fmt: skip
            false, images = false + wrongly, images + len(seen)
    for turn, values in total.items():
        print(f"{f'all, {turn}':24} {images:6} {false:5}  {'':11} {shares(values)}"
              f" of {len(values)} instants")  # fmt: skip


if __name__ == "__main__":
    main()
