"""The table of subcommands, and what happens to their errors.

A subcommand is a module of this package (``-`` becomes ``_``) with either a function of the
module's name or, where it has subcommands of its own, a ``typer.Typer`` called ``app``. It is
imported only when it is asked for, so that ``s2m --help`` needs neither NumPy nor ROS.
"""

from __future__ import annotations

import importlib
import inspect
import os
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import typer

from s2m_ros import __version__
from s2m_ros.cli.share import use_shared_memory


@dataclass(frozen=True)
class Command:
    """A subcommand, its one-line help and the panel of ``s2m --help`` it stands in."""

    name: str
    help: str
    panel: str


RUN, AUDIT, LOOK = "Run", "Audit", "Look and prepare"
COMMANDS = (
    Command("demo", "Simulate an apron drive, run the nodes on it, write a report.", RUN),
    Command("run", "Find unknown objects in plain images; needs no ROS.", RUN),
    Command("replay", "Play a recorded drive through the nodes and report.", RUN),
    Command("up", "Start the nodes on this machine, as the launch file does.", RUN),
    Command("health", "Ask the running nodes how they are; exit code for scripts.", RUN),
    Command("explain", "Why one object was judged as it was, out of an audit store.", AUDIT),
    Command("compare", "What another run of a drive does otherwise, with pictures.", AUDIT),
    Command("review", "Look through an audit store in a browser, mark, export labels.", AUDIT),
    Command("bench", "Measure how fast the nodes are on this machine.", LOOK),
    Command("chaos", "Put faults into a drive and see what is said meanwhile.", LOOK),
    Command("soak", "Run the nodes with random faults for as long as wanted.", LOOK),
    Command("sim", "Simulate an apron drive and write it as a bag.", LOOK),
    Command("bag", "Make bags from data sets; say what a bag holds.", LOOK),
    Command("calibrate", "Fit scores and operating point on normal footage of a site.", LOOK),
    Command("eval", "Measure score maps and masks against labels.", LOOK),
    Command("eval-sim", "Run scenarios through the true stages, against the truth.", LOOK),
    Command("eval-masks", "Measure the mask decoder from ground-truth boxes.", LOOK),
    Command("eval-suite", "Measure a model on all sets: one summary.", LOOK),
    Command("mine", "Make an atlas of all unknown objects that drives have met.", LOOK),
    Command("find", "Find what in an atlas looks like this.", LOOK),
    Command("models", "List models; check and build their graphs for TensorRT.", LOOK),
    Command("doctor", "Say what this machine has and what to do about each gap.", LOOK),
)


def build(arguments: Sequence[str]) -> typer.Typer:
    """The application for these arguments: the asked subcommand in full, the others as a line."""
    app = typer.Typer(
        name="s2m",
        no_args_is_help=True,
        add_completion=False,
        rich_markup_mode="rich",
        pretty_exceptions_enable=False,
        context_settings={"help_option_names": ["-h", "--help"]},
    )
    app.callback(help="Find every unknown object on an airport apron, in 3D.")(_options)
    asked = next((a for a in arguments if not a.startswith("-")), None)
    for command in COMMANDS:
        if command.name == asked:
            _register(app, command)
        else:
            app.command(command.name, help=command.help, rich_help_panel=command.panel)(_nothing)
    return app


def main(arguments: Sequence[str] | None = None) -> None:
    """Run ``s2m``. Errors the user can act on become one line and exit code 2."""
    given = list(sys.argv[1:] if arguments is None else arguments)
    debug = "--debug" in given
    given = [argument for argument in given if argument != "--debug"]
    if "doctor" not in given:  # which looks at the environment as it is
        use_shared_memory()
    try:
        build(given)(args=given, prog_name="s2m")
    except KeyboardInterrupt:
        print("stopped", file=sys.stderr)
        sys.exit(130)
    except BrokenPipeError:  # the reader of our output has gone, as in `s2m ... | head`
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        sys.exit(0)
    except Exception as error:
        if debug or not is_for_user(error):
            raise
        _complain(error)
        sys.exit(2)


def is_for_user(error: Exception) -> bool:
    """Whether the message says it all: this package's own errors, and missing or broken files.

    A missing optional package counts too; a bug (TypeError, KeyError, ...) does not. Only an
    ImportError that was written by hand has no name.
    """
    if isinstance(error, ModuleNotFoundError) and error.name:
        return not error.name.startswith("s2m_ros.")
    if isinstance(error, ImportError):
        return error.name is None
    own = any(base.__module__.startswith("s2m_ros.") for base in type(error).__mro__)
    return own or isinstance(error, OSError)


def _show_version(asked: bool) -> None:
    if asked:
        print(f"s2m_ros {__version__}")
        raise typer.Exit


def _options(
    version: bool = typer.Option(
        False, "--version", callback=_show_version, is_eager=True, help="Print the version."
    ),
    debug: bool = typer.Option(False, "--debug", help="Show the traceback of an error."),
) -> None:
    """``--debug`` is taken out by ``main`` wherever it stands; it is listed here for the help."""


def _register(app: typer.Typer, command: Command) -> None:
    name = command.name.replace("-", "_")
    module = importlib.import_module(f"s2m_ros.cli.{name}")
    group = getattr(module, "app", None)
    if isinstance(group, typer.Typer):
        for inner in group.registered_commands:
            if inner.callback is not None:
                inner.help = inner.help or _paragraphs(inner.callback)
        app.add_typer(
            group,
            name=command.name,
            help=command.help,
            rich_help_panel=command.panel,
            no_args_is_help=True,
        )
    else:
        function = getattr(module, name)
        help = _paragraphs(function)
        app.command(command.name, help=help, rich_help_panel=command.panel)(function)


def _paragraphs(function: Callable[..., object]) -> str:
    """Its docstring with a line for each paragraph: the terminal is narrower than our lines."""
    paragraphs = inspect.cleandoc(function.__doc__ or "").split("\n\n")
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _nothing() -> None:
    """Stands in for a subcommand that was not asked for."""


def _complain(error: Exception) -> None:
    from rich.console import Console
    from rich.text import Text

    text = str(error) or type(error).__name__
    if isinstance(error, ModuleNotFoundError):
        text = f"{text}: it is not installed here. `s2m doctor` says what to do"
    elif isinstance(error, OSError) and error.filename is not None:
        text = f"{error.filename}: {error.strerror}"
    console = Console(stderr=True, soft_wrap=True, highlight=False)
    console.print(Text("error: ", style="bold red") + Text(text, style="red"))


if __name__ == "__main__":
    main()
