"""The command itself: what it lists, how it fails, what it leaves alone."""

from __future__ import annotations

import sys
from collections.abc import Callable
from types import ModuleType

import pytest
import typer

from s2m_ros.cli import main as cli
from s2m_ros.config import ConfigError
from s2m_ros.types import InputError


@pytest.fixture
def failing(monkeypatch: pytest.MonkeyPatch) -> Callable[[Exception], None]:
    """Make the subcommand ``doctor`` raise an error."""

    def install(error: Exception) -> None:
        def doctor() -> None:
            raise error

        module = ModuleType("s2m_ros.cli.doctor")
        module.doctor = doctor  # type: ignore[attr-defined]
        monkeypatch.setitem(sys.modules, "s2m_ros.cli.doctor", module)

    return install


def run(*arguments: str) -> int:
    with pytest.raises(SystemExit) as left:
        cli.main(arguments)
    return int(left.value.code or 0)


def test_help_lists_every_command_with_a_line(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--help") == 0
    shown = capsys.readouterr().out
    for command in cli.COMMANDS:
        assert command.name in shown
        assert command.help.split()[0] in shown


@pytest.mark.parametrize("command", cli.COMMANDS, ids=lambda command: command.name)
def test_each_command_has_help(command: cli.Command, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(command.name, "--help") == 0
    shown = capsys.readouterr().out
    assert f"s2m {command.name}" in shown
    assert "Stands in for" not in shown


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (InputError("points", "no field 'z'", "publish x, y and z"),
         "points: no field 'z': publish x, y and z"),
        (ConfigError("fusion.gate: too large"), "fusion.gate: too large"),
        (FileNotFoundError(2, "No such file or directory", "a.yaml"),
         "a.yaml: No such file or directory"),
        (ModuleNotFoundError("No module named 'rerun'", name="rerun"), "No module named 'rerun'"),
    ],
    ids=["input", "config", "file", "package"],
)  # fmt: skip
def test_an_error_of_the_user_is_one_line(
    error: Exception,
    message: str,
    failing: Callable[[Exception], None],
    capsys: pytest.CaptureFixture[str],
) -> None:
    failing(error)
    assert run("doctor") == 2
    shown = capsys.readouterr()
    assert shown.err.startswith(f"error: {message}")
    assert shown.err.count("\n") == 1
    assert "Traceback" not in shown.err + shown.out


def test_help_breaks_lines_where_the_terminal_ends() -> None:
    def example() -> None:
        """First.

        One sentence that goes
        on here.
        """

    assert cli._paragraphs(example) == "First.\n\nOne sentence that goes on here."


def test_debug_lets_the_error_through(failing: Callable[[Exception], None]) -> None:
    failing(InputError("points", "empty", "look at the sensor"))
    with pytest.raises(InputError):
        cli.main(["doctor", "--debug"])


@pytest.mark.parametrize(
    "error",
    [KeyError("x"), TypeError("x"), ModuleNotFoundError("x", name="s2m_ros.gone")],
    ids=lambda error: type(error).__name__,
)
def test_a_bug_is_not_dressed_up(error: Exception, failing: Callable[[Exception], None]) -> None:
    failing(error)
    with pytest.raises(type(error)):
        cli.main(["doctor"])


def test_an_unknown_command_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("nonsense") == 2
    assert "nonsense" in capsys.readouterr().err


def test_the_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert run("--version") == 0
    assert capsys.readouterr().out.startswith("s2m_ros ")


def test_the_exit_code_of_a_command_is_kept(failing: Callable[[Exception], None]) -> None:
    failing(typer.Exit(7))
    assert run("doctor") == 7
