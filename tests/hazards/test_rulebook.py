from __future__ import annotations

from pathlib import Path

import pytest

from s2m_ros.config import ConfigError
from s2m_ros.hazards.rulebook import DEFAULT, load_rulebook
from s2m_ros.types import Level


def write(folder: Path, text: str) -> str:
    file = folder / "policy.yaml"
    file.write_text(text)
    return str(file)


def test_the_words_carry_the_numbers_of_the_rules() -> None:
    words = load_rulebook().words()
    assert words["critical_time"] == "reached within 2.5 s"
    assert words["zone_taxi_lane"] == "in a taxi lane"


def test_a_file_may_change_single_values(tmp_path: Path) -> None:
    own = load_rulebook(
        write(
            tmp_path,
            "extends: default\n"
            "rules:\n"
            "  critical_distance: {distance_m: 9}\n"
            "  large: null\n"
            "  huge: {level: critical, size_m: 3, text: 'larger than {size_m:g} m'}\n"
            "zones: {wash: {at_most: info, text: in the wash}}\n",
        )
    )
    default = load_rulebook()
    assert own.rules["critical_distance"].distance_m == 9
    assert own.words()["critical_distance"] == "on the path within 9 m"
    assert "large" not in own.rules
    assert own.rules["huge"].level == Level.CRITICAL
    assert own.zones["wash"].at_most == Level.INFO
    assert own.zones["stand"] == default.zones["stand"]
    assert own.at_once == default.at_once


def test_a_file_without_extends_stands_alone(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match=r"policy.yaml: path: Field required"):
        load_rulebook(write(tmp_path, "rules: {}\n"))
    assert load_rulebook(write(tmp_path, DEFAULT.read_text())) == load_rulebook()


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ("rules: {near: {level: red, text: x}}", r"rules.near.level: .* got 'red'"),
        ("rules: {near: {level: info, text: x, further_m: 3}}", r"further_m: Extra inputs"),
        ("rules: {near: {level: info, text: '{speed} m'}}", r"names no field of its own: 'speed'"),
        ("rules: {held: {level: info, text: x}}", r"rules: held: the name has a meaning already"),
        ("rules: {zone_x: {level: info, text: x}}", r"zone_x: the name has a meaning"),
        ("degraded: {levels_up: 0}", r"degraded.levels_up: .* greater than or equal to 1, got 0"),
        ("zones: {stand: {at_least: critical, at_most: info}}", r"at_least CRITICAL is above"),
        ("texts: {moving: null}", r"texts: missing \['moving'\]"),
        ("texts: {mooving: x}", r"unknown \['mooving'\]"),
    ],
)
def test_a_policy_that_cannot_be_used_is_an_error(
    tmp_path: Path, change: str, message: str
) -> None:
    with pytest.raises(ConfigError, match=message):
        load_rulebook(write(tmp_path, f"extends: default\n{change}\n"))


def test_files_that_are_no_policy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="not a readable YAML file"):
        load_rulebook(str(tmp_path / "none.yaml"))
    with pytest.raises(ConfigError, match="expected a mapping, got list"):
        load_rulebook(write(tmp_path, "- 1\n"))
    with pytest.raises(ConfigError, match="extends: expected 'default', got 'other'"):
        load_rulebook(write(tmp_path, "extends: other\n"))
