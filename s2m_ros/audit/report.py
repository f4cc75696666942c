"""One page that tells a safety engineer what a drive came to: self-contained HTML.

The template escapes every text; drawings and pictures are embedded.
"""

from __future__ import annotations

import base64
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import cv2
from markupsafe import Markup

from s2m_ros.audit import svg
from s2m_ros.audit.drive import Drive
from s2m_ros.audit.frames import FrameView, frame_views
from s2m_ros.audit.page import template
from s2m_ros.audit.scene import camera_view
from s2m_ros.audit.style import LEVELS, STATES, hexed, readable_on
from s2m_ros.audit.summary import Summary, latencies_ms, reasons_of_states
from s2m_ros.audit.truth import DOUBLE, DUE_FRAMES, DUE_PIXELS, DUE_RANGE_M, FALSE, GATE_M
from s2m_ros.types import Evidence, Level, State, UInt8

PICTURES = 6
VIDEO_LIMIT_BYTES = 24_000_000
TRUTH_RULE = (
    f"A confirmed hazard and a real unknown object are paired, one to one, when the gap between "
    f"their outlines on the ground is at most {GATE_M:g} m. An object is due on frames where it is "
    f"ahead within {DUE_RANGE_M:g} m and at least {DUE_PIXELS} pixels large; one that was due on "
    f"{DUE_FRAMES} frames and never paired is missed. A track counts by most of its frames; tracks "
    f"on aircraft, vehicles, persons and structures are listed apart, neither found nor false."
)
KINDS = {"object": "on a real unknown object", DOUBLE: "second track on one", FALSE: "false"}


def write_report(
    drive: Drive,
    summary: Summary,
    path: Path,
    *,
    title: str,
    notes: Sequence[str] = (),
    video: Path | None = None,
    files: Mapping[str, str] | None = None,
) -> Path:
    """Write the page; ``files`` names what lies beside it and says what each is for."""
    gallery = [p for camera in drive.cameras for p in _gallery(drive, camera)]
    wide = any(v["wide"] for v in gallery)
    embed = video is not None and video.stat().st_size <= VIDEO_LIMIT_BYTES
    context: dict[str, Any] = {
        "title": title,
        "subtitle": _subtitle(drive, summary),
        "verdict": ". ".join(_sentence(line) for line in summary.lines()) + ".",
        "figures": _figures(summary),
        "notes": [*notes, *drive.problems[:20]],
        "hazards": _hazards(drive, summary),
        "gallery": gallery,
        "gallery_width": 520 if wide else 340,
        "video": _base64(video.read_bytes()) if embed and video is not None else "",
        "video_name": video.name if video is not None else "",
        "video_type": "video/mp4" if video is not None and video.suffix == ".mp4" else "video/webm",
        "plan": Markup(svg.plan(drive)),
        "plan_hint": _plan_hint(drive),
        "levels": [{"name": v.name, "colour": hexed(LEVELS[v])} for v in reversed(Level)],
        "states": [{"name": s.name, "colour": hexed(STATES[s])} for s in State],
        "truth": _truth(summary),
        "truth_rule": TRUTH_RULE,
        "timeline": Markup(svg.timeline(svg.state_rows(drive), drive.duration_ns * 1e-9)),
        "reasons": [
            {
                "state": state,
                "reason": reason,
                "count": count,
                "colour": hexed(STATES[State[state]]),
            }
            for (state, reason), count in reasons_of_states(drive.hazards).items()
        ],
        "histogram": Markup(svg.histogram(latencies_ms(drive))),
        "cameras": [
            {"name": c, "frames": n, "answered": summary.answered.get(c, 0)}
            for c, n in summary.frames.items()
        ],
        "drops": [
            {"where": where, "what": what.replace("_", " "), "count": count}
            for where, counts in summary.drops.items()
            for what, count in sorted(counts.items(), key=lambda item: -item[1])
        ],
        "files": [{"name": name, "what": what} for name, what in (files or {}).items()],
        "about": sorted(drive.about.items()),
    }
    path.write_text(template("report.html.j2").render(context))
    return path


def choose_moments(drive: Drive, camera: str, count: int = PICTURES) -> list[int]:
    """Stamps of the frames to show: each confirmed track at its nearest while the camera sees it,
    worst first, at least a second apart; filled up evenly over the drive."""
    with_masks = {m.value.stamp_ns for m in drive.masks if m.value.camera == camera}
    best: dict[int, tuple[int, float, int]] = {}
    for array in drive.hazards:
        if array.value.stamp_ns not in with_masks:
            continue
        for h in array.value.items:
            if h.track.camera == camera and h.track.last_ns == array.value.stamp_ns:
                key = (-int(h.level), h.distance_m, array.value.stamp_ns)
                best[h.track.id] = min(best.get(h.track.id, key), key)
    chosen: list[int] = []
    stamps = sorted(with_masks)
    evenly = [stamps[round(k * (len(stamps) - 1) / 4)] for k in range(5)] if stamps else []
    for stamp in [*(s for *_, s in sorted(best.values())), *evenly]:
        if len(chosen) < count and all(abs(stamp - c) >= 1_000_000_000 for c in chosen):
            chosen.append(stamp)
    return sorted(chosen)


