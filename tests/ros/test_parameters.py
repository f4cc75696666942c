"""The settings tree as parameters of a node."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

from s2m_ros.config import ConfigError, load

if TYPE_CHECKING:
    from bench import Participant


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


def test_without_overrides_they_are_the_defaults(participant: Participant) -> None:
    from s2m_ros.nodes.parameters import declare

    branches = ("cameras", "fusion", "tracking", "hazards", "intake", "perception", "camera")
    with node(participant) as made:
        assert declare(made, branches) == load()


def test_overrides_reach_the_tree_and_whole_numbers_serve_as_floats(
    participant: Participant,
) -> None:
    from s2m_ros.nodes.parameters import declare

    with node(participant, fusion__ground__cell_m=3, cameras=["front", "left"]) as made:
        config = declare(made, ("cameras", "fusion"))
        assert config.fusion.ground.cell_m == 3.0
        assert config.cameras == ["front", "left"]
        assert not made.has_parameter("tracking.gate")


def test_descriptors_state_unit_bounds_and_choices(participant: Participant) -> None:
    from s2m_ros.nodes.parameters import declare

    with node(participant) as made:
        declare(made, ("fusion", "tracking"))
        cell = made.describe_parameter("fusion.ground.cell_m")
        assert cell.description == "Cell of the ground surface [m]"
        assert (cell.floating_point_range[0].to_value, cell.read_only) == (20.0, True)
        assert cell.additional_constraints == "> 0"
        hits = made.describe_parameter("tracking.confirm_hits").integer_range[0]
        assert (hits.from_value, hits.to_value) == (1, 20)
        backend = made.describe_parameter("fusion.pairing.backend")
        assert backend.additional_constraints == "one of own, message_filters"


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

    from s2m_ros.nodes.parameters import declare

    with (
        node(participant, **{name: value}) as made,
        pytest.raises((ConfigError, InvalidParameterValueException), match=name.split("__")[-1]),
    ):
        declare(made, ("fusion",))
