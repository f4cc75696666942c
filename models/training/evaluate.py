"""Measure score maps of an exported encoder on the validation sets of unknown objects.

    python -m models.training.evaluate --data DIR [--model models/apron_lite0]

Prints pixel AP and the false positive rate at 95 % recall, pooled over each set. The masks are
measured by `s2m eval-masks`, whole perception by `s2m eval`.
"""

import argparse
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import onnxruntime
from rich.console import Console
from rich.table import Table

from s2m_ros.evaluation.layouts import plain, read_label
from s2m_ros.evaluation.pixel import PixelPool
from s2m_ros.perception.scorers import energy, max_logit

from .sources import read_rgb


@dataclass(frozen=True)
class Benchmark:
    """One validation set and the input size at which it is scored."""

    name: str
    folder: str
    width: int
    height: int


BENCHMARKS = (
    Benchmark("RoadAnomaly", "road_anomaly", 960, 544),
    Benchmark("RoadAnomaly21", "smiyc_anomaly21", 960, 544),
    Benchmark("RoadObstacle21", "smiyc_obstacle21", 1280, 736),
    Benchmark("Fishyscapes Lost & Found", "fishyscapes_lost_found", 1536, 768),
    Benchmark("Fishyscapes Static", "fishyscapes_static", 1024, 512),
)


def scores(logits: np.ndarray, anomaly: np.ndarray) -> dict[str, np.ndarray]:
    """Score maps (h,w) from logits (C,h,w) and anomaly (h,w); higher is stranger."""
    return {"learned": anomaly, "max_logit": max_logit(logits), "energy": energy(logits)}


def evaluate(encoder: Path, data: Path, benchmark: Benchmark, limit: int) -> dict[str, PixelPool]:
    session = onnxruntime.InferenceSession(encoder, providers=["CPUExecutionProvider"])
    pools: dict[str, PixelPool] = {}
    root = data / "ood" / benchmark.folder
    samples = plain(root / "images", root / "labels")
    for sample in samples[: limit or None]:
        size = (benchmark.width, benchmark.height)
        image = cv2.resize(read_rgb(sample.image), size, interpolation=cv2.INTER_AREA)
        anomaly, logits = session.run(["anomaly", "logits"], {"image": image[None]})
        label = read_label(sample.label)
        height, width = label.anomaly.shape
        for name, score in scores(logits[0], anomaly[0, 0]).items():
            full = cv2.resize(score, (width, height), interpolation=cv2.INTER_LINEAR)
            pools.setdefault(name, PixelPool()).add(full, label.anomaly, label.ignore)
    return pools


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", type=Path, default=Path("models/apron_lite0"))
    parser.add_argument("--limit", type=int, default=0, help="frames per set; 0 for all")
    options = parser.parse_args()
    table = Table("set", "input", "score", "AP %", "FPR95 %")
    for benchmark in BENCHMARKS:
        pools = evaluate(options.model / "encoder.onnx", options.data, benchmark, options.limit)
        for name, pool in pools.items():
            found = pool.metrics()
            size = f"{benchmark.width}x{benchmark.height}"
            row = (benchmark.name, size, name, f"{100 * found.ap:.1f}", f"{100 * found.fpr95:.1f}")
            table.add_row(*row)
    Console().print(table)


if __name__ == "__main__":
    main()
