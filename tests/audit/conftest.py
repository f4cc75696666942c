"""Bags of results for the tests of this folder."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from drives import write_drive


@pytest.fixture(scope="session")
def drive_bag(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_drive(tmp_path_factory.mktemp("drive") / "bag")


@pytest.fixture
def make_drive(tmp_path: Path) -> Callable[..., Path]:
    def make(**options: Any) -> Path:
        return write_drive(tmp_path / "bag", **options)

    return make
