"""A player that was late is told, with how late."""

from __future__ import annotations

from s2m_ros.audit.pace import lag


def test_a_player_that_was_late_is_told() -> None:
    assert lag(20.0) == ""
    assert "more than 5401 ms late" in lag(5401.4)
