"""Turn trained networks into a model folder: graphs, calibration on normal frames, manifest."""

from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from s2m_ros.perception.scorers import energy, max_logit, msp

from .decoder import Decoder
from .export import INPUT_HEIGHT, INPUT_WIDTH, export_graphs, write_manifest
from .network import Encoder
from .sources import Corpus, Scene

VERSION = "0.1.2"
PROBABILITIES = np.unique(
    np.concatenate([np.linspace(0, 0.9, 19), 1 - np.logspace(-1, -6, 41), [1.0]]).round(9)
)
NORMAL_SOURCES = {
    "camvid": 40,
    "campus": 20,
    "kitti": 12,
    "runway": 8,
    "asphalt": 7,
    "mixed": 4,
    "apron": 30,
}
DATA = [
    {"name": "CamVid", "use": "closed set, background", "licence": "CC BY-NC, as its host says"},
    {"name": "COCO instances (482 images)", "use": "objects, masks", "licence": "per image, CC"},
    {"name": "DAVIS (20 sequences)", "use": "objects, masks", "licence": "DAVIS terms"},
    {"name": "campus road scenes, Lahore", "use": "background", "licence": "CC BY 4.0 as stated"},
    {"name": "dash camera frames", "use": "background", "licence": "research"},
    {"name": "cracked asphalt", "use": "background", "licence": "none stated"},
    {"name": "road surface textures", "use": "normal ground", "licence": "mixed CC"},
    {"name": "KITTI", "use": "background", "licence": "CC BY-NC-SA"},
    {"name": "nuScenes (one frame)", "use": "background", "licence": "CC BY-NC-SA"},
    {"name": "simulated runway", "use": "background", "licence": "Apache-2.0"},
    {"name": "apron simulator of s2m_ros", "use": "known and unknown", "licence": "Apache-2.0"},
    {"name": "ImageNet weights of EfficientNet-Lite0", "use": "trunk", "licence": "Apache-2.0"},
]  # fmt: skip


def release(encoder: Encoder, decoder: Decoder, data: Path, frames: Path, out: Path) -> None:
    """Write encoder.onnx, decoder.onnx and model.yaml into `out`."""
    export_graphs(encoder, decoder, out)
    corpus = Corpus(data, "held_out", frames)
    write_manifest(out, version=VERSION, calibration=calibration(encoder, corpus), data=DATA)


def calibration(encoder: Encoder, corpus: Corpus) -> dict[str, Any]:
    """Quantiles of each score over held-out pixels without unknown objects, every source alike."""
    scores: dict[str, list[NDArray[np.float32]]] = {}
    weights: list[NDArray[np.float32]] = []
    for source, most in NORMAL_SOURCES.items():
        names = corpus.names.get(source, [])
        chosen = [
            corpus.scene(source, name) for name in names[:: max(1, len(names) // most)][:most]
        ]
        part = [measure(encoder, scene) for scene in chosen]
        pixels = sum(len(values["learned"]) for values in part)
        for values in part:
            for scorer, value in values.items():
                scores.setdefault(scorer, []).append(value)
            weights.append(np.full(len(values["learned"]), 1 / pixels, np.float32))
    weight = np.concatenate(weights).astype(np.float64)
    quantiles = {name: table(np.concatenate(parts), weight) for name, parts in scores.items()}
    learned = quantiles.pop("learned")
    return {"scorer": "learned", "id_quantiles": learned, "quantiles": quantiles}


def table(values: NDArray[np.float32], weight: NDArray[np.float64]) -> dict[str, list[float]]:
    """The weighted empirical distribution at PROBABILITIES, strictly rising."""
    order = np.argsort(values, kind="stable")
    mass = np.cumsum(weight[order])
    at = np.searchsorted(mass / mass[-1], PROBABILITIES, side="left")
    found = values[order][np.minimum(at, len(values) - 1)].astype(float)
    steps = np.maximum.accumulate(found) + np.arange(len(found)) * 1e-6
    return {"probabilities": PROBABILITIES.tolist(), "values": [round(float(v), 6) for v in steps]}


def measure(encoder: Encoder, scene: Scene) -> dict[str, NDArray[np.float32]]:
    """Each score (higher is stranger) at a scene's normal pixels, at the default input size."""
    image = cv2.resize(scene.image, (INPUT_WIDTH, INPUT_HEIGHT), interpolation=cv2.INTER_LINEAR)
    tensor = torch.from_numpy(image).permute(2, 0, 1)[None].float()
    with torch.no_grad():
        anomaly, logits, _ = encoder(tensor.contiguous(memory_format=torch.channels_last))
    # Unknown objects glow beyond their outline: what is near one is not a sample of the normal.
    strange = cv2.dilate((scene.anomaly != 0).astype(np.uint8), np.ones((9, 9), np.uint8))
    size = (anomaly.shape[3], anomaly.shape[2])
    normal = cv2.resize(strange, size, interpolation=cv2.INTER_NEAREST).reshape(-1) == 0
    f = logits[0].numpy()
    maps = {
        "learned": anomaly[0, 0].numpy(),
        "max_logit": max_logit(f),
        "msp": msp(f),
        "energy": energy(f),
    }
    return {name: value.ravel()[normal][::4] for name, value in maps.items()}


def main() -> None:
    """Release from the checkpoints of a training: `python -m models.training.release ...`."""
    import argparse

    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, default=Path("out/model"))
    parser.add_argument("--out", type=Path, default=Path("models/apron_lite0"))
    options = parser.parse_args()
    networks = []
    for net, name in ((Encoder(), "encoder"), (Decoder(), "decoder")):
        state = torch.load(options.work / f"{name}.pt", map_location="cpu", weights_only=True)
        net.load_state_dict(state["average"])
        networks.append(net.eval())
    release(*networks, options.data, options.work / "apron", options.out)


if __name__ == "__main__":
    main()
