"""Tells a person what a long command is doing: a bar for each phase, a line when it is over."""

from __future__ import annotations

import time
from types import TracebackType
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console
    from rich.progress import Progress, TaskID


class Narrator:
    """Call it with what is being done and the share done; text in brackets may change within a
    phase. Where the output is no terminal it prints a line at the end of each phase."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._bar: Progress | None = None
        self._task: TaskID | None = None
        self._phase = ""
        self._begun_s = 0.0

    def __enter__(self) -> Narrator:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._end(failed=error is not None)

    def __call__(self, what: str, share: float) -> None:
        phase = what.partition(" (")[0]
        if phase != self._phase:
            self._end()
            self._begin(phase)
        if self._bar is not None and self._task is not None:
            self._bar.update(self._task, description=what, completed=share)

    def _begin(self, phase: str) -> None:
        self._phase, self._begun_s = phase, time.monotonic()
        if self._console.is_terminal:
            from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

            columns = (TextColumn("  {task.description}"), BarColumn(), TimeElapsedColumn())
            self._bar = Progress(*columns, console=self._console, transient=True)
            self._task = self._bar.add_task(phase, total=1.0)
            self._bar.start()

    def _end(self, failed: bool = False) -> None:
        if self._bar is not None:
            self._bar.stop()
            self._bar = self._task = None
        if self._phase:
            mark = "[red]x[/red]" if failed else "[green]+[/green]"
            seconds = time.monotonic() - self._begun_s
            self._console.print(f"{mark} {self._phase} [dim]{seconds:.1f} s[/dim]", highlight=False)
        self._phase = ""
