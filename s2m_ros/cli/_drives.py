"""The drive of commands that take a bag or make one."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from s2m_ros.cli._narrator import Narrator

FRAMES = 100


def simulated(scenario: str, out: Path, narrator: Narrator) -> Path:
    """The first frames of a scenario as a bag: out of the cache beside ``out``, or rendered."""
    from s2m_ros.audit.closed_loop.drives import rendered
    from s2m_ros.sim import scenario as sim

    drive = rendered(
        sim.load(scenario),
        out.parent / "cache",
        frames=FRAMES,
        advance=lambda done, total: narrator("simulating the drive", done / total),
    )
    return drive.path
