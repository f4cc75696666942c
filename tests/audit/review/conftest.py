"""A served store."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from stores import write_store

from s2m_ros.store import Store

pytest.importorskip("starlette", reason="the review page needs starlette and uvicorn")
pytest.importorskip("uvicorn", reason="the review page needs starlette and uvicorn")


@dataclass(frozen=True)
class Served:
    url: str
    store: Path
    out: Path


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    from s2m_ros.audit.review.serving import listen, make_server

    path = write_store(tmp_path / "store")
    with Store(path) as store, listen(0) as socket:
        server = make_server(store, tmp_path / "out")
        thread = threading.Thread(target=server.run, kwargs={"sockets": [socket]}, daemon=True)
        thread.start()
        deadline = time.monotonic() + 30
        while not server.started and time.monotonic() < deadline:
            time.sleep(0.02)
        assert server.started
        yield Served(f"http://127.0.0.1:{socket.getsockname()[1]}", path, tmp_path / "out")
        server.should_exit = True
        thread.join(20)
        assert not thread.is_alive()
