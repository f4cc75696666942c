"""Serve the review page until it is ended."""

from __future__ import annotations

import os
import socket
from pathlib import Path

import uvicorn

from s2m_ros.audit.review.app import LOOPBACK, make_app
from s2m_ros.store.reader import Store
from s2m_ros.types import InputError


def listen(port: int) -> socket.socket:
    """A socket on the loopback interface. Raises InputError when the port is taken."""
    try:
        return socket.create_server((LOOPBACK, port))
    except OSError as error:
        raise InputError(
            f"port {port}",
            f"cannot be used ({os.strerror(error.errno or 0)})",
            "give another --port, or 0",
        ) from error


def make_server(store: Store, out: Path) -> uvicorn.Server:
    config = uvicorn.Config(make_app(store, out), log_level="warning", access_log=False)
    return uvicorn.Server(config)


def serve(store: Store, out: Path, listening: socket.socket) -> None:
    """Returns when it was interrupted."""
    make_server(store, out).run(sockets=[listening])
