"""The bench that every test of the nodes gets."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from bench import Bench, Participant


@pytest.fixture(scope="session")
def participant(ros_domain_id: int) -> Iterator[Participant]:
    pytest.importorskip("rclpy")
    from bench import Participant

    made = Participant(ros_domain_id)
    yield made
    made.close()


@pytest.fixture
def bench(participant: Participant, tmp_path: Path) -> Iterator[Bench]:
    from bench import Bench

    with Bench(participant, tmp_path) as made:
        yield made
