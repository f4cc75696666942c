"""The one tree of settings: ROS parameters, YAML files and the command line all read it.

Each leaf states its meaning, unit and bounds here and nowhere else. Dotted names of the leaves
(``fusion.ground.cell_m``) are the ROS parameter names.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from s2m_ros.documents import read_yaml, yaml_of
from s2m_ros.types import shortened


class ConfigError(ValueError):
    """A setting that cannot be used. The message names it, its bounds and the value that came."""


class Section(BaseModel):
    """A branch of the tree: immutable, and refuses names that it does not know."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)


def leaf(default: Any, description: str, unit: str = "", **bounds: Any) -> Any:
    """A setting with its description, unit and pydantic bounds (ge, gt, le, lt)."""
    return Field(default, description=description, json_schema_extra={"unit": unit}, **bounds)


class TensorRT(Section):
    """Engines that TensorRT makes for one machine (docs/tensorrt.md)."""

    precision: Literal["fp32", "fp16", "int8"] = leaf(
        "fp16",
        "Arithmetic; graphs that compute with pixel coordinates keep fp32, int8 is for the"
        " encoder alone",
    )
    calibration: str = leaf("", "File of `s2m models calibrate`, which int8 needs")
    boxes: int = leaf(
        24, "Boxes in one call of the mask decoder; more take several", "", ge=1, le=512
    )
    points: int = leaf(3, "Points of a box; not below prompting.points", "", ge=1, le=16)
    optimization_level: int = leaf(
        3, "Effort of building: 5 takes longest and runs fastest", "", ge=0, le=5
    )
    workspace_mb: int = leaf(1024, "Most memory for the work of one layer", "MB", ge=16, le=65536)
    cuda_graph: bool = leaf(False, "Record a call once and replay it: less work for the CPU")
    cache: str = leaf(
        "", "Folder of the engines; empty: s2m_ros/engines in $XDG_CACHE_HOME or ~/.cache"
    )
    missing: Literal["refuse", "build"] = leaf(
        "refuse",
        "Without an engine for this machine and these settings: refuse, or build one at the start,"
        " which takes minutes",
    )

    @model_validator(mode="after")
    def _int8_is_calibrated(self) -> TensorRT:
        if self.precision == "int8" and not self.calibration:
            raise ValueError("precision int8 needs calibration, a file of `s2m models calibrate`")
        return self


class Model(Section):
    path: str = leaf("apron_lite0", "Model folder, or the name of one under models/")
    width: int = leaf(
        0, "Width the image is resized to; 0 takes the model's own", "px", ge=0, le=8192
    )
    height: int = leaf(
        0, "Height the image is resized to; 0 takes the model's own", "px", ge=0, le=8192
    )
    least_scale: float = leaf(
        0.0, "The network sees at least this share of the image's side; width and height then are a"
        " number of pixels, and the image keeps its aspect", "", ge=0, le=1,
    )  # fmt: skip
    threads: int = leaf(2, "Threads of one inference session", "", ge=1, le=64)
    providers: list[str] = leaf(
        [
            "TensorrtExecutionProvider",
            "CUDAExecutionProvider",
            "OpenVINOExecutionProvider",
            "CPUExecutionProvider",
        ],
        "Execution providers in order of preference",
    )
    provider_policy: Literal["fallback", "require"] = leaf(
        "fallback", "What to do when the first provider is missing: warn and go on, or refuse"
    )
    device: int = leaf(0, "GPU that TensorRT and CUDA run on", "", ge=0, le=63)
    tensorrt: TensorRT = TensorRT()


class Prompting(Section):
    kind: Literal["topology", "learned", "both"] = leaf(
        "topology", "Prompts from the score map's topology, the model's learned boxes, or both"
    )
    floor: float = leaf(0.98, "Lowest ID quantile at which a region may start", "", ge=0, lt=1)
    contrast: float = leaf(
        0.5, "Least excess of a region over its surroundings", "decades of rarity", ge=0, lt=6
    )
    min_pixels: int = leaf(2, "Smallest region on the score map", "cells", ge=1)
    max_prompts: int = leaf(24, "Prompts per image; the strongest are kept", "", ge=1, le=512)
    points: int = leaf(3, "Points per prompt", "", ge=1, le=16)


