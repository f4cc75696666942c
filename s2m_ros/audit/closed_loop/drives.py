"""Rendered drives, kept on disk: the same scenario, seed and simulator are rendered once."""

from __future__ import annotations

import hashlib
import os
import shutil
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import s2m_ros
from s2m_ros.bags import BagReader
from s2m_ros.sim.bag import write_bag
from s2m_ros.sim.drive import frame_count
from s2m_ros.sim.scenario import Scenario
from s2m_ros.wire.truth import TRUTH, TruthFrame, decode_truth

_CODECS = ("camera_info", "factory", "geometry", "image", "odometry", "pointcloud", "tf", "truth")
_RENDERED_BY = (
    "sim",
    *(f"wire/{name}.py" for name in _CODECS),
    "bags/writer.py",
    "fusion/camera.py",
    "fusion/transforms.py",
)
"""What of the package decides the content of a drive."""

_PACKAGE = Path(s2m_ros.__file__).parent


@dataclass(frozen=True, slots=True)
class Drive:
    """A rendered drive. key: of its content; seconds: how much of it is used."""

    path: Path
    key: str
    seconds: float

    def truth(self) -> dict[int, TruthFrame]:
        """What is really there, by stamp."""
        result: dict[int, TruthFrame] = {}
        with BagReader(self.path) as bag:
            for message in bag.messages([TRUTH]):
                if message.stamp_ns > self.end_ns(bag):
                    break
                frame = decode_truth(bag.decode(message))
                result[frame.stamp_ns] = frame
        return result

    def end_ns(self, bag: BagReader) -> int:
        """The last recorded time that is used."""
        return bag.start_ns + round(self.seconds * 1e9)


def rendered(
    scenario: Scenario,
    cache: Path,
    *,
    frames: int | None = None,
    workers: int = 1,
    advance: Callable[[int, int], None] = lambda done, total: None,
) -> Drive:
    """The drive of a scenario, out of the cache or rendered into it.

    frames: only the first so many, for which any longer rendering serves. A drive that was not
    finished is rendered anew.
    """
    key = _hash(scenario.model_dump_json(), source_hash(_RENDERED_BY))
    whole = frame_count(scenario)
    wanted = min(frames or whole, whole)
    rate_hz = whole / scenario.duration_s
    seconds = (wanted - 0.5) / rate_hz
    folder = cache / "drives"
    for path in sorted(folder.glob(f"{scenario.name}-{key}-*")):
        if int(path.name.rpartition("-")[2]) >= wanted:
            return Drive(path, key, seconds)
    target = folder / f"{scenario.name}-{key}-{wanted}"
    begun = folder / f".{os.getpid()}" / target.name
    try:
        write_bag(
            begun,
            scenario,
            duration_s=wanted / rate_hz,
            workers=workers,
            advance=advance,
            overwrite=True,
        )
        begun.rename(target)
    finally:
        shutil.rmtree(begun.parent, ignore_errors=True)
    return Drive(target, key, seconds)


def source_hash(parts: Iterable[str]) -> str:
    """Hash of the package's own source: folders and files below it."""
    files = [
        path
        for part in parts
        for path in ([_PACKAGE / part] if part.endswith(".py") else (_PACKAGE / part).rglob("*"))
        if path.suffix in (".py", ".yaml") and path.parent.name != "scenarios"
    ]
    return _hash(*(path.read_bytes().decode() for path in sorted(files)))


def _hash(*texts: str) -> str:
    return hashlib.sha256("\0".join(texts).encode()).hexdigest()[:16]
