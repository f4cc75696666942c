# ruff: noqa: E402
"""What a frame costs outside the network: `tools/env python tools/hot_path.py DRIVE [CONFIG]`.

The stages of all nodes in one process, one camera, with rclpy's messages serialised between them as
the middleware would: everything but the sending. Prints processor time of this thread, ms; of the
parts of perception the time that passed.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

for _library in ("OMP", "OPENBLAS", "MKL"):  # before numpy reads them
    os.environ[f"{_library}_NUM_THREADS"] = "1"
sys.path.insert(0, str(Path(__file__).resolve().parent.parent))

import cv2
import numpy as np
from rclpy.serialization import deserialize_message, serialize_message

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.bags import BagReader
from s2m_ros.config import load, parse_overrides
from s2m_ros.nodes.factory import RclpyFactory, message_type
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.pipeline.fusion import FusionStage
from s2m_ros.pipeline.tracking import TrackingStage
from s2m_ros.wire import topics

FRAMES, WARM_UP = 120, 10
NETWORK = ("encode", "mask")
"""Parts of perception that are the network's, the second with the outlines that compete with it."""


class Clock:
    """Milliseconds by name."""

    def __init__(self) -> None:
        self.times: dict[str, list[float]] = {}

    def __call__(self, name: str, call: Callable[..., Any], *given: Any) -> Any:
        before = time.thread_time()
        result = call(*given)
        self.times.setdefault(name, []).append((time.thread_time() - before) * 1e3)
        return result


def run(drive: Path, preset: Path | None) -> tuple[dict[str, list[float]], int]:
    """Times by stage, and how many frames there were."""
    clock, frames = Clock(), 0
    config = load(preset, parse_overrides(["perception.model.threads=1"]))
    factory = RclpyFactory()
    with BagReader(drive) as bag:
        inputs = find_inputs(bag, config)
        name = inputs.config.cameras[0]
        camera = CameraStage(inputs.config.model_copy(update={"camera": name}), factory)
        if not camera.load():
            raise SystemExit(camera.conditions.worst().reason)
        fusion, tracking = (stage(inputs.config, factory) for stage in (FusionStage, TrackingStage))

        def read(message: Any, what: str) -> Any:
            return clock(what, deserialize_message, message.data, message_type(message.type))

        take = {
            f"/{topics.POINTS}": ("sweep", fusion.add_cloud),
            f"/{topics.ODOM}": ("odometry", fusion.add_odometry),
            f"/{topics.camera_info(name)}": (
                "camera_info",
                lambda m: fusion.add_camera_info(name, m),
            ),
        }
        for message in bag.messages(inputs.topics):
            if message.topic == inputs.images[name]:
                output = camera.process(read(message, "image: message"))
                for part, ms in output.timings_ms.items():
                    clock.times.setdefault(f"camera: {part}", []).append(ms)
                data = clock("masks: message", serialize_message, output.masks)
                masks = clock("masks: message", deserialize_message, data, type(output.masks))
                clock("masks: decoded", fusion.add_masks, masks)
                frames += 1
            elif message.topic in take:
                what, handle = take[message.topic]
                clock(f"{what}: decoded", handle, read(message, f"{what}: message"))
            else:
                fusion.add_transforms(bag.decode(message), message.topic == topics.TF_STATIC)
            before = time.thread_time()
            for objects in fusion.poll(message.stamp_ns):
                clock.times.setdefault("fusion", []).append((time.thread_time() - before) * 1e3)
                data = clock("objects: message", serialize_message, objects)
                again = clock("objects: message", deserialize_message, data, type(objects))
                judged = clock("tracking, policy, hazards", tracking.process, again)
                clock("hazards: message", serialize_message, judged.hazards)
                clock("markers", lambda judged=judged: judged.markers)
            if frames >= FRAMES:
                break
    return clock.times, frames


def main() -> None:
    cv2.setNumThreads(1)
    times, frames = run(Path(sys.argv[1]), Path(sys.argv[2]) if len(sys.argv) > 2 else None)
    whole = 0.0
    for name, values in times.items():
        each = np.array(values[len(values) * WARM_UP // FRAMES :])
        share = len(values) / frames
        network = name.removeprefix("camera: ") in (*NETWORK, "total")
        whole += 0.0 if network else share * float(np.median(each))
        least, middle, high = np.quantile(each, [0.0, 0.5, 0.95])
        print(
            f"{name:28s} {share:5.2f} a frame   least {least:6.2f}   p50 {middle:6.2f}"
            f"   p95 {high:6.2f}{'   (network)' if network else ''}"
        )
    print(f"{'outside the network, p50':28s} {whole:40.1f} ms a frame")


if __name__ == "__main__":
    main()
