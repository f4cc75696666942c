"""How the commands that leave results say where they lie and what they came to."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from s2m_ros.audit.artefacts import Artefacts


def print_results(console: Console, made: Artefacts) -> None:
    """Notes, where everything lies, and the summary as the last lines."""
    from rich.text import Text

    for note in made.notes:
        console.print(Text("note: ", style="yellow") + Text(note), soft_wrap=True)
    for name, path in (
        ("report", made.report),
        ("bag", made.bag),
        ("recording", made.recording),
        ("film", made.video),
    ):
        if path is not None:  # never wrapped, so that it can be copied
            console.print(Text(f"{name:11}", style="bold") + Text(str(path)), soft_wrap=True)
    for line in made.summary.lines():
        console.print(Text(line, style="bold"), soft_wrap=True)
