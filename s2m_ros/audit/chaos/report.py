"""What a run of the fault bench came to: metrics.json, report.md, report.html, a table."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from s2m_ros.audit.chaos.verdict import DETECT_S, RECOVER_S, Verdict
from s2m_ros.audit.page import template, whole

if TYPE_CHECKING:
    from rich.table import Table

HEADING = ("Fault", "What", "Said meanwhile", "Looked clear", "OK too late", "Told after, s",
           "Over after, s", "")  # fmt: skip


def write(verdicts: Sequence[Verdict], about: Mapping[str, Any], out: Path) -> None:
    """Write the three files to the folder, which is made; each appears whole or not at all."""
    out.mkdir(parents=True, exist_ok=True)
    tree = {"about": dict(about), "faults": [verdict.as_dict() for verdict in verdicts]}
    whole(out / "metrics.json", json.dumps(tree, indent=1, allow_nan=False) + "\n")
    whole(out / "report.md", markdown(verdicts, about))
    page = template("chaos.html.j2").render(
        headline=headline(verdicts),
        heading=HEADING,
        rows=[row(verdict) for verdict in verdicts],
        reasons=[(v.fault, v.reason) for v in verdicts if v.reason],
        about=about,
        limits=(DETECT_S, RECOVER_S),
    )
    whole(out / "report.html", page)


def headline(verdicts: Sequence[Verdict]) -> str:
    passed = sum(verdict.passed for verdict in verdicts)
    clear = sum(verdict.clear for verdict in verdicts)
    return (
        f"{passed} of {len(verdicts)} faults handled: told within {DETECT_S:g} s where it must be, "
        f"over within {RECOVER_S:g} s; {clear} answers looked clear while blind"
    )


def row(verdict: Verdict) -> tuple[str, ...]:
    said = ", ".join(f"{n} {state}" for state, n in verdict.states.items()) or "nothing"
    return (
        verdict.fault,
        verdict.what,
        said,
        str(verdict.clear),
        str(verdict.late),
        "-" if verdict.detect_s is None else f"{verdict.detect_s:.2f}",
        "never" if verdict.recover_s is None else f"{verdict.recover_s:.2f}",
        "handled" if verdict.passed else "not handled",
    )


def table(verdicts: Sequence[Verdict]) -> Table:
    """For the terminal, of 80 columns, too: what each fault is says ``s2m chaos --list``."""
    from rich.table import Table
    from rich.text import Text

    result = Table(title=headline(verdicts), title_justify="left", title_style="bold")
    result.add_column("Fault", no_wrap=True)
    result.add_column("Said meanwhile")
    for name in ("Clear", "Late", "Told, s", "Over, s"):
        result.add_column(name, justify="right", no_wrap=True)
    result.add_column("", no_wrap=True)
    for verdict in verdicts:
        fault, _, *cells, last = row(verdict)
        result.add_row(fault, *cells, Text(last, style="green" if verdict.passed else "red"))
    return result


def markdown(verdicts: Sequence[Verdict], about: Mapping[str, Any]) -> str:
    rows = [HEADING, ("---",) * len(HEADING), *(row(verdict) for verdict in verdicts)]
    lines = ["# Faults", "", headline(verdicts) + ".", ""]
    lines += [f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |" for cells in rows]
    lines += ["", *(f"- {name}: {value}" for name, value in about.items())]
    return "\n".join(lines) + "\n"