class Selection(Section):
    min_evidence: float = leaf(
        0.0,
        "Least evidence of a mask; 0 takes the site's or the model's operating point",
        "",
        ge=0,
        le=1,
    )
    duplicate_iou: float = leaf(0.7, "IoU from which two masks are one object", "", gt=0, le=1)
    contained: float = leaf(
        0.85, "Share of a mask inside a stronger one from which it is a part", "", gt=0, le=1
    )
    max_masks: int = leaf(32, "Masks per image; the strongest are kept", "", ge=1, le=512)
    large_fraction: float = leaf(
        0.35, "Share of the image from which a mask is split or refused", "", gt=0, le=1
    )


class Perception(Section):
    scorer: str = leaf("learned", "Anomaly scorer, see `s2m models list`")
    segmenter: str = leaf("trunk", "Mask decoder: 'trunk', 'outline', or a model's folder")
    site: str = leaf("", "File of `s2m calibrate` for this site; empty: the model's own")
    model: Model = Model()
    prompting: Prompting = Prompting()
    selection: Selection = Selection()


class Ground(Section):
    height_m: float = leaf(
        0.0, "Height of the ground in base_link where nothing measured it", "m", ge=-5, le=5
    )
    cell_m: float = leaf(2.0, "Cell of the ground surface", "m", ge=0.2, le=20)
    max_slope: float = leaf(0.12, "Steepest ground", "m/m", gt=0, le=1)
    tolerance_m: float = leaf(
        0.06, "Height over the surface up to which a point is ground", "m", gt=0, le=1
    )
    max_range_m: float = leaf(80.0, "Ground is modelled up to here", "m", ge=5, le=300)


class LidarEvidence(Section):
    enabled: bool = leaf(True, "Report LiDAR clusters that no mask and no known class explains")
    max_range_m: float = leaf(30.0, "Clusters are sought up to here", "m", gt=0, le=300)
    min_height_m: float = leaf(0.08, "Least height of a cluster over the ground", "m", gt=0)
    max_size_m: float = leaf(6.0, "Larger clusters are structure", "m", gt=0)
    min_points: int = leaf(5, "Least points of a cluster", "", ge=1)
    cell_m: float = leaf(0.25, "Cell of the clustering grid", "m", ge=0.05, le=5)
    outside_view: bool = leaf(
        False, "Also report clusters that no camera sees, where no class can explain them"
    )


class Pairing(Section):
    backend: Literal["own", "message_filters"] = leaf("own", "Which pairing code runs")
    max_difference_ms: float = leaf(60.0, "Largest |image - sweep| of a pair", "ms", gt=0)
    timeout_ms: float = leaf(
        150.0, "An image without a sweep goes on alone after this, degraded", "ms", gt=0
    )
    offset_ms: float = leaf(0.0, "Added to LiDAR stamps before pairing", "ms")


class Fusion(Section):
    base_frame: str = leaf("base_link", "Frame of the vehicle (REP 105)")
    odom_frame: str = leaf("odom", "Frame that objects are published in")
    calibration_file: str = leaf("", "YAML with extrinsics; empty takes them from tf")
    rectified: bool = leaf(False, "The images are rectified: use P, ignore distortion")
    per_point_compensation: bool = leaf(False, "Undo ego motion point by point within a sweep")
    calibration_check: Literal["off", "lidar", "all"] = leaf(
        "all",
        "What is compared with its calibration, DEGRADED when it does not fit: the LiDAR's tilt, or"
        " the cameras' direction too",
    )
    max_range_m: float = leaf(80.0, "Objects beyond are dropped and counted", "m", gt=0, le=1000)
    depth_gap_m: float = leaf(0.6, "Gap in depth that splits object from background", "m", gt=0)
    merge_distance_m: float = leaf(
        0.8, "Objects of several cameras nearer than this are one", "m", gt=0
    )
    camera_height_sigma_m: float = leaf(0.03, "Uncertainty of the camera height", "m", gt=0)
    pitch_sigma_deg: float = leaf(0.25, "Uncertainty of the camera pitch", "deg", gt=0)
    ground: Ground = Ground()
    lidar_evidence: LidarEvidence = LidarEvidence()
    pairing: Pairing = Pairing()


