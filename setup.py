"""The package as colcon and pip install it. package.xml holds name, version and description."""

import xml.etree.ElementTree as ElementTree
from pathlib import Path

from setuptools import find_packages, setup

ROOT = Path(__file__).resolve().parent
SHARE = Path("share/s2m_ros")
SHARED_SUFFIXES = {
    ".py", ".yaml", ".rviz", ".json", ".geojson", ".xml", ".conf", ".service", ".onnx", ".md"
}  # fmt: skip

manifest = ElementTree.parse(ROOT / "package.xml").getroot()


def shared(folder):
    """(destination, files) of each folder below one that nodes and launch files look up."""
    files = [p for p in sorted((ROOT / folder).rglob("*")) if p.suffix in SHARED_SUFFIXES]
    files = [p.relative_to(ROOT) for p in files if "training" not in p.parts]
    for parent in sorted({p.parent for p in files}):
        yield str(SHARE / parent), [str(p) for p in files if p.parent == parent]


def data_of(package):
    """Files of a package that are not code, relative to it."""
    return [
        str(p.relative_to(ROOT / package))
        for p in sorted((ROOT / package).rglob("*"))
        if p.is_file() and p.suffix not in (".py", ".pyc")
    ]


setup(
    name=manifest.findtext("name"),
    version=manifest.findtext("version"),
    description=manifest.findtext("description"),
    license=manifest.findtext("license"),
    packages=find_packages(include=["s2m_ros", "s2m_ros.*"]),
    package_data={"s2m_ros": data_of("s2m_ros")},
    data_files=[
        ("share/ament_index/resource_index/packages", ["resource/s2m_ros"]),
        (str(SHARE), ["package.xml"]),
        *shared("launch"),
        *shared("models"),
    ],
    entry_points={
        "console_scripts": [
            "camera_node = s2m_ros.nodes.__main__:camera_node",
            "fusion_node = s2m_ros.nodes.__main__:fusion_node",
            "tracker_node = s2m_ros.nodes.__main__:tracker_node",
            "monitor_node = s2m_ros.nodes.__main__:monitor_node",
            "audit_node = s2m_ros.nodes.__main__:audit_node",
            "vehicle_node = s2m_ros.nodes.__main__:vehicle_node",
            "s2m = s2m_ros.cli.main:main",
        ],
    },
    zip_safe=False,
)
