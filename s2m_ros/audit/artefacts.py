"""Everything that is made from a finished run: figures, film, 3D recording, report."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from s2m_ros.audit.drive import load_drive
from s2m_ros.audit.recording import write_recording
from s2m_ros.audit.report import write_report
from s2m_ros.audit.summary import Summary, summarise
from s2m_ros.audit.video import write_video
from s2m_ros.fusion.calibration import Rig

Step = Callable[[str, float], None]
"""Called with what is being done and the share of it that is done."""


@dataclass(frozen=True, slots=True)
class Artefacts:
    """What lies in the output folder. recording and video are None where their package is
    missing; notes say so."""

    summary: Summary
    bag: Path
    report: Path
    recording: Path | None
    video: Path | None
    notes: tuple[str, ...]


def make_artefacts(
    bag: Path,
    out: Path,
    *,
    title: str,
    rig: Rig | None = None,
    notes: Sequence[str] = (),
    step: Step = lambda what, share: None,
) -> Artefacts:
    """Write summary.json, overlay.mp4, recording.rrd and report.html into ``out``.

    bag holds inputs and outputs. Raises BagError when it has no results.
    """
    step("reading the results", 0.0)
    drive = load_drive(bag, rig)
    summary = summarise(drive)
    said = list(notes)
    (out / "summary.json").write_text(
        json.dumps(summary.as_dict(), indent=1, allow_nan=False) + "\n"
    )
    video = None
    for camera in drive.cameras:
        if not drive.images[camera]:
            continue
        name = "overlay" if len(drive.cameras) == 1 else f"overlay_{camera}"
        try:
            made = write_video(
                drive,
                out / name,
                camera,
                advance=lambda done, total: step("drawing the film", done / total),
            )
        except RuntimeError as error:
            said.append(f"no film: {error}")
            break
        video = video or made
    recording: Path | None = out / "recording.rrd"
    try:
        assert recording is not None
        write_recording(
            drive,
            recording,
            advance=lambda done, total: step("recording the 3D view", done / total),
        )
    except ImportError:
        recording = None
        said.append("no 3D recording: rerun-sdk is not installed")
    step("writing the report", 0.0)
    report = write_report(
        drive,
        summary,
        out / "report.html",
        title=title,
        notes=said,
        video=video,
        files=_files(bag, recording, video, out),
    )
    step("writing the report", 1.0)
    return Artefacts(summary, bag, report, recording, video, tuple(said))


def _files(bag: Path, recording: Path | None, video: Path | None, out: Path) -> dict[str, str]:
    files = {
        f"{bag.name}/": "all inputs and outputs; open with Foxglove, RViz (ros2 bag play) or mcap"
    }
    if recording is not None:
        files[recording.name] = "3D view with clouds, boxes and tracks; open with: rerun"
    if video is not None:
        files[video.name] = "the film"
    files["summary.json"] = "the figures of this page for programs"
    if (out / "calibration.yaml").is_file():
        files["calibration.yaml"] = "extrinsics and intrinsics that were used"
    if (out / "logs").is_dir():
        files["logs/"] = "what each node printed"
    return files
