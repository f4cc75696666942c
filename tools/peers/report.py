"""The rows as lines, JSON and Markdown."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

import machine
from measuring import Row


def line(row: Row) -> str:
    if row.skipped:
        return f"{row.name:62s} skipped: {row.skipped}"
    return f"{row.name:62s} {_time(row.least_s):>10s} least {_time(row.median_s):>10s} median"


def markdown(rows: Sequence[Row], about: dict[str, str]) -> str:
    parts = [machine.sentence(about)]
    for work in dict.fromkeys(row.work for row in rows):
        own = [row for row in rows if row.work == work]
        ours = _ours(own)
        parts += ["", f"**{work}**", "", "| | least | median | x ours | in processor time | |"]
        parts.append("|---|---|---|---|---|---|")
        for row in own:
            if row.skipped:
                parts.append(f"| {row.name} | | | | | skipped: {row.skipped} |")
                continue
            ratio = busy = ""
            if ours is not None:
                ratio = f"{row.least_s / ours.least_s:.3g}"
                busy = f"{min(row.processor_s) / min(ours.processor_s):.3g}"
            parts.append(
                f"| {row.name} | {_time(row.least_s)} | {_time(row.median_s)} | {ratio} | {busy} "
                f"| {row.note} |"
            )
    return "\n".join(parts)


def write(rows: Sequence[Row], about: dict[str, str], folder: Path) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    tree = {
        "machine": about,
        "rows": [row.document(_ours([r for r in rows if r.work == row.work])) for row in rows],
    }
    (folder / "peers.json").write_text(json.dumps(tree, indent=2) + "\n")
    (folder / "peers.md").write_text(f"# Peers\n\n{markdown(rows, about)}\n")


def _ours(rows: Sequence[Row]) -> Row | None:
    return next((row for row in rows if row.ours and row.wall_s), None)


def _time(seconds: float) -> str:
    return f"{seconds:.2f} s" if seconds >= 1 else f"{1e3 * seconds:.2f} ms"
