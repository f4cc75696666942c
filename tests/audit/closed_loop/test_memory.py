"""Frames of perception on disk: what comes back is what went in, and runs no code."""

from __future__ import annotations

import contextlib
import pickle
import zlib
from dataclasses import fields, is_dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import toy_model
from hypothesis import given, settings
from hypothesis import strategies as st

from s2m_ros.audit.closed_loop.memory import Memory, pack, unpack
from s2m_ros.config import load
from s2m_ros.perception.interfaces import Frame
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import InputError


@pytest.fixture(scope="module")
def frame(tmp_path_factory: pytest.TempPathFactory) -> Frame:
    model = toy_model.write(tmp_path_factory.mktemp("models") / "toy")
    config = load(overrides={"perception.model.path": str(model)})
    image = toy_model.scene([(40, 100, 88, 140), (150, 90, 180, 120)])
    return build_perception(config.perception).perceive(image, 5, "front", "optical", 3)


def same(one: Any, other: Any) -> bool:
    if is_dataclass(one):
        assert type(one) is type(other)
        return all(same(getattr(one, f.name), getattr(other, f.name)) for f in fields(one))
    if isinstance(one, np.ndarray):
        return one.dtype == other.dtype and one.shape == other.shape and bool((one == other).all())
    if isinstance(one, tuple):
        return len(one) == len(other) and all(map(same, one, other))
    return bool(one == other)


def test_a_frame_comes_back_bit_for_bit(frame: Frame, tmp_path: Path) -> None:
    assert frame.masks.items
    with Memory(tmp_path, "drive") as memory:
        memory.put("key", "front", 5, frame)
    with Memory(tmp_path, "drive") as memory:
        again = memory.get("key", "front", 5)
        assert memory.get("key", "front", 6) is None
    assert same(frame, again)


def test_a_pickle_is_refused_unread(tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> Any:
            return (Path.touch, (tmp_path / "sprung",))

    with pytest.raises(InputError, match="remove the cache"):
        unpack(zlib.compress(pickle.dumps(Trap())))
    assert not (tmp_path / "sprung").exists()


@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_damage_is_named_or_harmless(frame: Frame, data: st.DataObject) -> None:
    whole = bytearray(zlib.decompress(pack(frame)))
    whole = whole[: data.draw(st.integers(0, len(whole)))] if data.draw(st.booleans()) else whole
    for _ in range(data.draw(st.integers(0, 4))):
        if whole:
            whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        assert isinstance(unpack(zlib.compress(bytes(whole), 1)), Frame)
