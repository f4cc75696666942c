"""visualization_msgs/MarkerArray from marker specifications, serialised.

Thirty markers are a thousand message values, and the middleware reads every field of them again.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from s2m_ros.hazards.markers import MarkerSpec
from s2m_ros.wire.cdr import CdrWriter

MARKERS = "visualization_msgs/msg/MarkerArray"


def encode_markers(stamp_ns: int, frame_id: str, specs: Sequence[MarkerSpec]) -> bytes:
    """One MarkerArray, all markers with this stamp and frame."""
    out = CdrWriter()
    out.pack("I", len(specs))
    for spec in specs:
        _put(out, stamp_ns, frame_id, spec)
    return out.finish()


def _put(out: CdrWriter, stamp_ns: int, frame_id: str, spec: MarkerSpec) -> None:
    out.header(stamp_ns, frame_id)
    out.text(spec.ns)
    out.pack("3i", spec.id, spec.type, spec.action)
    half = spec.yaw / 2
    turn = 0.0, 0.0, math.sin(half), math.cos(half)
    out.pack("10d", *spec.position, *turn, *spec.scale)
    out.pack("4f", *spec.color)
    out.stamp(round(spec.lifetime_s * 1e9))
    out.pack("B", 0)  # frame_locked
    out.pack("I", 0 if spec.points is None else len(spec.points))
    if spec.points is not None:
        out.numbers(spec.points, counted=False)
    out.pack("I", 0)  # colors
    out.text("")  # texture_resource, and texture:
    out.header(0, "")
    out.text("")
    out.pack("2I", 0, 0)  # its data, and uv_coordinates
    out.text(spec.text)
    out.text("")  # mesh_resource, and mesh_file:
    out.text("")
    out.pack("I", 0)
    out.pack("B", 0)  # mesh_use_embedded_materials
