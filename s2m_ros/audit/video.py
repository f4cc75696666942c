"""The drive as a film: the camera's view with hazards beside the view from above."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np

from s2m_ros.audit.drive import Drive
from s2m_ros.audit.frames import FrameView, frame_views
from s2m_ros.audit.scene import camera_view, top_view
from s2m_ros.audit.style import INK, LEVELS, MUTED, PANEL, STATES, Lettering
from s2m_ros.types import Level, State, UInt8

BAR = 40
WIDE = 2.0
"""Images wider than this (times their height) get the view from above below them."""


def write_video(
    drive: Drive,
    path: Path,
    camera: str,
    *,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Path:
    """Write the film of a camera beside ``path`` (without suffix); returns the file.

    H.264 in .mp4 where imageio-ffmpeg is installed, else VP8 in .webm by OpenCV. Browsers play
    both. Raises RuntimeError where neither encoder is there.
    """
    total = len(drive.images[camera])
    target = path.with_suffix(".mp4" if _has_ffmpeg() else ".webm")
    with _encoder(target, _rate(drive, camera)) as add:
        for done, view in enumerate(frame_views(drive, camera)):
            add(compose(view, drive, camera))
            advance(done + 1, total)
    return target


def compose(view: FrameView, drive: Drive, camera: str) -> UInt8:
    """One picture of the film, uint8 (H, W, 3) with even sides."""
    height, width = view.image.shape[:2]
    if width > WIDE * height:
        left = camera_view(view.image, view.masks, view.hazards, drive.rig, camera, 1280)
        top = top_view((1280, 400), view.hazards, view.points, view.trails, sideways=True)
        body = np.vstack([left, top])
    else:
        left = camera_view(view.image, view.masks, view.hazards, drive.rig, camera, 960)
        top = top_view((400, left.shape[0]), view.hazards, view.points, view.trails)
        body = np.hstack([left, top])
    picture = np.vstack([_bar(view, drive, body.shape[1]), body])
    return picture[: picture.shape[0] // 2 * 2, : picture.shape[1] // 2 * 2]


def _bar(view: FrameView, drive: Drive, width: int) -> UInt8:
    letters = Lettering(np.full((BAR, width, 3), PANEL, np.uint8))
    state = view.hazards.state if view.hazards is not None else State.UNKNOWN
    letters.text(14, BAR / 2, f"t = {drive.seconds(view.stamp_ns):5.1f} s", INK, 16, "lm")
    x = 130.0
    letters.pill(x, 8, state.name, STATES[state], 15)
    x += letters.size(state.name, 15)[0] + 10
    for level in reversed(Level):
        items = view.hazards.items if view.hazards is not None else ()
        if count := sum(h.level == level for h in items):
            text = f"{count} {level.name}"
            letters.pill(x, 8, text, LEVELS[level], 15)
            x += letters.size(text, 15)[0] + 8
    reason = view.hazards.reason if view.hazards is not None else "no hazards yet"
    note = reason if state != State.OK else ("" if view.answered else "frame skipped, hazards held")
    letters.text(x + 6, BAR / 2, _short(note, 120), MUTED, 13, "lm")
    return letters.done()


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else text[: limit - 3].rstrip() + "..."


def _rate(drive: Drive, camera: str) -> float:
    stamps = sorted(drive.images[camera])
    gaps = np.diff(stamps)
    period_s = float(np.median(gaps)) * 1e-9 if len(gaps) else 0.1
    return float(np.clip(1 / max(period_s, 1e-3), 1, 60))


def _has_ffmpeg() -> bool:
    try:
        import imageio_ffmpeg

        imageio_ffmpeg.get_ffmpeg_exe()
    except (ImportError, RuntimeError):
        return False
    return True


@contextmanager
def _encoder(path: Path, rate: float) -> Iterator[Callable[[UInt8], None]]:
    if path.suffix == ".mp4":
        with _h264(path, rate) as add:
            yield add
    else:
        with _vp8(path, rate) as add:
            yield add


@contextmanager
def _h264(path: Path, rate: float) -> Iterator[Callable[[UInt8], None]]:
    import imageio_ffmpeg

    stream = None

    def add(picture: UInt8) -> None:
        nonlocal stream
        if stream is None:
            stream = imageio_ffmpeg.write_frames(
                str(path),
                (picture.shape[1], picture.shape[0]),
                fps=rate,
                macro_block_size=2,
                quality=None,
                output_params=["-crf", "25", "-preset", "veryfast", "-movflags", "+faststart"],
            )
            stream.send(None)
        stream.send(np.ascontiguousarray(picture))

    try:
        yield add
    finally:
        if stream is not None:
            stream.close()


@contextmanager
def _vp8(path: Path, rate: float) -> Iterator[Callable[[UInt8], None]]:
    writer: cv2.VideoWriter | None = None

    def add(picture: UInt8) -> None:
        nonlocal writer
        if writer is None:
            size = (picture.shape[1], picture.shape[0])
            writer = cv2.VideoWriter(str(path), cv2.VideoWriter.fourcc(*"VP80"), rate, size)
            if not writer.isOpened():
                raise RuntimeError("no video encoder: install imageio-ffmpeg")
        writer.write(cv2.cvtColor(picture, cv2.COLOR_RGB2BGR))

    try:
        yield add
    finally:
        if writer is not None:
            writer.release()
