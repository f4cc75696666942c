"""How often pixels and points are copied on their way is held: one more is seen here."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest

TOOLS = Path(__file__).resolve().parents[2] / "tools"


@pytest.fixture
def copies(monkeypatch: pytest.MonkeyPatch) -> Iterator[ModuleType]:
    monkeypatch.syspath_prepend(TOOLS)
    import copies

    yield copies
    del sys.modules["copies"]


def test_an_image_is_copied_into_the_size_of_the_network_alone(copies: ModuleType) -> None:
    found = copies.image_path(copies.made_image(), copies.rosbags(copies.IMAGE))
    ours = [copy for copy in found if copy.place.startswith("s2m_ros")]
    assert [copy.place.split()[-1] for copy in ours] == ["resized"]
    assert copies.total(ours) == pytest.approx(640 * 352 / (960 * 540), abs=0.02)


def test_points_are_copied_once_and_their_times_once(copies: ModuleType) -> None:
    found = copies.sweep_path(copies.made_sweep(), copies.rosbags(copies.CLOUD))
    ours = [copy for copy in found if copy.place.startswith("s2m_ros")]
    assert [copy.place.split()[-1] for copy in ours] == ["_positions", "_offsets"]
    assert copies.total(ours) == pytest.approx((12 + 8) / 20, abs=0.02)


def test_a_copy_is_seen_where_it_is_made(copies: ModuleType) -> None:
    image = np.zeros(1_000_000, np.uint8)
    _, found = copies.copies(image.nbytes, lambda: image.copy())
    assert [(copy.place, copy.share) for copy in found] == [("the middleware", 1.0)]
