"""RViz and Foxglove show topics that the nodes have, of the types that the displays take."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from s2m_ros.hazards.markers import NAMESPACES
from s2m_ros.nodes.ports import PORTS
from s2m_ros.wire import topics
from s2m_ros.wire.factory import load_typestore

ROOT = Path(__file__).parents[2]
RVIZ = yaml.safe_load((ROOT / "launch" / "rviz" / "s2m.rviz").read_text())
FOXGLOVE = json.loads((ROOT / "launch" / "foxglove" / "s2m.json").read_text())
CAMERA = "front"

TAKES = {
    "rviz_default_plugins/PointCloud2": {"sensor_msgs/msg/PointCloud2"},
    "rviz_default_plugins/MarkerArray": {"visualization_msgs/msg/MarkerArray"},
    "rviz_default_plugins/Image": {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"},
    "3D": {"sensor_msgs/msg/PointCloud2", "visualization_msgs/msg/MarkerArray"},
    "Image": {"sensor_msgs/msg/Image", "sensor_msgs/msg/CompressedImage"},
    "DiagnosticSummary": {"diagnostic_msgs/msg/DiagnosticArray"},
}


SPOKEN = {
    port.topic(CAMERA): port.kind
    for node in PORTS.values()
    for port in (*node.inputs, *node.outputs)
}


def test_the_nodes_were_read() -> None:
    assert SPOKEN[topics.MARKERS] == "visualization_msgs/msg/MarkerArray"
    assert SPOKEN[topics.overlay(CAMERA)] == "sensor_msgs/msg/CompressedImage"
    assert SPOKEN[topics.DIAGNOSTICS] == "diagnostic_msgs/msg/DiagnosticArray"


def displays() -> list[dict[str, Any]]:
    return [d for d in RVIZ["Visualization Manager"]["Displays"] if "Topic" in d]


@pytest.mark.parametrize("display", displays(), ids=lambda display: display["Name"])
def test_rviz(display: dict[str, Any]) -> None:
    assert SPOKEN[display["Topic"]["Value"]] in TAKES[display["Class"]]


def test_rviz_shows_cloud_markers_and_overlay() -> None:
    shown = {display["Topic"]["Value"] for display in displays() if display["Enabled"]}
    assert {topics.POINTS, topics.MARKERS, topics.overlay(CAMERA)} <= shown
    (markers,) = (d for d in displays() if d["Class"].endswith("MarkerArray"))
    assert set(markers["Namespaces"]) == set(NAMESPACES)


def foxglove() -> list[tuple[str, str]]:
    """(kind of panel, message path) of each topic that the layout names."""
    found = []
    for panel, settings in FOXGLOVE["configById"].items():
        kind = panel.split("!")[0]
        paths = [settings.get("topicPath"), settings.get("topicToRender")]
        paths += [settings.get("imageMode", {}).get("imageTopic"), *settings.get("topics", {})]
        paths += [path["value"] for path in settings.get("paths", ())]
        found += [(kind, path) for path in paths if path]
    return found


@pytest.mark.parametrize(("kind", "path"), foxglove())
def test_foxglove(kind: str, path: str) -> None:
    """The topic is there, the panel takes its type, and the fields of the path are its fields."""
    topic, *fields = path.split(".")
    name = next(t for t in SPOKEN if "/" + t.strip("/") == topic)
    assert SPOKEN[name] in TAKES.get(kind, {SPOKEN[name]})
    store, message = load_typestore(), SPOKEN[name]
    for field in fields:
        kinds = dict(store.fielddefs[message][1])
        assert re.sub(r"\[.*\]", "", field) in kinds
        message = _element(kinds[re.sub(r"\[.*\]", "", field)])


def _element(node: Any) -> str:
    """The message type that a field holds, itself or in a sequence; empty for numbers."""
    while isinstance(node, tuple) and len(node) == 2 and isinstance(node[1], tuple):
        node = node[1][0]
    return node[1] if isinstance(node, tuple) and isinstance(node[1], str) else ""


def test_foxglove_has_a_place_for_every_panel() -> None:
    def leaves(node: Any) -> Iterator[str]:
        if isinstance(node, str):
            yield node
        else:
            yield from leaves(node["first"])
            yield from leaves(node["second"])

    assert sorted(leaves(FOXGLOVE["layout"])) == sorted(FOXGLOVE["configById"])
    kinds = {panel.split("!")[0] for panel in FOXGLOVE["configById"]}
    assert {"3D", "Image", "DiagnosticSummary"} <= kinds
