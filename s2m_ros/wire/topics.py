"""Names of the topics, relative to the vehicle's namespace. Absolute names start with a slash."""

from __future__ import annotations

POINTS = "points"
ODOM = "odom"
TF = "/tf"
TF_STATIC = "/tf_static"
CLOCK = "/clock"
DIAGNOSTICS = "/diagnostics"
OBJECTS = "s2m/objects"
HAZARDS = "s2m/hazards"
MARKERS = "s2m/markers"
DETECTIONS = "s2m/detections"
HEALTH = "s2m/health"
PULSE = "s2m/pulse"
TRACKS = "s2m/tracks"
TRIGGERS = "s2m/audit/triggers"


def image(camera: str, transport: str = "raw") -> str:
    """The image topic of a camera; transport is 'raw' or 'compressed'."""
    name = f"camera/{camera}/image_raw"
    return f"{name}/compressed" if transport == "compressed" else name


def camera_info(camera: str) -> str:
    return f"camera/{camera}/camera_info"


def masks(camera: str) -> str:
    return f"s2m/{camera}/masks"


def score(camera: str) -> str:
    return f"s2m/{camera}/score"


def overlay(camera: str) -> str:
    return f"s2m/{camera}/overlay/compressed"


def candidates(camera: str) -> str:
    return f"s2m/{camera}/candidates"


def score_picture(camera: str) -> str:
    """The score map in 255 steps of grey (``wire/candidates.py``)."""
    return f"s2m/{camera}/score/grey"


def score_png(camera: str) -> str:
    """The same as stores of format 1 have it: a PNG."""
    return f"s2m/{camera}/score/compressed"


def picture(camera: str) -> str:
    """The image as the audit store keeps it: JPEG."""
    return f"s2m/{camera}/picture/compressed"
