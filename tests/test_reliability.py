"""The table of requirements in the docs: each of the twenty lines names tests that exist."""

from __future__ import annotations

import ast
import re
from pathlib import Path
from xml.etree import ElementTree

from s2m_ros.nodes.ports import PORTS

REPOSITORY = Path(__file__).resolve().parent.parent
_TEST = re.compile(r"`(tests/[\w/]+\.py)(?:::(\w+))?`")


def missing(page: str) -> list[str]:
    """Tests that a page names and that are not there."""
    found = []
    for file, name in _TEST.findall(page):
        path = REPOSITORY / file
        there = path.is_file() and (
            not name
            or any(
                isinstance(node, ast.FunctionDef) and node.name == name
                for node in ast.parse(path.read_text()).body
            )
        )
        if not there:
            found.append(f"{file}::{name}")
    return found


def test_twenty_requirements_name_tests_that_exist() -> None:
    page = (REPOSITORY / "docs" / "reliability.md").read_text()
    rows = re.findall(r"^\| (\d+) \|.*$", page, re.MULTILINE)
    assert [int(number) for number in rows] == list(range(1, 21))
    for line in page.splitlines():
        if re.match(r"\| \d+ \|", line):
            assert _TEST.search(line), line
    assert missing(page) == []


def test_the_tests_that_the_security_page_names_exist() -> None:
    assert missing((REPOSITORY / "docs" / "security.md").read_text()) == []


def test_a_missing_test_is_noticed() -> None:
    assert missing("`tests/test_reliability.py::test_nothing` `tests/no.py`") == [
        "tests/test_reliability.py::test_nothing", "tests/no.py::",
    ]  # fmt: skip


def test_the_security_policy_knows_every_node_and_topic() -> None:
    tree = ElementTree.parse(REPOSITORY / "launch" / "security" / "policy.xml")
    profiles = {profile.attrib["node"]: profile for profile in tree.iter("profile")}
    assert set(profiles) == {"camera_front", "fusion", "tracker", "monitor", "audit"}
    for node, of_node in PORTS.items():
        profile = profiles["camera_front" if node == "camera" else node]
        for verb, ports in (("publish", of_node.outputs), ("subscribe", of_node.inputs)):
            allowed = {t.text for t in profile.findall(f"topics[@{verb}='ALLOW']/topic")}
            assert {port.topic("front") for port in ports} <= allowed, (node, verb)
    topics = {t.text for t in tree.iter("topic")}
    assert "s2m/hazards" in topics
    for topic in ("points", "odom", "s2m/objects", "s2m/markers", "s2m/health", "/diagnostics"):
        assert topic in topics
