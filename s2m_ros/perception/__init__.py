"""One camera, one frame: from the image to the masks of all unknown objects in it."""

from .interfaces import (
    Candidate,
    Candidates,
    Encoder,
    Encoding,
    Frame,
    PerceptionError,
    Prompter,
    Scorer,
    Segmenter,
    Verdict,
)
from .overlay import draw
from .pipeline import Perception

__all__ = [
    "Candidate",
    "Candidates",
    "Encoder",
    "Encoding",
    "Frame",
    "Perception",
    "PerceptionError",
    "Prompter",
    "Scorer",
    "Segmenter",
    "Verdict",
    "draw",
]