class Tracking(Section):
    acceleration_sigma: float = leaf(1.5, "Process noise of a moving object", "m/s^2", gt=0)
    gate: float = leaf(0.997, "Probability mass inside the association gate", "", gt=0, lt=1)
    confirm_hits: int = leaf(3, "Detections needed to confirm (M of N)", "", ge=1, le=20)
    confirm_window: int = leaf(5, "Window of the confirmation (N)", "frames", ge=1, le=50)
    detection_probability: float = leaf(
        0.8, "Chance that an object in view is detected in a frame; a track's record refines it",
        "", gt=0, lt=1,
    )  # fmt: skip
    flat_max_m: float = leaf(
        3.0, "What has no height and is longer is ground: it stays unconfirmed", "m", gt=0
    )
    flat_points: int = leaf(
        40, "What so many LiDAR points show to have no height is ground as well", "", ge=3
    )
    clutter_per_m2: float = leaf(1e-3, "False detections per frame and area", "1/m^2", gt=0)
    coast_s: float = leaf(1.5, "A confirmed track lives at least this long unseen", "s", gt=0)
    hold_s: float = leaf(
        300.0, "A static object whose place no camera can see is remembered this long", "s", gt=0
    )
    hold_distance_m: float = leaf(40.0, "and while it is this near to the vehicle", "m", ge=0)
    stationary_speed: float = leaf(0.4, "Below this an object is modelled as static", "m/s", ge=0)


class Hazards(Section):
    policy_file: str = leaf("", "Rules, levels and words as YAML; empty: the packaged ones")
    zones_file: str = leaf("", "Zones as GeoJSON polygons in metres; empty: none")
    map_frame: str = leaf("map", "Frame of the zones that do not move with the vehicle")
    vehicle_length_m: float = leaf(4.0, "Length of the vehicle", "m", gt=0)
    vehicle_width_m: float = leaf(2.0, "Width of the vehicle", "m", gt=0)
    base_to_front_m: float = leaf(3.0, "From base_link to the front bumper", "m", ge=0)
    path_margin_m: float = leaf(0.5, "Added to each side of the ego path", "m", ge=0)


class Intake(Section):
    max_age_ms: float = leaf(
        500.0, "An image older than this when its turn comes is dropped", "ms", gt=0
    )
    frozen_ms: float = leaf(
        300.0, "A picture repeated bit by bit for so long means UNKNOWN; 0 never", "ms", ge=0,
        le=60_000,
    )  # fmt: skip
    input_timeout_ms: float = leaf(
        800.0, "Silence on an input after which the state is UNKNOWN", "ms", gt=0
    )
    transport: Literal["raw", "compressed"] = leaf("raw", "Image transport")


class Monitor(Section):
    hang_ms: float = leaf(
        700.0, "Silence of a node after which it counts as hung or dead", "ms", ge=500, le=60_000
    )
    loading_ms: float = leaf(
        10_000.0, "The same, while the node is loading a model", "ms", ge=500, le=600_000
    )
    start_ms: float = leaf(
        20_000.0, "Time that a node has for its first sign of life", "ms", ge=1000, le=600_000
    )


