"""Scenarios: small declarative files that say what stands where, what moves and what looks on.

Positions are metres in the odometry frame (x forward at the start, y left), angles degrees.
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cached_property
from importlib import resources
from pathlib import Path
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator
from typing_extensions import Self

from s2m_ros.documents import read_yaml
from s2m_ros.types import InputError, shortened

Point = tuple[float, float]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class Surface(_Part):
    """The pavement. stains, cracks, tyre_marks, patches, puddles: amount, 1 is usual."""

    kind: Literal["concrete", "asphalt"] = "concrete"
    tone: float = Field(1.0, gt=0, le=2, description="Brightness of the base")
    slab_m: float = Field(6.0, gt=0.5)
    wetness: float = Field(0.0, ge=0, le=1, description="0 dry, 1 a film of water everywhere")
    puddles: float = Field(0.0, ge=0)
    stains: float = Field(1.0, ge=0)
    cracks: float = Field(1.0, ge=0)
    tyre_marks: float = Field(1.0, ge=0)
    patches: float = Field(1.0, ge=0)


class Marking(_Part):
    """Paint on the ground."""

    kind: Literal[
        "taxi_line",
        "stand_line",
        "edge",
        "red_line",
        "white_line",
        "dashed",
        "hatch",
        "number",
        "stop_bar",
    ]
    points: list[Point]
    text: str = ""
    yaw_deg: float = 0.0
    height_m: float = 1.6
    wear: float = Field(0.3, ge=0, le=1)


class Region(_Part):
    """A piece of ground that is not apron."""

    kind: Literal["grass", "road", "pavement"]
    points: list[Point]


class Relief(_Part):
    """The shape of the ground; level without. Far from its bends the ground is straight.

    Along x it rises by grade (m/m) from grade_at_m on, across y it falls by crown (m/m) to both
    sides of crown_at_m; bend_m: over which distance it turns from one slope to the other.
    """

    grade: float = Field(0.0, ge=-0.1, le=0.1)
    grade_at_m: float = 12.0
    crown: float = Field(0.0, ge=-0.1, le=0.1)
    crown_at_m: float = 0.0
    bend_m: float = Field(4.0, ge=0.5, le=50)


class Lamp(_Part):
    """A floodlight at a place over the ground, that lights a cone about the point it aims at."""

    at: tuple[float, float, float]
    aim: Point
    power: float = Field(1.0, gt=0, description="1 is usual on a stand")
    spread_deg: float = Field(55.0, gt=5, le=89, description="Half angle of the cone")
    colour: str = Field("ffe8c4", pattern="^[0-9a-f]{6}$", description="sRGB")


class Light(_Part):
    preset: Literal["noon", "afternoon", "low_sun", "overcast", "dusk", "night"] = "afternoon"
    sun_azimuth_deg: float = Field(140.0, description="Direction towards the sun, from +x to +y")
    sun_elevation_deg: float | None = Field(None, ge=1, le=89)
    clouds: float | None = Field(None, ge=0, le=1)
    visibility_m: float = Field(6000.0, gt=20)
    lamps: list[Lamp] = []
    headlights: float = Field(0.0, ge=0, description="Of the own vehicle, 1 is usual")


class Weather(_Part):
    """rain: 0 none, 1 heavy: streaks in pictures; near returns, lost and fainter ones in the
    LiDAR. spray: thrown up behind what drives on wet ground. Wet ground is the surface's."""

    rain: float = Field(0.0, ge=0, le=1)
    spray: float = Field(0.0, ge=0, le=1)


class Path2D(_Part):
    """A smooth way through points, followed at speed_mps from start_s on; it stops at the end."""

    points: list[Point] = Field(min_length=2)
    speed_mps: float = Field(2.0, gt=0)
    start_s: float = 0.0


class Actor(_Part):
    """One thing of the catalogue, at a place or on a way."""

    kind: str
    name: str = ""
    at: Point | None = None
    yaw_deg: float = 0.0
    path: Path2D | None = None
    scale: float = Field(1.0, gt=0, le=10)
    seed: int | None = Field(None, description="Shape and colour; else from the scenario's seed")
    known: bool | None = Field(None, description="In use: truth counts it as known")

    @model_validator(mode="after")
    def _placed(self) -> Self:
        if (self.at is None) == (self.path is None):
            raise ValueError("expected either 'at' or 'path'")
        return self


class CameraSensor(_Part):
    """A camera at position in base_link, pitch down positive.

    field_of_view_deg sets the focal length as if there were no distortion (for equidistant: as
    if the angle grew with the radius). distortion as in camera_info: plumb_bob takes 5 numbers,
    rational_polynomial 8, equidistant 4. It must grow monotonously out to the corners.
    """

    name: str = "front"
    width: int = Field(960, ge=32, le=4096)
    height: int = Field(540, ge=32, le=4096)
    field_of_view_deg: float = Field(72.0, gt=5, lt=190, description="Horizontal")
    model: Literal["plumb_bob", "rational_polynomial", "equidistant"] = "plumb_bob"
    distortion: tuple[float, ...] = ()
    position: tuple[float, float, float] = (1.7, 0.0, 1.62)
    yaw_deg: float = 0.0
    pitch_deg: float = 7.0
    rate_hz: float = Field(10.0, gt=0)
    phase_ms: float = Field(0.0, description="Taken, and stamped, so much after the sweep's middle")
    exposure_ms: float = Field(4.0, ge=0, le=100, description="Blurs what moves")
    exposure_ev: float = Field(0.0, ge=-4, le=4, description="Under- (-) or overexposed, stops")
    noise: float = Field(1.0, ge=0, description="Sensor noise, 1 is usual")
    blur_px: float = Field(0.55, ge=0, description="Standard deviation at a width of 960")


