"""At which stage an object was lost, by what each stage itself said of that instant.

The stages are asked from the last to the first; the object was lost by the one after the last that
had it:

* ``policy``: a confirmed track stands for it and was not published;
* ``track``: an object in space stands for it, but no confirmed track;
* ``lift``: a mask shows it, but no object in space stands for it;
* ``mask``: a prompt points at it, but no mask of its own was kept;
* ``prompt``: the score rises over the prompting floor on it, but no prompt points at it;
* ``score``: the score stays under the floor on it.

A mask shows an object, and a prompt points at it, from an IoU of the boxes of ``SAME_IOU`` on; a
mask counts for one object alone. An object that LiDAR evidence alone puts into space has no need
of a mask; while the scorer is off there is nothing else, and ``lift`` comes first.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import linear_sum_assignment

from s2m_ros.audit.closed_loop.loop import Instant
from s2m_ros.audit.closed_loop.phantoms import FIRST_ID
from s2m_ros.audit.truth import distances
from s2m_ros.perception.interfaces import Frame
from s2m_ros.perception.overlap import pairwise_iou
from s2m_ros.types import Float64, Role, TrackState
from s2m_ros.wire.truth import TruthObject

STAGES = ("score", "prompt", "mask", "lift", "track", "policy")
SAME_IOU = 0.1
MERGED = ("duplicate", "part_of_other")


@dataclass(frozen=True, slots=True)
class Loss:
    """stage: one of ``STAGES``; detail: what that stage says of it, '' when nothing."""

    stage: str
    detail: str = ""


class Inquest:
    """What the stages said at one instant of the unknown objects that are there.

    floor: the score from which a prompt may start; scored: the scorer was on.
    """

    def __init__(self, instant: Instant, floor: float, scored: bool = True) -> None:
        self._instant, self._floor, self._scored = instant, floor, scored
        self._items = [item for item in instant.truth.items if item.role == Role.UNKNOWN]
        self._rows = {item.id: i for i, item in enumerate(self._items)}
        tracks = instant.tracks.items if instant.tracks is not None else ()
        tentative = [t for t in tracks if t.state == TrackState.TENTATIVE]
        confirmed = [t for t in tracks if t.state != TrackState.TENTATIVE]
        objects = [o for o in instant.objects.items if o.role == Role.UNKNOWN]
        self._confirmed, self._tentative, self._objects = (
            _paired(-distances(things, self._items), least=-np.inf)
            for things in (confirmed, tentative, objects)
        )
        self._masks: dict[str, Mapping[int, int]] = {}
        for camera, frame in instant.frames.items():
            real = [m.box if m.id < FIRST_ID else m.box * 0 for m in frame.masks.items]
            boxes = np.array(real, float).reshape(-1, 4)
            self._masks[camera] = _paired(pairwise_iou(self._boxes(camera), boxes))

    def loss(self, item: TruthObject) -> Loss:
        """Where an unknown object that no published confirmed hazard stands for was lost."""
        row = self._rows[item.id]
        if row in self._confirmed:
            return Loss("policy")
        if row in self._objects:
            waiting = row in self._tentative
            return Loss("track", "tentative" if waiting else "no track")
        if not self._scored:
            return Loss("lift", "no cluster")
        losses = [
            self._in_image(row, item.views[camera].box, camera, frame)
            for camera, frame in self._instant.frames.items()
            if camera in item.views
        ]
        if not losses:
            return Loss("score", "no image")
        return max(losses, key=lambda loss: STAGES.index(loss.stage))

    def shown(self, item: TruthObject) -> bool:
        """Whether a kept mask shows an unknown object."""
        row = self._rows[item.id]
        return any(row in pairs for pairs in self._masks.values())

    def _in_image(
        self, row: int, box: tuple[int, int, int, int], camera: str, frame: Frame
    ) -> Loss:
        """``lift`` or an earlier stage, by what one camera saw."""
        if row in self._masks[camera]:
            mask = frame.masks.items[self._masks[camera][row]]
            ours = [
                o for o in self._instant.objects.items
                if o.camera == camera and o.mask_id == mask.id
            ]  # fmt: skip
            return Loss("lift", "in a wrong place" if ours else "dropped or merged")
        target = np.array([box], float)
        prompts = np.asarray(frame.prompts.boxes, float)
        pointed = (pairwise_iou(target, prompts)[0] >= SAME_IOU) | _holds(target[0], frame)
        if len(prompts) and pointed.any():
            return Loss("mask", self._why_no_mask(target, pointed, frame))
        highest = highest_score(frame, box)
        if highest >= self._floor:
            return Loss("prompt")
        return Loss("score", "low" if highest > 0.9 else "none")

    def _why_no_mask(self, target: Float64, pointed: NDArray[np.bool_], frame: Frame) -> str:
        """The reason that selection gave for the best of the masks that answered the prompts.

        What was merged into another mask went the way of that one, which comes first.
        """
        asked = set(np.flatnonzero(pointed).tolist())
        of_it = [v for v in frame.candidates if v.candidate.prompt in asked]
        if not of_it:
            return "no candidate"
        decided = [v for v in of_it if v.reason not in MERGED] or of_it
        best = max(decided, key=lambda verdict: verdict.evidence)
        return best.reason or "not its shape"

    def _boxes(self, camera: str) -> Float64:
        """Boxes of the unknown objects in an image, float64 (N, 4); empty ones of the unseen."""
        return np.array(
            [i.views[camera].box if camera in i.views else (0, 0, 0, 0) for i in self._items], float
        ).reshape(-1, 4)


def highest_score(frame: Frame, box: tuple[int, int, int, int]) -> float:
    """The highest score in a box of image pixels, of the cells that it touches."""
    scores = frame.score.scores
    h, w = scores.shape
    sx, sy = w / frame.score.image_size[0], h / frame.score.image_size[1]
    x0, y0 = int(np.floor(box[0] * sx)), int(np.floor(box[1] * sy))
    x1, y1 = int(np.ceil(box[2] * sx)), int(np.ceil(box[3] * sy))
    inside = scores[max(y0, 0) : max(y1, y0 + 1), max(x0, 0) : max(x1, x0 + 1)]
    return float(inside.max(initial=0.0))


def _holds(box: Float64, frame: Frame) -> NDArray[np.bool_]:
    """Which prompts are smaller than the box and have a point in it."""
    points, labels = frame.prompts.points, frame.prompts.point_labels
    inside = ((points >= box[:2]) & (points <= box[2:])).all(axis=2) & (labels > 0)
    size = frame.prompts.boxes[:, 2:] - frame.prompts.boxes[:, :2]
    return np.asarray(inside.any(axis=1) & (size.prod(axis=1) <= (box[2:] - box[:2]).prod()))


def _paired(value: Float64, least: float = SAME_IOU) -> dict[int, int]:
    """{row: column}, one to one, of the greatest sum of values; only values from ``least`` on."""
    if not value.size:
        return {}
    possible = np.isfinite(value) & (value >= least)
    rows, columns = linear_sum_assignment(np.where(possible, value, -1e6), maximize=True)
    return {int(i): int(j) for i, j in zip(rows, columns, strict=True) if possible[i, j]}
