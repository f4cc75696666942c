"""What the stages of perception hand to each other, and what each stage must offer.

image -> Encoder -> Encoding -> Scorer -> ScoreMap -> Prompter -> Prompts -> Segmenter -> Candidates
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from ..types import Bool, Float32, ObjectMasks, Prompts, RoleMap, ScoreMap, UInt8


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """What one pass of the network says of one image.

    image: uint8 (H, W, 3) RGB, as it came; network_input: uint8 (1, h', w', 3), the resized image.
    anomaly: float32 (h, w) logit of the learned head, or None; logits: float32 (C, h, w) of the
    known classes, or None; features: float32 (1, D, h, w) by name. Sizes are (width, height).
    """

    image: UInt8
    network_input: UInt8
    anomaly: Float32 | None
    logits: Float32 | None
    features: Mapping[str, Float32] = field(default_factory=dict)

    @property
    def image_size(self) -> tuple[int, int]:
        return self.image.shape[1], self.image.shape[0]

    @property
    def input_size(self) -> tuple[int, int]:
        return self.network_input.shape[2], self.network_input.shape[1]


@dataclass(frozen=True, slots=True, eq=False)
class Candidate:
    """One proposed mask: a patch on the mask grid, and what the segmenter thinks of it.

    prompt: row of the ``Prompts`` it answers; x, y: top left cell; bits: bool (h, w);
    stability: area at a stricter over area at a laxer threshold, in [0, 1].
    """

    prompt: int
    x: int
    y: int
    bits: Bool
    predicted_iou: float
    stability: float


@dataclass(frozen=True, slots=True, eq=False)
class Candidates:
    """Every mask proposed for an image, on a grid of grid_size (width, height)."""

    grid_size: tuple[int, int]
    items: tuple[Candidate, ...]


@dataclass(frozen=True, slots=True, eq=False)
class Verdict:
    """What selection decided of a candidate: kept (reason empty) or dropped for a reason."""

    candidate: Candidate
    evidence: float
    reason: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """Everything perception found in one image, and how long each step took.

    raw: float32 (h, w), the score before calibration.
    """

    masks: ObjectMasks
    score: ScoreMap
    raw: Float32
    prompts: Prompts
    candidates: tuple[Verdict, ...]
    timings_ms: Mapping[str, float]


class Encoder(Protocol):
    @property
    def info(self) -> Mapping[str, str]:
        """Model, version, hashes and execution provider, for diagnostics."""
        ...

    def encode(self, image: UInt8) -> Encoding:
        """Run the network once on uint8 (H, W, 3) RGB."""
        ...

    def roles(self, encoding: Encoding) -> RoleMap | None:
        """The known class of each cell, as a role; None when the model knows no classes."""
        ...


class Scorer(Protocol):
    @property
    def name(self) -> str: ...

    def raw(self, encoding: Encoding) -> Float32:
        """The uncalibrated score, float32 (h, w), growing with abnormality."""
        ...

    def calibrate(self, raw: Float32, image_size: tuple[int, int]) -> ScoreMap:
        """The score map of a raw score: its place among normal pixels (``calibration.py``)."""
        ...


class Prompter(Protocol):
    def __call__(self, score: ScoreMap, roles: RoleMap | None) -> Prompts: ...


class Segmenter(Protocol):
    @property
    def info(self) -> Mapping[str, str]: ...

    def __call__(self, encoding: Encoding, prompts: Prompts) -> Candidates: ...


class PerceptionError(RuntimeError):
    """Perception could not be set up. The message says what is missing and what to do."""


def empty_prompts(points: int = 1) -> Prompts:
    none = np.zeros(0, np.float32)
    return Prompts(
        np.zeros((0, 4), np.float32),
        np.zeros((0, points, 2), np.float32),
        np.zeros((0, points), np.float32),
        none,
        none,
    )
