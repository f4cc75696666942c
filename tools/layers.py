"""Where the default model's time goes on a CPU: the layers of its graphs as OpenVINO runs them.

    tools/env python tools/layers.py [--size 640x352] [--threads 1] [--boxes 12] [FOLDER ...]

Each FOLDER is a model; several take turns, so that a busy machine slows all of them alike. Times
are the least of each layer over the rounds, in milliseconds.
"""

from __future__ import annotations

import argparse
import time
from collections import defaultdict
from pathlib import Path

import numpy as np

from s2m_ros.runtime.graph import Array
from s2m_ros.runtime.manifest import find, read
from s2m_ros.runtime.openvino import OpenVinoGraph

Feed = dict[str, Array]
SHOWN_MS = 0.05


class Timed(OpenVinoGraph):
    """One graph of one model, and the least time of each of its layers so far."""

    def __init__(self, path: Path, threads: int) -> None:
        super().__init__(path, threads)
        self._options["PERF_COUNT"] = True
        self.layers: dict[str, tuple[str, float]] = {}
        self.wall_ms = self.cpu_ms = float("inf")

    def time(self, feed: Feed) -> None:
        wall, cpu = time.perf_counter(), time.process_time()
        self.run(feed, self.outputs)
        self.wall_ms = min(self.wall_ms, (time.perf_counter() - wall) * 1e3)
        self.cpu_ms = min(self.cpu_ms, (time.process_time() - cpu) * 1e3)
        for request in self._requests.values():
            for layer in request.profiling_info:
                took_ms = layer.real_time.total_seconds() * 1e3
                least_ms = min(took_ms, self.layers.get(layer.node_name, ("", took_ms))[1])
                self.layers[layer.node_name] = f"{layer.node_type} {layer.exec_type}", least_ms

    def by_kind(self) -> list[tuple[float, int, str]]:
        """Milliseconds, number of layers and kind, the dearest first."""
        kinds: dict[str, list[float]] = defaultdict(list)
        for kind, took_ms in self.layers.values():
            kinds[kind].append(took_ms)
        found = ((sum(times), len(times), kind) for kind, times in kinds.items())
        return sorted(found, reverse=True)


def noise(graph: OpenVinoGraph, size: tuple[int, int], boxes: int) -> Feed:
    """Noise for each input: pictures of size (width, height), or as many boxes."""
    rng = np.random.default_rng(0)
    made: Feed = {}
    for name, shape in graph.input_shapes.items():
        if name == "image":
            made[name] = rng.integers(0, 256, (1, size[1], size[0], 3), np.uint8)
        else:
            rest = [n for n in shape[1:] if isinstance(n, int)]
            made[name] = rng.normal(size=(boxes, *rest)).astype(np.float32)
    return made


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folders", nargs="*", default=["apron_lite0"], metavar="FOLDER")
    parser.add_argument("--size", default="640x352", help="of the encoder's input")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--boxes", type=int, default=12, help="prompts of the decoder")
    parser.add_argument("--rounds", type=int, default=40)
    options = parser.parse_args()
    width, height = map(int, options.size.split("x"))
    models = [read(find(folder)) for folder in options.folders]
    for part in ("encoder", "decoder"):
        timed = [Timed(model.file(part), options.threads) for model in models]
        feed = noise(timed[0], (width, height), options.boxes)
        for _ in range(options.rounds):
            for one in timed:
                one.time(feed)
        for model, one in zip(models, timed, strict=True):
            print(
                f"\n{model.name} {model.version}, {part}: {one.wall_ms:.1f} ms, "
                f"processor {one.cpu_ms:.1f} ms"
            )
            for took_ms, count, kind in one.by_kind():
                if took_ms >= SHOWN_MS:
                    print(f"{took_ms:8.2f} ms {count:4} x {kind}")


if __name__ == "__main__":
    main()