class Audit(Section):
    """What is stored of a drive so that every decision can be traced, and for how long."""

    folder: str = leaf("", "Folder of the audit store; empty: nothing is stored")
    keep: Literal["triggers", "all"] = leaf(
        "triggers", "Keep for good what lies around triggers, or everything"
    )
    keep_level: Literal["info", "caution", "warning", "critical"] = leaf(
        "warning", "Hazards from this level on are triggers"
    )
    near_miss_m: float = leaf(
        1.0, "What the moving vehicle passes nearer than this is a trigger", "m", ge=0
    )
    before_s: float = leaf(20.0, "Kept before a trigger", "s", ge=0)
    after_s: float = leaf(10.0, "Kept after a trigger", "s", ge=0)
    segment_s: float = leaf(10.0, "Length of one file", "s", gt=0)
    segment_mb: float = leaf(64.0, "Size from which the next file begins", "MB", gt=0)
    ring_s: float = leaf(3600.0, "What is not kept is deleted at this age", "s", gt=0)
    ring_mb: float = leaf(4000.0, "and when it is more than this", "MB", gt=0)
    min_free_mb: float = leaf(
        1000.0, "Free space below which the ring gives way, then storing stops", "MB", ge=0
    )
    picture_width: int = leaf(960, "Stored images are at most so wide; 0: none stored", "px", ge=0)
    picture_quality: int = leaf(80, "JPEG quality of stored images", "", ge=1, le=100)
    inputs: bool = leaf(
        False, "Store images, sweeps and odometry as they came, so that a drive can be run again "
        "from its store; many times the size",
    )  # fmt: skip
    queue: int = leaf(256, "Messages that may wait to be stored; beyond they are dropped", "", ge=1)


class Naming(Section):
    """What an unknown object might be called: a hint for people. No level depends on it."""

    model: str = leaf("", "Folder of a pair of image and text encoders; empty: no names")
    vocabulary_file: str = leaf(
        "", "YAML of names and the phrases that describe them; empty: the model's, or the apron's"
    )
    least_confidence: float = leaf(0.5, "Less certain names are not given", "", ge=0, le=1)


class Config(Section):
    """The whole tree, with the defaults of a desktop CPU."""

    camera: str = leaf("front", "Name of the camera that a camera node serves")
    cameras: list[str] = leaf(["front"], "Cameras that the fusion node listens to")
    perception: Perception = Perception()
    fusion: Fusion = Fusion()
    tracking: Tracking = Tracking()
    hazards: Hazards = Hazards()
    intake: Intake = Intake()
    monitor: Monitor = Monitor()
    audit: Audit = Audit()
    naming: Naming = Naming()


AT_START = ("camera", "cameras", "audit")
"""What a process is started for: its topics have the names."""
AT_ONCE = (
    "intake.max_age_ms",
    "intake.input_timeout_ms",
    "fusion.pairing.max_difference_ms",
    "fusion.pairing.timeout_ms",
    "fusion.pairing.offset_ms",
    "hazards.vehicle_length_m",
    "hazards.vehicle_width_m",
    "hazards.base_to_front_m",
    "hazards.path_margin_m",
    "monitor",
)
"""Settings, or whole branches, that a running node takes over between two messages. All others are
read when a node is configured."""


def applies(name: str) -> Literal["at start", "at configure", "at once"]:
    """When a running node takes a changed setting over."""
    if within(name, AT_START):
        return "at start"
    return "at once" if within(name, AT_ONCE) else "at configure"


def within(name: str, branches: Iterable[str]) -> bool:
    """Whether a dotted setting is one of these or lies in one of these branches."""
    return any(name == branch or name.startswith(f"{branch}.") for branch in branches)


PROFILES = Path(__file__).with_name("profiles")
"""Settings that come with the package: ``--config small`` reads profiles/small.yaml."""


def profile(path: Path) -> Path:
    """The packaged profile of that name when there is one and no such file; else the path."""
    packaged = PROFILES / f"{path}.yaml"
    return packaged if path.name == str(path) and packaged.is_file() and not path.exists() else path


