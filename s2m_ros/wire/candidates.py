"""s2m_msgs/MaskCandidateArray and the grey picture of a score map <-> what perception weighed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from s2m_ros.perception.calibration import RARITY_LIMIT, unrarity
from s2m_ros.perception.interfaces import Candidate, Frame, Verdict
from s2m_ros.perception.overlay import score_image
from s2m_ros.types import InputError, Prompt, ScoreMap, UInt8
from s2m_ros.wire.cdr import CdrWriter
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.image import damage, decode_image, encode_image
from s2m_ros.wire.masks import decode_prompt, encode_runs_of, read_patch
from s2m_ros.wire.protocol import MessageFactory

SCORE_STEPS = 255
"""The picture's grey is rarity / RARITY_LIMIT in so many steps: 0.025 decades each."""


@dataclass(frozen=True, slots=True, eq=False)
class Weighed:
    """Prompts and candidates of one image; the first masks of ``verdicts`` became masks 1, 2, ...

    Sizes are (width, height). omitted: prompts that were left out; steps_ms: of perception.
    """

    stamp_ns: int
    camera: str
    image_size: tuple[int, int]
    grid_size: tuple[int, int]
    prompts: tuple[Prompt, ...]
    omitted: int
    verdicts: tuple[Verdict, ...]
    steps_ms: Mapping[str, float]


def encode_candidates(frame: Frame) -> bytes:
    """A MaskCandidateArray of all that was weighed for an image, serialised."""
    masks, prompts = frame.masks, frame.prompts
    out = CdrWriter()
    out.header(masks.stamp_ns, masks.frame_id)
    out.pack("Q", masks.sequence)
    out.text(masks.camera)
    out.pack("4I", *masks.image_size, *masks.grid_size)
    out.pack("I", len(prompts))
    for i in range(len(prompts)):
        _put_prompt(out, prompts[i])
    out.pack("2I", prompts.omitted, len(frame.candidates))
    runs = encode_runs_of([verdict.candidate.bits for verdict in frame.candidates])
    for rank, (verdict, lengths) in enumerate(zip(frame.candidates, runs, strict=True), start=1):
        one = verdict.candidate
        out.pack("Ii", one.prompt, 0 if verdict.reason else rank)
        out.text(verdict.reason)
        out.numbers(lengths)
        height, width = one.bits.shape
        scores = one.predicted_iou, one.stability, verdict.evidence
        out.pack("4I3f", one.x, one.y, width, height, *scores)
    out.pack("I", len(frame.timings_ms))
    for name in frame.timings_ms:
        out.text(name)
    out.numbers(np.array(list(frame.timings_ms.values()), np.float32))
    return out.finish()


def _put_prompt(out: CdrWriter, prompt: Prompt) -> None:
    labels = prompt.point_labels.astype(np.int8)
    points = prompt.points.ravel().tolist()
    layout = f"4fI{len(points)}fI"
    out.pack(layout, *prompt.box.tolist(), len(points), *points, len(labels))
    out.numbers(labels, counted=False)
    out.pack("2f", prompt.peak, prompt.contrast)


def decode_candidates(message: Any, source: str) -> Weighed:
    """Raises InputError naming ``source``."""
    if len(message.step_names) != len(message.step_ms):
        raise InputError(
            source,
            f"{len(message.step_names)} names for {len(message.step_ms)} times of steps",
            "publish one time a step",
        )
    return Weighed(
        stamp_ns=stamp_ns(message.header.stamp),
        camera=message.camera,
        image_size=(int(message.image_width), int(message.image_height)),
        grid_size=(int(message.grid_width), int(message.grid_height)),
        prompts=tuple(decode_prompt(prompt, source) for prompt in message.prompts),
        omitted=int(message.omitted_prompts),
        verdicts=tuple(_decode_candidate(item, message, source) for item in message.candidates),
        steps_ms={
            str(name): float(ms)
            for name, ms in zip(message.step_names, message.step_ms, strict=True)
        },
    )


def _decode_candidate(item: Any, array: Any, source: str) -> Verdict:
    x, y, bits = read_patch(item, array, "a candidate", source)
    candidate = Candidate(
        int(item.prompt), x, y, bits, float(item.predicted_iou), float(item.stability)
    )
    return Verdict(candidate, float(item.evidence), str(item.reason))


def encode_score(factory: MessageFactory, stamp_ns: int, frame_id: str, score: ScoreMap) -> Any:
    """A sensor_msgs/Image, mono8: black is normal, white the rarest there is.

    Not packed: the store packs its chunks, at a tenth of what a PNG costs the camera's node.
    """
    grey = np.asarray(cv2.convertScaleAbs(score_image(score), alpha=SCORE_STEPS), np.uint8)
    return encode_image(factory, stamp_ns, frame_id, grey, "mono8")


def decode_score(
    message: Any, image_size: tuple[int, int], source: str, scorer: str = ""
) -> ScoreMap:
    """The score map that ``encode_score`` quantised, or a PNG of it as older stores have.

    Raises InputError naming ``source``.
    """
    grey = _unpacked(message, source) if hasattr(message, "format") else _grey(message, source)
    rarity = np.asarray(grey, np.float32) * np.float32(RARITY_LIMIT / SCORE_STEPS)
    return ScoreMap(unrarity(rarity), image_size, scorer)


def score_png(message: Any, source: str) -> bytes:
    """The score map that ``encode_score`` quantised as a PNG, for a browser."""
    if hasattr(message, "format"):
        return bytes(message.data)
    _, data = cv2.imencode(".png", _grey(message, source), [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return bytes(data)


def _grey(message: Any, source: str) -> UInt8:
    if message.encoding != "mono8":
        raise InputError(source, f"is '{message.encoding}', not mono8", "record it again")
    return decode_image(message, source)[..., 0]


def _unpacked(message: Any, source: str) -> UInt8:
    data = np.frombuffer(message.data, np.uint8)
    problem = damage(data, source)
    grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size and not problem else None
    if grey is None:
        raise InputError(
            source, f"{data.size} bytes are no picture{problem}", "record the score map again"
        )
    return np.asarray(grey, np.uint8)
