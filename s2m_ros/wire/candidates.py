"""s2m_msgs/MaskCandidateArray and the picture of a score map <-> what perception weighed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np

from s2m_ros.perception.calibration import RARITY_LIMIT, unrarity
from s2m_ros.perception.interfaces import Candidate, Frame, Verdict
from s2m_ros.perception.overlay import score_image
from s2m_ros.types import InputError, Prompt, ScoreMap
from s2m_ros.wire.geometry import header, stamp_ns
from s2m_ros.wire.image import damage
from s2m_ros.wire.masks import decode_prompt, encode_prompt, patch_fields, read_patch
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


def encode_candidates(factory: MessageFactory, frame: Frame) -> Any:
    """A MaskCandidateArray of all that was weighed for an image."""
    masks, prompts = frame.masks, frame.prompts
    return factory.make(
        "s2m_msgs/msg/MaskCandidateArray",
        header=header(factory, masks.stamp_ns, masks.frame_id),
        sequence=masks.sequence,
        camera=masks.camera,
        image_width=masks.image_size[0],
        image_height=masks.image_size[1],
        grid_width=masks.grid_size[0],
        grid_height=masks.grid_size[1],
        prompts=[encode_prompt(factory, prompts[i]) for i in range(len(prompts))],
        omitted_prompts=prompts.omitted,
        candidates=[
            _encode_candidate(factory, verdict, 0 if verdict.reason else rank)
            for rank, verdict in enumerate(frame.candidates, start=1)
        ],
        step_names=list(frame.timings_ms),
        step_ms=np.array(list(frame.timings_ms.values()), np.float32),
    )


def _encode_candidate(factory: MessageFactory, verdict: Verdict, mask_id: int) -> Any:
    candidate = verdict.candidate
    return factory.make(
        "s2m_msgs/msg/MaskCandidate",
        prompt=candidate.prompt,
        mask_id=mask_id,
        reason=verdict.reason,
        **patch_fields(candidate.x, candidate.y, candidate.bits),
        predicted_iou=float(candidate.predicted_iou),
        stability=float(candidate.stability),
        evidence=float(verdict.evidence),
    )


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
    """A sensor_msgs/CompressedImage, grey PNG: black is normal, white the rarest there is."""
    grey = np.rint(score_image(score) * SCORE_STEPS).astype(np.uint8)
    _, data = cv2.imencode(".png", grey, [cv2.IMWRITE_PNG_COMPRESSION, 1])
    return factory.make(
        "sensor_msgs/msg/CompressedImage",
        header=header(factory, stamp_ns, frame_id),
        format="mono8; png compressed mono8",
        data=np.asarray(data, np.uint8).reshape(-1),
    )


def decode_score(
    message: Any, image_size: tuple[int, int], source: str, scorer: str = ""
) -> ScoreMap:
    """The score map that ``encode_score`` quantised. Raises InputError naming ``source``."""
    data = np.frombuffer(message.data, np.uint8)
    problem = damage(data, source)
    grey = cv2.imdecode(data, cv2.IMREAD_GRAYSCALE) if data.size and not problem else None
    if grey is None:
        raise InputError(
            source, f"{data.size} bytes are no picture{problem}", "record the score map again"
        )
    rarity = np.asarray(grey, np.float32) * np.float32(RARITY_LIMIT / SCORE_STEPS)
    return ScoreMap(unrarity(rarity), image_size, scorer)