def load(
    path: Path | None = None, overrides: Mapping[str, Any] | None = None, base: str = ""
) -> Config:
    """Read a YAML file or a profile (or the defaults) and lay dotted overrides over it.

    The file holds the tree as it is, or as a ROS parameter file wraps it for all nodes
    (``/**: ros__parameters:``), so that one file serves both. base: a profile or file below it.

    Raises ConfigError naming the setting, what it accepts and what came.
    """
    tree: dict[str, Any] = {}
    for file in (Path(base) if base else None, path):
        if file is not None:
            _lay(tree, _read(profile(Path(file))))
    for name, value in (overrides or {}).items():
        _set(tree, name, value)
    try:
        return Config.model_validate(tree)
    except ValidationError as error:
        raise ConfigError("\n".join(_explain(error, path))) from error


def _read(path: Path) -> dict[str, Any]:
    try:
        tree = read_yaml(path) or {}
    except FileNotFoundError as error:
        names = ", ".join(sorted(file.stem for file in PROFILES.glob("*.yaml")))
        raise ConfigError(f"{path}: no such file, and no profile: those are {names}") from error
    except (OSError, ValueError) as error:
        raise ConfigError(f"{path}: not a readable YAML file: {error}") from error
    if not isinstance(tree, dict):
        raise ConfigError(f"{path}: expected a mapping of settings, got {type(tree).__name__}")
    return _unwrap(tree, path)


def _lay(tree: dict[str, Any], over: Mapping[str, Any]) -> None:
    """Lay one tree over another, branch by branch."""
    for name, value in over.items():
        if isinstance(value, dict) and isinstance(tree.get(name), dict):
            _lay(tree[name], value)
        else:
            tree[name] = value


def leaves(config: Section | None = None, prefix: str = "") -> Iterator[tuple[str, Any, Any]]:
    """Yield (dotted name, value, pydantic FieldInfo) of each setting, in declaration order."""
    section = Config() if config is None else config
    for name, info in type(section).model_fields.items():
        value = getattr(section, name)
        if isinstance(value, Section):
            yield from leaves(value, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}", value, info


def parse_overrides(pairs: Iterable[str]) -> dict[str, Any]:
    """``{dotted name: value}`` of pairs ``name=value`` as a person types them; values are YAML."""
    result = {}
    for pair in pairs:
        name, found, value = pair.partition("=")
        if not (name and found):
            raise ConfigError(f"setting: expected name=value, got {pair!r}")
        try:
            result[name] = yaml_of(value) if value else ""
        except ValueError as error:
            raise ConfigError(f"{name}: {value!r} is not a YAML value: {error}") from error
    return result


def _unwrap(tree: dict[str, Any], path: Path) -> dict[str, Any]:
    if not any(isinstance(b, dict) and "ros__parameters" in b for b in tree.values()):
        return tree
    if list(tree) != ["/**"]:
        raise ConfigError(
            f"{path}: expected settings for all nodes under '/**', got {', '.join(tree)}: a file "
            "with other node names goes to the nodes with --params-file"
        )
    settings = tree["/**"]["ros__parameters"] or {}
    if not isinstance(settings, dict):
        raise ConfigError(f"{path}: ros__parameters: expected a mapping of settings")
    return dict(settings)


def _set(tree: dict[str, Any], dotted: str, value: Any) -> None:
    *branches, last = dotted.split(".")
    for branch in branches:
        tree = tree.setdefault(branch, {})
        if not isinstance(tree, dict):
            raise ConfigError(f"{dotted}: '{branch}' is a setting, not a section")
    tree[last] = value


_TOLD = 20
"""Problems of a file that are told at once."""


def _explain(error: ValidationError, path: Path | None) -> Iterator[str]:
    for problem in error.errors()[:_TOLD]:
        name = ".".join(str(part) for part in problem["loc"])
        got = shortened(repr(problem.get("input")))
        said = problem["msg"]
        if problem["type"] == "extra_forbidden":
            said = "no such setting, see docs/parameters.md"
        yield f"{path or 'settings'}: {shortened(name)}: {said}, got {got}"
