"""``s2m review``: an audit store in a browser, on this machine alone."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer


def review(
    store: Annotated[Path, typer.Argument(help="Folder of an audit store.")],
    out: Annotated[Path, typer.Option("--out", "-o", help="Folder for exports.")] = Path(
        "out/review"
    ),
    port: Annotated[int, typer.Option(min=0, max=65535, help="0 takes a free one.")] = 8017,
    browser: Annotated[bool, typer.Option(help="Open the page in a browser.")] = True,
) -> None:
    """Look through a store, mark what is true and what is false, export labels.

    The page is served on 127.0.0.1 only. Ctrl-C ends it; what was marked is in STORE/labels.json.
    """
    import webbrowser

    from rich.console import Console
    from rich.text import Text

    from s2m_ros.audit.review.serving import listen, serve
    from s2m_ros.store import Store
    from s2m_ros.types import InputError

    console = Console()
    with Store(store) as opened, listen(port) as socket:
        if not opened.cameras:
            raise InputError(str(store), "holds no image", "record one with a camera")
        url = f"http://127.0.0.1:{socket.getsockname()[1]}/"
        console.print(Text("review  ", style="bold") + Text(url), soft_wrap=True)
        console.print("Ctrl-C ends it", style="dim")
        if browser:
            webbrowser.open(url)
        serve(opened, out, socket)
