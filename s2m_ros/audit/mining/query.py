"""What in an atlas looks like this: an object of it, a picture, or words."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from s2m_ros.audit.mining.specimen import Specimen
from s2m_ros.config import Model
from s2m_ros.perception.images import read_rgb
from s2m_ros.runtime.embedding import Embedder, TextEmbedder, build_embedder
from s2m_ros.runtime.manifest import find, read
from s2m_ros.types import Float32, InputError, ObjectMask, ObjectMasks, Prompt

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True, eq=False)
class Hit:
    """similarity: cosine of the embeddings, in [-1, 1]."""

    specimen: Specimen
    similarity: float


def ranked(vector: Float32, specimens: Sequence[Specimen], most: int) -> list[Hit]:
    """The specimens most like a vector (D,), best first."""
    if not specimens:
        return []
    pool = np.stack([one.embedding for one in specimens])
    if pool.shape[1] != len(vector):
        raise InputError(
            "query",
            f"the atlas was made with vectors of {pool.shape[1]} numbers, the query has "
            f"{len(vector)}",
            "give the --model that the atlas was made with",
        )
    similar = pool @ vector
    order = np.argsort(-similar, kind="stable")[:most]
    return [Hit(specimens[i], float(similar[i])) for i in order]


def by_specimen(name: str, specimens: Sequence[Specimen]) -> Specimen:
    """The specimen named SOURCE#TRACK, or what is enough of it. Raises InputError if not one."""
    source, found, track = name.rpartition("#")
    if not found:
        raise InputError(
            f"--like {name}",
            "there is no such file",
            "give a picture, or an object of the atlas as SOURCE#TRACK",
        )
    members = [
        one
        for one in specimens
        if track.isdigit() and int(track) in one.tracks and one.source.endswith(source)
    ]
    if len(members) != 1:
        raise InputError(
            f"--like {name}",
            f"{len(members)} objects of the atlas fit",
            "give SOURCE#TRACK as the atlas shows it, or a picture",
        )
    return members[0]


def by_picture(path: Path, box: Box | None, embedder: Embedder) -> Float32:
    """The vector of an image file, or of a box (left, top, right, bottom) in it."""
    image = read_rgb(path)
    height, width = image.shape[:2]
    x0, y0, x1, y1 = box or (0, 0, width, height)
    left, top = max(0, int(x0)), max(0, int(y0))
    right, bottom = min(width, int(np.ceil(x1))), min(height, int(np.ceil(y1)))
    if right <= left or bottom <= top:
        raise InputError(
            f"--box {x0:g},{y0:g},{x1:g},{y1:g}",
            f"nothing of it lies in the picture of {width} x {height} px",
            "give left,top,right,bottom in pixels",
        )
    bounds = np.array([left, top, right, bottom], np.float32)
    bits = np.ones((bottom - top, right - left), np.bool_)
    prompt = Prompt(bounds, np.zeros((0, 2), np.float32), np.zeros(0, np.float32), 0.0, 0.0)
    item = ObjectMask(1, left, top, bits, bounds, 0.0, 0.0, 0.0, 0.0, 0.0, prompt)
    size = (width, height)
    masks = ObjectMasks(0, "", "", size, size, (item,), None, "")
    return np.asarray(embedder(image, masks, [item])[0], np.float32)


def by_text(words: str, model: str, config: Model) -> Float32:
    """The vector of a phrase, by the text encoder of a pair of models."""
    manifest = read(find(model)) if model else None
    if manifest is None or "text" not in manifest.files:
        raise InputError(
            f"--text {words}",
            "the model has no text encoder" if model else "no --model is given",
            "give --model FOLDER of a pair of image and text encoders, with which the atlas was "
            "made too (docs/mining.md)",
        )
    return np.asarray(TextEmbedder(manifest, config)([words])[0], np.float32)


def embedder_for(model: str, config: Model, made_with: str) -> Embedder:
    """The embedder of a query. Raises InputError when the atlas was made with another."""
    embedder = build_embedder(model, config)
    if embedder.name != made_with:
        raise InputError(
            "--model",
            f"the atlas was made with '{made_with}', this is '{embedder.name}'",
            "give the model that the atlas was made with",
        )
    return embedder
