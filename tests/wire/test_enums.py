"""Integers of messages: those with a meaning are read, others are named."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from s2m_ros.types import Evidence, InputError, State
from s2m_ros.wire.enums import flags, member


@given(st.integers(0, 255))
def test_a_number_is_a_member_or_a_clear_error(value: int) -> None:
    if value in {state.value for state in State}:
        assert member(State, value, "topic") is State(value)
    else:
        with pytest.raises(InputError, match=rf"topic: State {value} is none of 0 OK, 1 "):
            member(State, value, "topic")


@given(st.integers(0, 255))
def test_flags_have_no_bit_without_a_meaning(value: int) -> None:
    every = Evidence.CAMERA | Evidence.LIDAR | Evidence.GROUND | Evidence.FLAT
    if value <= every:
        assert flags(Evidence, value, "topic") == value
    else:
        with pytest.raises(InputError, match=rf"topic: Evidence {value} has bits beyond 15"):
            flags(Evidence, value, "topic")