class LidarSensor(_Part):
    """A spinning LiDAR, stamped when it faces forward, at position in base_link."""

    beams: int = Field(64, ge=1, le=256)
    columns: int = Field(1800, ge=8)
    elevation_deg: tuple[float, float] = (-24.0, 4.0)
    pattern: Literal["even", "dense_middle"] = Field(
        "even", description="Spacing of the beams; dense_middle packs them about the horizon"
    )
    max_range_m: float = Field(120.0, gt=1)
    position: tuple[float, float, float] = (1.2, 0.0, 1.95)
    range_sigma_m: float = Field(0.015, ge=0)
    dropout: float = Field(0.01, ge=0, le=1)
    offset_ms: float = Field(0.0, description="Added to the stamps: an error of synchronisation")


class Odometry(_Part):
    """How odometry errs. The odometry frame is what it states, so that truth drifts along."""

    rate_hz: float = Field(50.0, gt=0)
    scale_error: float = Field(0.0, ge=-0.2, le=0.2, description="Of distance and speed")
    yaw_drift_deg_per_m: float = Field(0.0, ge=-5, le=5)
    speed_sigma_mps: float = Field(0.0, ge=0, description="Noise of the stated speed")


class Scenario(_Part):
    """``camera`` is what all cameras share. ``cameras`` names those there are and what is special
    about each; without it there is one, of the shared name."""

    name: str
    description: str = ""
    duration_s: float = Field(8.0, gt=0)
    seed: int = 0
    surface: Surface = Surface()
    relief: Relief = Relief()
    light: Light = Light()
    weather: Weather = Weather()
    ego: Path2D
    camera: CameraSensor = CameraSensor()
    cameras: dict[str, dict[str, Any]] = {}
    lidar: LidarSensor = LidarSensor()
    odometry: Odometry = Odometry()
    markings: list[Marking] = []
    regions: list[Region] = []
    actors: list[Actor] = []

    @model_validator(mode="after")
    def _check(self) -> Self:
        rates = {view.rate_hz for view in self.views}
        if len(rates) > 1:
            raise ValueError(f"cameras: expected one rate_hz, got {sorted(rates)}")
        return self

    @cached_property
    def views(self) -> tuple[CameraSensor, ...]:
        """All cameras, in the order of the file."""
        if not self.cameras:
            return (self.camera,)
        shared = self.camera.model_dump()
        return tuple(
            CameraSensor.model_validate(shared | own | {"name": name})
            for name, own in self.cameras.items()
        )

    def save(self, path: Path) -> None:
        """Write the scenario as a file that ``load`` reads, defaults left out."""
        tree = self.model_dump(mode="json", exclude_defaults=True)
        path.write_text(yaml.safe_dump(tree, sort_keys=False, default_flow_style=None))


def names() -> list[str]:
    """Scenarios that come with the package."""
    folder = resources.files("s2m_ros.sim") / "scenarios"
    return sorted(f.name[:-5] for f in folder.iterdir() if f.name.endswith(".yaml"))


def load(name_or_path: str | Path, overrides: Mapping[str, Any] | None = None) -> Scenario:
    """A scenario of the package by name, or any YAML file.

    Raises InputError when there is no such scenario, or naming the entry that is wrong.
    """
    path = Path(name_or_path)
    if path.suffix in (".yaml", ".yml"):
        source = str(path)
        if not path.is_file():
            raise InputError(
                source, "no such file", "give a scenario file or a name of `s2m sim --list`"
            )
        read = path
    else:
        source = str(name_or_path)
        if source not in names():
            raise InputError(source, "no such scenario", f"take one of {', '.join(names())}")
        read = Path(str(resources.files("s2m_ros.sim") / "scenarios" / f"{source}.yaml"))
    try:
        tree = read_yaml(read)
    except (OSError, ValueError) as error:
        raise InputError(source, f"not readable as YAML: {error}", "mend the file") from error
    if not isinstance(tree, dict):
        raise InputError(
            source, f"expected a mapping, got {type(tree).__name__}", "see `s2m sim --list`"
        )
    for dotted, value in (overrides or {}).items():
        branch = tree
        *parents, leaf = dotted.split(".")
        for parent in parents:
            branch = branch.setdefault(parent, {})
        branch[leaf] = value
    try:
        return Scenario.model_validate(tree)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise InputError(
            source,
            f"{where}: {first['msg']}, got {shortened(repr(first.get('input')))}",
            "mend the entry",
        ) from error
