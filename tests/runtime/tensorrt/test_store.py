"""Keys of engines, and what happens to one that does not fit."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest

from s2m_ros.config import Model, TensorRT
from s2m_ros.runtime.tensorrt import store
from s2m_ros.runtime.tensorrt.machine import Machine
from s2m_ros.runtime.tensorrt.options import CONTEXT_MODEL
from s2m_ros.types import InputError

ORIN = Machine("10.3.0", "1.20.0", "12.6", "Orin (nvgpu)", "8.7")
SHAPES = {"image": (1, 544, 960, 3)}


@pytest.fixture
def graph(tmp_path: Path) -> Path:
    (tmp_path / "model").mkdir()
    path = tmp_path / "model" / "encoder.onnx"
    path.write_bytes(b"weights")
    return path


@pytest.fixture
def config(tmp_path: Path) -> Model:
    return Model(tensorrt=TensorRT(cache=str(tmp_path / "engines")))


def key_of(graph: Path, config: Model, machine: Machine = ORIN) -> store.Key:
    return store.key_of(graph, SHAPES, config.tensorrt.precision, config, machine)


def place(config: Model, graph: Path, key: store.Key, content: bytes = b"engine") -> Path:
    with store.alone(config, graph), store.placing(config, graph, key) as folder:
        (folder / CONTEXT_MODEL).write_bytes(content)
    return store.find(config, graph, key)


def test_an_engine_is_found_by_its_key(graph: Path, config: Model) -> None:
    key = key_of(graph, config)
    context = place(config, graph, key)
    assert context.read_bytes() == b"engine"
    assert context.parent.parent == Path(config.tensorrt.cache) / "model" / "encoder"
    assert store.find(config, graph, key_of(graph, config)) == context


CHANGES = {
    "tensorrt 10.3.0, here 10.7.0": {"machine": replace(ORIN, tensorrt="10.7.0")},
    "onnxruntime 1.20.0, here 1.31.1": {"machine": replace(ORIN, onnxruntime="1.31.1")},
    "cuda 12.6, here 13.0": {"machine": replace(ORIN, cuda="13.0")},
    r"gpu Orin \(nvgpu\), here NVIDIA L4": {"machine": replace(ORIN, gpu="NVIDIA L4")},
    "compute_capability 8.7, here 8.9": {"machine": replace(ORIN, compute_capability="8.9")},
    r'shapes \{"image": \[1, 544, 960, 3\]\}, here \{"image": \[1, 352, 640, 3\]\}': {
        "shapes": {"image": (1, 352, 640, 3)}
    },
    "precision fp16, here fp32": {"precision": "fp32"},
    r"calibration none, here a{12}\.\.\.": {"calibration": "a" * 64},
    "optimization_level 3, here 5": {"optimization_level": 5},
    "workspace_mb 1024, here 64": {"workspace_mb": 64},
    r"model_sha256 \w{12}\.\.\., here b{12}\.\.\.": {"model_sha256": "b" * 64},
}


@pytest.mark.parametrize("told", CHANGES)
def test_a_stale_or_foreign_engine_is_refused_with_what_differs(
    graph: Path, config: Model, told: str
) -> None:
    key = key_of(graph, config)
    place(config, graph, key)
    other = replace(key, **CHANGES[told])
    assert other.name() != key.name()
    with pytest.raises(InputError, match=f"built for another case: {told}: run `s2m models build"):
        store.find(config, graph, other)


def test_the_nearest_engine_is_the_one_that_is_told(graph: Path, config: Model) -> None:
    key = key_of(graph, config)
    place(config, graph, replace(key, machine=Machine("8.6.1", "1.17.0", "11.4", "Xavier", "7.2")))
    place(config, graph, replace(key, precision="fp32"))
    with pytest.raises(InputError, match="another case: precision fp32, here fp16: run"):
        store.find(config, graph, key)


def test_without_any_engine_it_says_how_to_build(graph: Path, config: Model) -> None:
    told = (
        r"none has been built in .*engines/model/encoder: run `s2m models build .*or set "
        r".*missing to build"
    )
    with pytest.raises(InputError, match=told):
        store.find(config, graph, key_of(graph, config))


def test_a_damaged_engine_is_refused(graph: Path, config: Model) -> None:
    key = key_of(graph, config)
    context = place(config, graph, key)
    context.write_bytes(b"other")
    with pytest.raises(InputError, match=r"context\.onnx: is not the file that was built"):
        store.find(config, graph, key)
    assert place(config, graph, key, b"again").read_bytes() == b"again"
    (context.parent / store.RECORD).write_text("{")
    with pytest.raises(InputError, match="none has been built"):
        store.find(config, graph, key)


def test_a_build_that_fails_leaves_nothing(graph: Path, config: Model) -> None:
    key = key_of(graph, config)

    def fail() -> None:
        with store.alone(config, graph), store.placing(config, graph, key) as folder:
            (folder / CONTEXT_MODEL).write_bytes(b"half")
            raise RuntimeError("out of memory")

    with pytest.raises(RuntimeError):
        fail()
    left = [p.name for p in store.shelf(config, graph).iterdir()]
    assert left == [".lock"]


def test_int8_takes_its_calibration_into_the_key(graph: Path, tmp_path: Path) -> None:
    table = tmp_path / "table"
    settings = TensorRT(cache=str(tmp_path), precision="int8", calibration=str(table))
    with pytest.raises(InputError, match="no such file: run `s2m models calibrate`"):
        key_of(graph, Model(tensorrt=settings))
    names = set()
    for content in (b"one", b"two"):
        table.write_bytes(content)
        names.add(key_of(graph, Model(tensorrt=settings)).name())
    assert len(names) == 2
    exact = store.key_of(graph, SHAPES, "fp32", Model(tensorrt=settings), ORIN)
    assert exact.calibration == ""


def test_engines_do_not_go_to_a_temporary_folder_by_themselves(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", "/var/cache/vehicle")
    assert store.cache_folder(Model()) == Path("/var/cache/vehicle/s2m_ros/engines")
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(InputError, match="temporary folder"):
        store.cache_folder(Model())
