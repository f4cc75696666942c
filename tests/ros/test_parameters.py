"""The settings tree as parameters of a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from s2m_ros.config import Config, ConfigError, load

if TYPE_CHECKING:
    from bench import Participant

    from s2m_ros.nodes.parameters import Settings


@contextmanager
def node(participant: Participant, **overrides: Any) -> Iterator[Any]:
    import rclpy
    from rclpy.parameter import Parameter

    made = rclpy.create_node(
        "parameters_under_test",
        context=participant.context,
        start_parameter_services=False,
        parameter_overrides=[
            Parameter(name.replace("__", "."), value=value) for name, value in overrides.items()
        ],
    )
    try:
        yield made
    finally:
        made.destroy_node()


def declared(made: Any, *branches: str, configured: bool = False) -> tuple[Settings, list[Config]]:
    """The settings on a node, and the trees that were handed on."""
    from s2m_ros.nodes.parameters import Settings

    handed: list[Config] = []
    return Settings(made, branches, lambda: configured, handed.append), handed


def test_without_overrides_they_are_the_defaults(participant: Participant) -> None:
    branches = (
        "cameras",
        "fusion",
        "tracking",
        "hazards",
        "intake",
        "perception",
        "camera",
        "monitor",
    )
    with node(participant) as made:
        assert declared(made, *branches)[0].config == load()


def test_overrides_reach_the_tree_and_whole_numbers_serve_as_floats(
    participant: Participant,
) -> None:
    with node(participant, fusion__ground__cell_m=3, cameras=["front", "left"]) as made:
        config = declared(made, "cameras", "fusion")[0].config
        assert config.fusion.ground.cell_m == 3.0
        assert config.cameras == ["front", "left"]
        assert not made.has_parameter("tracking.gate")


def test_descriptors_state_unit_bounds_and_choices(participant: Participant) -> None:
    with node(participant) as made:
        declared(made, "fusion", "tracking")
        cell = made.describe_parameter("fusion.ground.cell_m")
        assert cell.description == "Cell of the ground surface [m]"
        bounds = cell.floating_point_range[0]
        assert (bounds.from_value, bounds.to_value) == (0.2, 20.0)
        assert cell.additional_constraints == "applies at configure"
        slope = made.describe_parameter("fusion.ground.max_slope")
        assert slope.additional_constraints == "> 0, applies at configure"
        hits = made.describe_parameter("tracking.confirm_hits").integer_range[0]
        assert (hits.from_value, hits.to_value) == (1, 20)
        backend = made.describe_parameter("fusion.pairing.backend")
        assert backend.additional_constraints == "one of own, message_filters, applies at configure"


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("fusion__ground__cell_m", 99.0),
        ("fusion__ground__cell_m", 0.0),
        ("fusion__pairing__backend", "telepathy"),
    ],
)
def test_what_is_out_of_bounds_is_named(participant: Participant, name: str, value: Any) -> None:
    from rclpy.exceptions import InvalidParameterValueException

    with (
        node(participant, **{name: value}) as made,
        pytest.raises((ConfigError, InvalidParameterValueException), match=name.split("__")[-1]),
    ):
        declared(made, "fusion")


def test_what_applies_at_once_is_handed_on_and_the_rest_waits_for_configure(
    participant: Participant,
) -> None:
    from rclpy.parameter import Parameter

    with node(participant) as made:
        settings, handed = declared(made, "fusion", "camera", configured=True)
        (result,) = made.set_parameters([Parameter("fusion.pairing.offset_ms", value=12)])
        assert result.successful, result.reason
        assert handed[-1].fusion.pairing.offset_ms == 12.0
        assert settings.config == handed[-1]
        for name, value, reason in (
            ("fusion.ground.cell_m", 3.0, "fusion.ground.cell_m: applies at configure: deactivate"),
            ("camera", "left", "camera: applies at start: end the node"),
            ("fusion.pairing.offset_ms", float("nan"), "fusion.pairing.offset_ms"),
            ("fusion.pairing.backend", "telepathy", "'own' or 'message_filters'"),
            ("fusion.pairing.timeout_ms", -1.0, "fusion.pairing.timeout_ms"),
        ):
            (result,) = made.set_parameters([Parameter(name, value=value)])
            assert not result.successful, name
            assert reason in result.reason
        assert settings.config == handed[-1]
        assert len(handed) == 1


def test_before_it_is_configured_a_node_takes_all_but_its_topics(participant: Participant) -> None:
    from rclpy.parameter import Parameter

    with node(participant) as made:
        settings, _ = declared(made, "fusion", "cameras")
        (result,) = made.set_parameters([Parameter("fusion.ground.cell_m", value=3.0)])
        assert result.successful, result.reason
        assert settings.config.fusion.ground.cell_m == 3.0
        (result,) = made.set_parameters([Parameter("cameras", value=["left"])])
        assert "cameras: applies at start" in result.reason
