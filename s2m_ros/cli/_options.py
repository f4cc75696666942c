"""Options that several commands share, and the progress bar."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import yaml

if TYPE_CHECKING:
    from rich.console import Console


def overrides(
    scorer: str | None = None,
    model: str | None = None,
    segmenter: str | None = None,
    settings: Sequence[str] | None = None,
) -> dict[str, Any]:
    """Dotted overrides for ``config.load`` from the options; ``NAME=VALUE`` values are YAML."""
    from s2m_ros.config import ConfigError

    given = {
        "perception.scorer": scorer,
        "perception.model.path": model,
        "perception.segmenter": segmenter,
    }
    result: dict[str, Any] = {name: value for name, value in given.items() if value is not None}
    for text in settings or ():
        name, equals, value = text.partition("=")
        if not equals or not name:
            raise ConfigError(f"--set {text}: expected NAME=VALUE, as perception.scorer=msp")
        result[name] = yaml.safe_load(value)
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
