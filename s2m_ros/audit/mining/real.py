"""Which real object a specimen is, where the drive was simulated: only to measure the mining."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from s2m_ros.audit.mining.specimen import Specimen, Truth, View
from s2m_ros.bags import BagReader
from s2m_ros.types import InputError
from s2m_ros.wire.geometry import stamp_ns
from s2m_ros.wire.truth import TRUTH, decode_instances, decode_truth, instances

LEAST_SHARE = 0.5
"""A mask shows an object when so much of it does."""
NOTHING = Truth(-1, "nothing", "nothing", 0)


class Reality:
    """The ground truth of a simulated bag. Raises InputError when it has none."""

    def __init__(self, bag: Path) -> None:
        self._bag = bag
        self._objects: dict[int, Truth] = {}
        if not bag.exists() or str(bag) in ("", "."):
            raise InputError(str(bag), "the bag of this store is gone", "mine without --truth")
        with BagReader(bag) as reader:
            for message in reader.messages([TRUTH]):
                for item in decode_truth(reader.decode(message)).items:
                    before = self._objects.get(item.id)
                    span = max(item.span_px, before.span_px if before else 0)
                    self._objects[item.id] = Truth(item.id, item.name, item.category, span)
        if not self._objects:
            raise InputError(str(bag), "it has no ground truth", "mine without --truth")

    def told(self, specimens: Iterable[Specimen]) -> list[Specimen]:
        """The specimens with the object that most of their views show."""
        members = list(specimens)
        votes: dict[str, Counter[int]] = {one.key: Counter() for one in members}
        at = {(view.camera, view.stamp_ns) for one in members for view in one.views}
        names = {"/" + instances(camera): camera for camera, _ in at}
        with BagReader(self._bag) as reader:
            for message in reader.messages(names):
                value = reader.decode(message)
                key = names[message.topic], stamp_ns(value.header.stamp)
                if key not in at:
                    continue
                ids = decode_instances(value)
                for one in members:
                    for view in one.views:
                        if (view.camera, view.stamp_ns) == key:
                            votes[one.key][shown(view, ids)] += 1
        return [replace(one, truth=self._of(votes[one.key])) for one in members]

    def _of(self, votes: Counter[int]) -> Truth:
        if not votes:
            return NOTHING
        best = max(sorted(votes), key=lambda number: votes[number])
        return self._objects.get(best, NOTHING)


def shown(view: View, ids: NDArray[np.uint16]) -> int:
    """The object that most of a mask covers in a picture of ids (H, W), -1 for none."""
    full = np.zeros(view.grid_size[::-1], np.uint8)
    h, w = view.bits.shape
    full[view.y : view.y + h, view.x : view.x + w] = view.bits
    inside = ids[cv2.resize(full, ids.shape[::-1], interpolation=cv2.INTER_NEAREST) > 0]
    if not inside.size:
        return -1
    counts = np.bincount(inside)
    best = int(counts.argmax())
    return best if best and counts[best] >= LEAST_SHARE * inside.size else -1
