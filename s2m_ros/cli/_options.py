"""Options that several commands share, and the progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

if TYPE_CHECKING:
    from rich.console import Console

Scorer = Annotated[str | None, typer.Option(help="Anomaly scorer, see `s2m models list`.")]
Model = Annotated[str | None, typer.Option(help="Model folder or name.")]
Segmenter = Annotated[
    str | None, typer.Option(help="Mask decoder: 'trunk' or a promptable model's folder.")
]
ConfigFile = Annotated[
    Path | None, typer.Option("--config", "-c", help="YAML file of settings, or a profile: small.")
]
Settings = Annotated[
    list[str] | None, typer.Option("--set", help="A setting, as perception.scorer=msp.")
]


def overrides(
    scorer: str | None = None,
    model: str | None = None,
    segmenter: str | None = None,
    settings: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Dotted overrides for ``config.load`` from the options; ``NAME=VALUE`` values are YAML."""
    from s2m_ros.config import ConfigError, parse_overrides

    given = {
        "perception.scorer": scorer,
        "perception.model.path": model,
        "perception.segmenter": segmenter,
    }
    result: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for text in settings or ():
        if "=" not in text[1:]:
            raise ConfigError(f"--set {text}: expected NAME=VALUE, as perception.scorer=msp")
        result |= parse_overrides([text])
    return result


@contextmanager
def progress(what: str, total: int, console: Console) -> Iterator[Callable[[], None]]:
    """A bar that vanishes when done; yields the function that moves it on by one."""
    from rich.progress import (
        BarColumn,
        MofNCompleteColumn,
        Progress,
        TextColumn,
        TimeRemainingColumn,
    )

    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeRemainingColumn(), console=console, transient=True) as bar:
        task = bar.add_task(what, total=total)
        yield lambda: bar.advance(task)
