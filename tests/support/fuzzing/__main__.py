"""``python -m fuzzing``: fuzz everything and print how the examples ended."""

from __future__ import annotations

import argparse
import sys
import time

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from fuzzing.campaign import (
    CRASH,
    ERROR,
    GOOD,
    HANG,
    MEMORY,
    VALID,
    Tally,
    bounded_memory,
    run,
)
from fuzzing.targets import Target, targets

COLUMNS = (VALID, ERROR, CRASH, HANG, MEMORY)


def main() -> int:
    parser = argparse.ArgumentParser(prog="fuzzing", description=__doc__)
    parser.add_argument("--count", "-n", type=int, default=100_000, help="examples in all")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", default="", help="targets whose name holds this")
    parser.add_argument("--list", action="store_true", help="name the targets and stop")
    given = parser.parse_args()
    chosen = [t for t in targets() if given.only in t.name]
    if given.list or not chosen:
        print("\n".join(t.name for t in targets()))
        return 0 if given.list else 2
    return fuzz(chosen, given.count, given.seed)


def fuzz(chosen: list[Target], count: int, seed: int) -> int:
    console = Console()
    whole = sum(t.weight for t in chosen)
    tallies: dict[str, Tally] = {}
    begun = time.monotonic()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    with Progress(*columns, console=console, transient=True) as bar, bounded_memory():
        task = bar.add_task("", total=count)
        for target in chosen:
            bar.update(task, description=target.name)
            share = -(-count * target.weight // whole)
            tallies[target.name] = run(
                target, int(share), seed * 100_003, lambda n: bar.update(task, advance=n)
            )
            if not console.is_terminal:
                console.print(
                    f"+ {target.name}: {dict(tallies[target.name].outcomes)}", highlight=False
                )
    console.print(table(tallies, time.monotonic() - begun))
    for name, tally in tallies.items():
        for example in tally.bad.values():
            console.print(f"{name}:", style="bold red")
            console.print(example, highlight=False, markup=False)
    return int(any(tally.bad for tally in tallies.values()))


def table(tallies: dict[str, Tally], seconds: float) -> Table:
    total = sum(tally.total for tally in tallies.values())
    bad = sum(tally.total - sum(tally.outcomes[k] for k in GOOD) for tally in tallies.values())
    result = Table(
        title=f"{total} examples, {bad} bad, {seconds:.0f} s",
        title_justify="left",
        title_style="bold",
    )
    result.add_column("Read")
    for name in COLUMNS:
        result.add_column(name, justify="right")
    for name, tally in tallies.items():
        result.add_row(name, *(_count(tally.outcomes[k], k) for k in COLUMNS))
    sums = [sum(t.outcomes[k] for t in tallies.values()) for k in COLUMNS]
    result.add_section()
    result.add_row("all", *map(str, sums), style="bold")
    return result


def _count(number: int, kind: str) -> str:
    return f"[red]{number}[/red]" if number and kind not in GOOD else str(number)


if __name__ == "__main__":
    sys.exit(main())
