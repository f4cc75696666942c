"""``s2m doctor``: what this machine has and what to do about each gap."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from s2m_ros.cli.machine import Finding


def doctor(
    json_: Annotated[bool, typer.Option("--json", help="Print the findings as JSON.")] = False,
) -> None:
    """Say what this machine has and what to do about each gap.

    Exit code 0: every part of the product runs here. 1: a part does not. Gaps that are optional
    or only cost speed do not count.
    """
    from s2m_ros.cli.machine import Level, examine

    findings = examine()
    if json_:
        import json
        from dataclasses import asdict

        print(json.dumps([{**asdict(f), "level": f.level.value} for f in findings], indent=1))
    else:
        _show(findings)
    if any(finding.level is Level.FAIL for finding in findings):
        raise typer.Exit(1)


def _show(findings: list[Finding]) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    from s2m_ros.cli.machine import Level

    looks = {
        Level.OK: ("✓", "green"),
        Level.NOTE: ("·", "dim"),
        Level.WARN: ("!", "yellow"),
        Level.FAIL: ("✗", "bold red"),
    }
    console = Console()
    names = max(len(finding.name) for finding in findings)
    section = ""
    for finding in findings:
        if finding.section != section:
            section = finding.section
            console.print(Text(f"\n{section}", style="bold"))
        mark, style = looks[finding.level]
        grid = Table.grid(padding=(0, 1))
        grid.add_column(width=2, justify="right")
        grid.add_column(width=names)
        grid.add_column(overflow="fold")
        value = Text(finding.value, style="dim" if finding.level is Level.NOTE else "")
        if finding.remedy:
            value.append(f"\n→ {finding.remedy}", style=style)
        grid.add_row(Text(mark, style=style), finding.name, value)
        console.print(grid)
    counts = {level: sum(f.level is level for f in findings) for level in Level}
    console.print()
    if counts[Level.FAIL]:
        console.print(Text(f"{counts[Level.FAIL]} missing or broken", style="bold red"), end="")
    else:
        console.print(Text("everything needed is here", style="bold green"), end="")
    console.print(f", {counts[Level.WARN]} worth a look, {counts[Level.NOTE]} optional absent")
