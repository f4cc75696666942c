"""The machine that figures were taken on."""

from __future__ import annotations

import importlib.metadata
import os
import platform
import time
from pathlib import Path

_PACKAGES = ("numpy", "opencv-python-headless", "onnxruntime", "openvino", "torch", "torchvision")


def about() -> dict[str, str]:
    return {
        "processor": _processor(),
        "cores": str(os.cpu_count()),
        "load": " ".join(f"{value:.2f}" for value in os.getloadavg()),
        "system": f"{platform.system()} {platform.release()}, Python {platform.python_version()}",
        "packages": ", ".join(filter(None, map(_version, _PACKAGES))),
        "date": time.strftime("%Y-%m-%d"),
    }


def sentence(machine: dict[str, str]) -> str:
    return (
        f"{machine['processor']}, {machine['cores']} cores, load {machine['load']} at the start; "
        f"{machine['system']}; {machine['packages']}; {machine['date']}."
    )


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text().splitlines()
    except OSError:
        lines = []
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor() or platform.machine()


def _version(package: str) -> str:
    try:
        return f"{package} {importlib.metadata.version(package)}"
    except importlib.metadata.PackageNotFoundError:
        return ""