def _gallery(drive: Drive, camera: str) -> list[dict[str, Any]]:
    shown = []
    for view in frame_views(drive, camera, set(choose_moments(drive, camera)), with_points=False):
        picture = camera_view(view.image, view.masks, view.hazards, drive.rig, camera, 960)
        shown.append(
            {
                "caption": _caption(drive, view, camera),
                "data": _base64(_jpeg(picture)),
                "wide": picture.shape[1] > 2 * picture.shape[0],
            }
        )
    return shown


def _caption(drive: Drive, view: FrameView, camera: str) -> str:
    items = view.hazards.items if view.hazards is not None else ()
    worst = max(items, key=lambda h: (h.level, -h.distance_m), default=None)
    text = f"{drive.seconds(view.stamp_ns):.1f} s, camera {camera}"
    return (
        f"{text}. {_sentence(worst.text)}" if worst is not None else f"{text}. No confirmed hazard"
    )


def _figures(summary: Summary) -> list[dict[str, str]]:
    result = []

    def add(value: str, name: str, kind: str = "") -> None:
        result.append({"value": value, "name": name, "kind": kind})

    if summary.score is not None:
        s = summary.score
        total = s.found + s.missed
        add(f"{s.found} of {total}", "unknown objects found", "bad" if s.missed else "good")
        add(str(s.missed), "missed", "bad" if s.missed else "good")
        add(str(s.false), "false hazards", "bad" if s.false else "good")
        add(str(sum(s.on_known.values())), "on known objects")
    else:
        add(str(sum(summary.tracks.values())), "confirmed hazards")
        add(str(summary.tracks.get("CRITICAL", 0)), "of them critical")
    total = sum(summary.frames.values())
    got = sum(summary.answered.values())
    share = f"{100 * got / total:.0f} %" if total else "none"
    add(share, f"of {total} frames processed", "good" if got == total else "warn")
    whole = summary.latencies.get("camera to marker")
    if whole is not None:
        add(f"{whole.p50:.0f} ms", "camera to marker, p50")
        add(f"{whole.p95:.0f} ms", "camera to marker, p95")
    ok = summary.states.get("OK", 0.0)
    add(f"{100 * ok:.0f} %", "of the time in state OK", "good" if ok > 0.95 else "warn")
    return result


def _hazards(drive: Drive, summary: Summary) -> list[dict[str, Any]]:
    kinds = summary.score.tracks if summary.score is not None else {}
    names = {
        track: verdict.name
        for verdict in (summary.score.objects if summary.score is not None else ())
        for track in verdict.tracks
    }
    rows = []
    for path in svg.paths_of(drive):
        track, hazard = path.worst.track, path.worst
        kind = kinds.get(path.track_id, "")
        colour = LEVELS[path.level]
        rows.append(
            {
                "id": path.track_id,
                "level": path.level.name,
                "colour": hexed(colour),
                "ink": hexed(readable_on(colour)),
                "text": path.text,
                "reasons": hazard.reasons,
                "distance": f"{hazard.distance_m:.1f}",
                "size": f"{track.size[0]:.1f} x {track.size[1]:.1f}",
                "height": f"{track.height:.2f}",
                "evidence": _evidence(track.evidence),
                "seen": f"{(track.last_ns - track.first_ns) * 1e-9:.1f}",
                "truth": names.get(path.track_id, kind) if kind == "object" else kind,
            }
        )
    return rows


def _truth(summary: Summary) -> dict[str, Any] | None:
    if summary.score is None:
        return None
    objects = []
    for verdict in summary.score.objects:
        result = "found" if verdict.found else "missed"
        objects.append(
            {
                "name": verdict.name,
                "result": result,
                "colour": "#1f8a56" if verdict.found else "#c8323a",
                "range": f"{verdict.first_range_m:.1f}" if verdict.found else "",
                "error": f"{verdict.error_m:.2f}" if verdict.found else "",
                "tracks": ", ".join(f"#{t}" for t in verdict.tracks),
            }
        )
    counts: dict[str, int] = {}
    for kind in summary.score.tracks.values():
        name = KINDS.get(kind, f"on a known object: {kind}")
        counts[name] = counts.get(name, 0) + 1
    kinds = [{"name": name, "count": count} for name, count in counts.items()]
    return {"objects": objects, "kinds": kinds}


def _evidence(evidence: Evidence) -> str:
    names = [e.name.lower() for e in Evidence if e and e in evidence and e.name]
    return ", ".join(names) or "none"


def _subtitle(drive: Drive, summary: Summary) -> str:
    how = {
        "live": "played live through the nodes over DDS",
        "lockstep": "worked off in lockstep, every frame",
    }.get(drive.mode, "recorded")
    cameras = ", ".join(drive.cameras) or "none"
    return f"{summary.duration_s:.1f} s, cameras: {cameras}; {how}"


def _plan_hint(drive: Drive) -> str:
    if any(a.value.ego is not None for a in drive.hazards):
        return (
            "The drive in the odometry frame; dashed grey is the way of the vehicle, boxes stand "
            "where each track was at its worst, lines are where it has been."
        )
    return (
        "The vehicle's own frame: there was no odometry, so what stands still moves towards the "
        "vehicle. Boxes stand where each track was at its worst."
    )


def _sentence(text: str) -> str:
    return text[:1].upper() + text[1:]


def _jpeg(picture: UInt8) -> bytes:
    bgr = cv2.cvtColor(picture, cv2.COLOR_RGB2BGR)
    _, data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, 84])
    return bytes(data)


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
