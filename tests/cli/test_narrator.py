"""A long command says what it does, on a terminal and in a log."""

from __future__ import annotations

import io

import pytest
from rich.console import Console

from s2m_ros.cli._narrator import Narrator


@pytest.mark.parametrize("terminal", [False, True])
def test_each_phase_ends_with_a_line(terminal: bool) -> None:
    console = Console(file=io.StringIO(), force_terminal=terminal, width=100, no_color=True)
    with Narrator(console) as narrator:
        narrator("starting the nodes (no sign of fusion)", 0.0)
        narrator("starting the nodes (fusion loading)", 0.5)
        narrator("playing", 0.2)
        narrator("playing", 1.0)
    assert isinstance(console.file, io.StringIO)
    text = console.file.getvalue()
    assert text.count("+ starting the nodes") == 1
    assert text.count("+ playing") == 1


def test_a_phase_that_failed_is_marked() -> None:
    console = Console(file=io.StringIO(), width=100, no_color=True)

    def work() -> None:
        with Narrator(console) as narrator:
            narrator("playing", 0.2)
            raise KeyError

    with pytest.raises(KeyError):
        work()
    assert isinstance(console.file, io.StringIO)
    assert "x playing" in console.file.getvalue()
