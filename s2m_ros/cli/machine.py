"""What this machine has, piece by piece, and what to do where something is missing.

Each check returns findings; nothing here prints, and nothing heavy is imported only to see
whether it is there.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.metadata
import importlib.util
import os
import platform
import shutil
import sys
import xml.etree.ElementTree as ElementTree
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from s2m_ros.cli.share import PROFILE_VARIABLES, shared

PYTHON_SUPPORTED = ((3, 10), (3, 13))
DISTRIBUTIONS = ("humble", "jazzy", "lyrical")
KERNEL = {  # as in launch/config/60-s2m.conf
    "net.core.rmem_max": 2147483647,
    "net.core.rmem_default": 16777216,
    "net.ipv4.ipfrag_high_thresh": 134217728,
    "net.ipv4.ipfrag_time": 3,
}
INSTALLED = "installed"  # without saying which version
MIB = 1 << 20
SHARED_MEMORY_MIB = 256  # one segment of 64 MB a process, three nodes and a player


class Level(Enum):
    OK = "ok"
    NOTE = "note"
    """Optional and absent."""
    WARN = "warn"
    """Works, but worse than it could."""
    FAIL = "fail"
    """Part of the product does not run on this machine."""


@dataclass(frozen=True)
class Finding:
    """One thing looked at: what is there, how good that is, what to do about it."""

    section: str
    name: str
    level: Level
    value: str
    remedy: str = ""


def examine() -> list[Finding]:
    """All checks. A check that breaks is itself a finding, so that the others still speak."""
    findings: list[Finding] = []
    for section, check in CHECKS:
        try:
            findings += check()
        except Exception as error:
            message = f"{type(error).__name__}: {error}"
            findings.append(Finding(section, check.__name__.strip("_"), Level.FAIL, message))
    return findings


def _machine() -> Iterator[Finding]:
    section = "machine"
    version = sys.version_info[:2]
    yield Finding(
        section,
        "system",
        Level.OK,
        f"{_system_name()}, {platform.machine()}, {os.cpu_count()} cores",
    )
    low, high = PYTHON_SUPPORTED
    supported = low <= version <= high
    yield Finding(
        section,
        "Python",
        Level.OK if supported else Level.WARN,
        f"{platform.python_version()} ({sys.executable})",
        "" if supported else "tested on 3.10 to 3.13",
    )
    memory = Path("/dev/shm")
    if memory.is_dir():
        free = shutil.disk_usage(memory).free // MIB
        enough = free >= SHARED_MEMORY_MIB
        yield Finding(
            section,
            "/dev/shm",
            Level.OK if enough else Level.WARN,
            f"{free} MiB free",
            ""
            if enough
            else f"images travel through it: {SHARED_MEMORY_MIB} MiB or more; in a "
            "container --shm-size=512m or --ipc=host",
        )

    yield _clock(section)


def _clock(section: str) -> Finding:
    """Whether the kernel takes its clock for synchronised (adjtimex(2), Linux)."""
    size_of_timex, error = 208, 5
    state = ctypes.CDLL(None).adjtimex(ctypes.create_string_buffer(size_of_timex))
    if state < 0:
        return Finding(section, "clock", Level.NOTE, "not readable here")
    if state != error:
        return Finding(section, "clock", Level.OK, "synchronised")
    return Finding(
        section, "clock", Level.NOTE, "not synchronised",
        "for sensors that stamp by clocks of their own: run chrony, or PTP (linuxptp); see "
        "clock.CAMERA.lidar_behind_ms in /diagnostics",
    )  # fmt: skip


def _ros() -> Iterator[Finding]:
    section = "ROS 2"
    rclpy = importlib.util.find_spec("rclpy")
    if rclpy is None or rclpy.origin is None:
        yield Finding(
            section, "rclpy", Level.FAIL, "not found",
            "make setup (ROS 2 as wheels), or source a ROS 2 distribution; `s2m run` works without",
        )  # fmt: skip
        return
    wheels = importlib.util.find_spec("ros_wheels_bootstrapper") is not None
    distribution = os.environ.get("ROS_DISTRO") or _wheels_distribution() or "unknown"
    source = "wheels of the Python environment" if wheels else str(Path(rclpy.origin).parents[4])
    known = distribution in DISTRIBUTIONS
    yield Finding(
        section, "distribution", Level.OK if known else Level.WARN, f"{distribution}, {source}",
        "" if known else f"written for {', '.join(DISTRIBUTIONS)}: source one of them",
    )  # fmt: skip
    yield from _middleware(section)
    messages = importlib.util.find_spec("s2m_msgs")
    if messages is None or messages.origin is None:
        yield Finding(
            section, "s2m_msgs", Level.FAIL, "not built",
            "make setup, or: cd ros2_ws && colcon build && . install/setup.bash",
        )  # fmt: skip
    else:
        yield Finding(section, "s2m_msgs", Level.OK, str(Path(messages.origin).parent))
    domain = os.environ.get("ROS_DOMAIN_ID", "0")
    yield Finding(section, "discovery", Level.OK, f"{_reach()}, domain {domain}")


def _wheels_distribution() -> str:
    return next((d for d in DISTRIBUTIONS if _version(f"ros-{d}-rclpy") != INSTALLED), "")


def _middleware(section: str) -> Iterator[Finding]:
    try:
        from rclpy.utilities import get_rmw_implementation_identifier

        name = get_rmw_implementation_identifier()
    except Exception as error:
        yield Finding(
            section, "RMW", Level.FAIL, f"does not load: {str(error).splitlines()[0]}",
            "run through .venv/bin/s2m or tools/env, or source the distribution's setup.bash",
        )  # fmt: skip
        return
    yield Finding(section, "RMW", Level.OK, name)
    if "fastrtps" in name:
        yield _profile(section)


def _profile(section: str) -> Finding:
    """Whether Fast DDS was told to use shared memory that holds an image."""
    name = "Fast DDS profile"
    remedy = (
        f"export {PROFILE_VARIABLES[0]}={shared('launch/config/fastdds.xml')} for the sensors' "
        "nodes too (s2m and the launch files set it); else readers lose half of the images"
    )
    file = next((os.environ[v] for v in PROFILE_VARIABLES if os.environ.get(v)), "")
    if not file:
        return Finding(section, name, Level.WARN, "not set", remedy)
    try:
        tree = ElementTree.parse(file)
    except (OSError, ElementTree.ParseError) as error:
        return Finding(section, name, Level.FAIL, f"{file}: {error}", remedy)
    sizes = [int(e.text or 0) for e in tree.iter() if e.tag.endswith("segment_size")]
    if max(sizes, default=0) < 16 * MIB:
        return Finding(section, name, Level.WARN, f"{file}: no shared memory of 16 MiB", remedy)
    return Finding(section, name, Level.OK, f"{max(sizes) // MIB} MiB of shared memory, {file}")


def _kernel() -> Iterator[Finding]:
    """Buffers for large messages between machines; on one machine shared memory carries them."""
    gap = Level.NOTE if _reach() == "LOCALHOST" else Level.WARN
    for name, advised in KERNEL.items():
        file = Path("/proc/sys") / name.replace(".", "/")
        try:
            value = int(file.read_text())
        except (OSError, ValueError):
            yield Finding("kernel", name, Level.NOTE, "not readable here")
            continue
        # Fragments should live short; of the buffers an eighth of the advice already helps.
        good = value <= advised if name.endswith("_time") else value >= advised // 8
        remedy = f"for sensors on another machine: sudo sysctl -w {name}={advised}"
        yield Finding("kernel", name, Level.OK if good else gap, str(value), "" if good else remedy)


def _reach() -> str:
    """How far DDS discovery reaches from here."""
    local = "LOCALHOST" if os.environ.get("ROS_LOCALHOST_ONLY") == "1" else "SUBNET"
    return os.environ.get("ROS_AUTOMATIC_DISCOVERY_RANGE") or local


def _inference() -> Iterator[Finding]:
    section = "inference"
    try:
        import onnxruntime
    except ImportError as error:
        yield Finding(
            section, "ONNX Runtime", Level.FAIL, str(error),
            "pip install onnxruntime, or onnxruntime-gpu beside an NVIDIA GPU",
        )  # fmt: skip
        return
    from s2m_ros.runtime.session import offered

    providers = [name.removesuffix("ExecutionProvider") for name in offered()]
    yield Finding(section, "ONNX Runtime", Level.OK, str(onnxruntime.__version__))
    idle_gpu = _gpu() and not {"CUDA", "Tensorrt"} & set(providers)
    yield Finding(
        section, "providers", Level.WARN if idle_gpu else Level.OK, ", ".join(providers),
        "there is an NVIDIA GPU that none of them uses: pip uninstall onnxruntime, then "
        "pip install onnxruntime-gpu" if idle_gpu else "",
    )  # fmt: skip
    yield Finding(section, "NVIDIA GPU", Level.OK if _gpu() else Level.NOTE, _gpu() or "none")


def _models() -> Iterator[Finding]:
    from s2m_ros.config import Config
    from s2m_ros.runtime.manifest import available, read, verify
    from s2m_ros.types import InputError

    default = Config().perception.model.path
    folders = available()
    for folder in folders:
        try:
            manifest = read(folder)
            for entry in manifest.files.values():
                verify(folder / entry.path, entry)
        except InputError as error:
            yield Finding("models", folder.name, Level.FAIL, error.problem, error.remedy)
            continue
        hashes = ", ".join(f"{part} {e.sha256[:12]}" for part, e in manifest.files.items())
        yield Finding(
            "models", manifest.name, Level.OK, f"{manifest.version}, intact: {hashes} in {folder}"
        )
    if default not in (folder.name for folder in folders):
        yield Finding(
            "models", default, Level.FAIL, "not found",
            "the default model: take the repository whole, or train it with make model",
        )  # fmt: skip


OPTIONAL = (
    # module, distribution package of pip, what it is for, how to get it
    ("launch_ros", "", "ros2 launch", "part of a ROS 2 installation; `s2m up` starts the same"),
    ("tf2_ros", "", "transforms from tf", "part of a ROS 2 installation; without it our own"
     " listener on /tf and the calibration file serve"),
    ("message_filters", "", "fusion.pairing.backend=message_filters",
     "part of a ROS 2 installation"),
    ("cv_bridge", "", "image encodings beyond our own codec",
     "apt install ros-$ROS_DISTRO-cv-bridge"),
    ("vision_msgs", "", "Detection3DArray output", "apt install ros-$ROS_DISTRO-vision-msgs"),
    ("torch", "torch", "training", "pip install torch==2.13.0"),
    ("segment_anything", "segment-anything", "export of SAM decoders",
     "pip install segment-anything"),
    ("tensorrt", "tensorrt", "TensorRT engines", "pip install tensorrt (NVIDIA GPU)"),
    ("open3d", "open3d", "reference in a test", "pip install open3d; it needs libusb-1.0-0"),
    ("rerun", "rerun-sdk", "recordings of a replay", "pip install rerun-sdk"),
)  # fmt: skip


def _optional() -> Iterator[Finding]:
    for module, package, purpose, remedy in OPTIONAL:
        spec = importlib.util.find_spec(module)
        if spec is None or spec.origin is None:
            yield Finding("optional", module, Level.NOTE, f"absent ({purpose})", remedy)
            continue
        if module == "open3d" and ctypes.util.find_library("usb-1.0") is None:
            yield Finding(
                "optional", module, Level.WARN, "installed, but libusb is missing",
                "apt install libusb-1.0-0",
            )  # fmt: skip
            continue
        yield Finding("optional", module, Level.OK, f"{_version(package or module)} ({purpose})")


def _version(package: str) -> str:
    try:
        return importlib.metadata.version(package)
    except importlib.metadata.PackageNotFoundError:
        return INSTALLED


def _gpu() -> str:
    """Name of the first NVIDIA GPU, from the driver or, on Jetson, from the device tree."""
    for file in sorted(Path("/proc/driver/nvidia/gpus").glob("*/information")):
        for line in file.read_text().splitlines():
            if line.startswith("Model:"):
                return line.partition(":")[2].strip()
    tree = Path("/proc/device-tree/model")
    model = tree.read_text().strip("\0\n") if tree.exists() else ""
    return model if "Jetson" in model or "NVIDIA" in model else ""


def _system_name() -> str:
    try:
        return platform.freedesktop_os_release().get("PRETTY_NAME", platform.system())
    except OSError:
        return platform.system()


CHECKS: tuple[tuple[str, Callable[[], Iterator[Finding]]], ...] = (
    ("machine", _machine),
    ("ROS 2", _ros),
    ("kernel", _kernel),
    ("inference", _inference),
    ("models", _models),
    ("optional", _optional),
)
