"""What an unknown object might be called: a hint for people, beside the decision.

Nothing that judges reads a name. A hazard has the level that its place and motion give it, whatever
a model calls it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ..types import ObjectMask, ObjectMasks, UInt8


@dataclass(frozen=True, slots=True)
class Name:
    """label: empty when there is none, and why says the reason; confidence: in [0, 1]."""

    label: str = ""
    confidence: float = 0.0
    why: str = ""

    def __str__(self) -> str:
        if self.label:
            return f"{self.label} ({self.confidence:.0%})"
        return f"no name: {self.why}"


NO_MODEL = Name(why="no model for names is set (naming.model)")


class Namer(Protocol):
    @property
    def info(self) -> str:
        """Model and vocabulary, for reports."""
        ...

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> list[Name]:
        """A name for each of these masks of uint8 (H, W, 3) RGB."""
        ...


class NoNames:
    """Stands in where no model is set."""

    info = "none"

    def __call__(self, image: UInt8, masks: ObjectMasks, items: Sequence[ObjectMask]) -> list[Name]:
        return [NO_MODEL] * len(items)
