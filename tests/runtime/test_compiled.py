"""Compiled graphs are used again, and never needed."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest

from s2m_ros.runtime import compiled
from s2m_ros.runtime.openvino import OpenVinoGraph
from tests.support import toy_model

openvino = pytest.importorskip("openvino", reason="the intel extra is not installed")
OPTIONS = {"PERFORMANCE_HINT": "LATENCY"}
FEED = {"image": np.full((1, 96, 160, 3), 90, np.uint8)}


@pytest.fixture
def graph(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return toy_model.write(tmp_path / "toy") / "encoder.onnx"


def anomaly(graph: Path, threads: int = 1) -> np.ndarray:
    return OpenVinoGraph(graph, threads).run(FEED, ["anomaly"])[0]


def files() -> list[Path]:
    return sorted(compiled.folder().iterdir())


def test_the_second_run_takes_what_the_first_compiled(
    graph: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = anomaly(graph)
    (kept,) = files()

    def refuse(*_: object) -> None:
        raise AssertionError("compiled again")

    monkeypatch.setattr(openvino.Core, "compile_model", refuse)
    np.testing.assert_array_equal(anomaly(graph), first)
    assert files() == [kept]
    with pytest.raises(AssertionError, match="compiled again"):
        anomaly(graph, threads=2)  # other settings are another graph


def test_another_model_is_another_graph(graph: Path) -> None:
    anomaly(graph)
    graph.write_bytes(graph.read_bytes() + b"\x3a\x00")  # a field that says nothing
    anomaly(graph)
    assert len(files()) == 2


def test_the_file_is_read_when_it_is_opened_and_not_again(graph: Path) -> None:
    opened = OpenVinoGraph(graph, 1)
    graph.unlink()
    assert opened.run(FEED, ["anomaly"])[0].size


@pytest.mark.parametrize("damage", [b"", b"short", None])
def test_what_is_damaged_is_compiled_again(graph: Path, damage: bytes | None) -> None:
    first = anomaly(graph)
    (kept,) = files()
    kept.write_bytes(kept.read_bytes()[:-1] + b"\x00" if damage is None else damage)
    np.testing.assert_array_equal(anomaly(graph), first)
    assert files() == [kept]
    whole = kept.read_bytes()
    assert hashlib.sha256(whole[32:]).digest() == whole[:32]


def test_what_openvino_refuses_is_compiled_again(graph: Path) -> None:
    first = anomaly(graph)
    (kept,) = files()
    kept.write_bytes(hashlib.sha256(b"of another release").digest() + b"of another release")
    np.testing.assert_array_equal(anomaly(graph), first)


def test_without_a_place_to_keep_it_nothing_is_missing(
    graph: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "file").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "file"))
    assert anomaly(graph).shape[1:] == anomaly(graph).shape[1:]


def test_only_the_newest_are_kept(graph: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(compiled, "MOST_FILES", 2)
    model = openvino.Core().compile_model(openvino.Core().read_model(graph), "CPU", OPTIONS)
    for second, name in enumerate(["a", "b"]):
        compiled.keep(model, name)
        os.utime(compiled.folder() / name, (second, second))
    assert compiled.load(openvino.Core(), "a", OPTIONS) is not None  # used: now the newest
    compiled.keep(model, "c")
    assert [file.name for file in files()] == ["a", "c"]
