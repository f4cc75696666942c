"""Build, find and open engines. No GPU here: the compiler and the provider are stand-ins."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import onnx
import pytest
import toy_model
from onnx import helper

from s2m_ros.cli.main import main
from s2m_ros.config import Config, Model, load
from s2m_ros.pipeline.camera import CameraStage
from s2m_ros.pipeline.conditions import Condition
from s2m_ros.runtime import manifest as manifests
from s2m_ros.runtime import session as sessions
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.graph import OnnxRuntimeGraph
from s2m_ros.runtime.session import Session
from s2m_ros.runtime.tensorrt import PROVIDER, engines, machine, store
from s2m_ros.runtime.tensorrt.machine import Machine
from s2m_ros.runtime.tensorrt.shapes import Plan, fixed_shapes, plan
from s2m_ros.types import InputError, State
from s2m_ros.wire.factory import RosbagsFactory

CPU = "CPUExecutionProvider"
HERE = Machine("10.3.0", "1.20.0", "12.6", "Orin (nvgpu)", "8.7")


def compile_(source: Path, given: Mapping[str, str]) -> None:
    """What ONNX Runtime's provider would write: one node that holds the engine."""
    model = onnx.load(str(source))
    names = [[v.name for v in part] for part in (model.graph.input, model.graph.output)]
    node = helper.make_node("EPContext", *names, domain="com.microsoft", embed_mode=1)
    node.attribute.append(helper.make_attribute("ep_cache_context", model.SerializeToString()))
    graph = helper.make_graph([node], "g", model.graph.input, model.graph.output)
    onnx.save(helper.make_model(graph), given["trt_ep_context_file_path"])


def opened(context: Path, config: Model) -> OnnxRuntimeGraph:
    """The graph in a context model of ``compile_``, on the CPU."""
    (node,) = onnx.load(str(context)).graph.node
    (engine,) = [a.s for a in node.attribute if a.name == "ep_cache_context"]
    path = context.with_name("engine.onnx")
    path.write_bytes(engine)
    graph = OnnxRuntimeGraph(path, [CPU], 1)
    graph.provider = PROVIDER
    return graph


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return toy_model.write(tmp_path / "toy")


@pytest.fixture
def gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """A machine with a GPU, as far as this package looks."""
    monkeypatch.setattr(sessions, "offered", lambda: [PROVIDER, CPU])
    monkeypatch.setattr(engines, "this_machine", lambda device: HERE)
    monkeypatch.setattr(engines, "compile_engine", compile_)
    monkeypatch.setattr(engines, "opened", opened)


def settings(folder: Path, **given: object) -> Config:
    return load(None, {
        "perception.model.path": str(folder),
        "perception.model.providers": [PROVIDER, CPU],
        "perception.model.tensorrt.cache": str(folder.parent / "engines"),
        **{f"perception.model.{name.replace('__', '.')}": v for name, v in given.items()},
    })  # fmt: skip


def held(stage: CameraStage) -> Condition:
    condition = stage.conditions.get("model")
    assert condition is not None
    return condition


def test_without_an_engine_the_policy_decides(folder: Path, gpu: None) -> None:
    frame = build_perception(settings(folder).perception)
    assert frame.info["provider"] == CPU
    assert "none has been built" in frame.info["warning"]
    assert frame.info["warning"].endswith(f"using {CPU}")
    with pytest.raises(InputError, match=r"none has been built.*s2m models build"):
        build_perception(settings(folder, provider_policy="require").perception)
    assert not list((folder.parent).glob("engines/*/*/*"))


def test_a_camera_without_its_engine_is_unknown_and_says_what_to_do(
    folder: Path, gpu: None
) -> None:
    stage = CameraStage(settings(folder, provider_policy="require"), RosbagsFactory())
    assert held(stage).state == State.BUILDING
    assert not stage.load()
    told = held(stage)
    assert told.state == State.UNKNOWN
    assert "s2m models build" in told.reason


def test_the_camera_is_building_while_engines_are_built(
    folder: Path, gpu: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    states = []
    config = settings(folder, provider_policy="require", tensorrt__missing="build")
    stage = CameraStage(config, RosbagsFactory())

    def watched(source: Path, given: Mapping[str, str]) -> None:
        states.append(held(stage).state)
        compile_(source, given)

    monkeypatch.setattr(engines, "compile_engine", watched)
    assert stage.load()
    assert states == [State.BUILDING, State.BUILDING]  # encoder and decoder
    assert stage.info["provider"] == PROVIDER
    again = CameraStage(config, RosbagsFactory())
    assert again.load()
    assert len(states) == 2


def test_a_perception_on_engines_sees_what_one_without_sees(folder: Path, gpu: None) -> None:
    boxes = [(40, 100, 88, 140), (200, 60, 232, 84)]
    image = toy_model.scene(boxes)
    config = settings(folder, provider_policy="require", tensorrt__missing="build")
    mine = build_perception(config.perception).perceive(image).masks
    plain = settings(folder, providers=[CPU]).perception
    theirs = build_perception(plain).perceive(image).masks
    assert len(mine.items) == len(theirs.items) == 2
    for one, two in zip(mine.items, theirs.items, strict=True):
        np.testing.assert_array_equal(mine.dense(one), theirs.dense(two))


def test_the_command_builds_what_the_nodes_look_for(
    folder: Path, gpu: None, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(machine, "this_machine", lambda device: HERE)
    cache = f"perception.model.tensorrt.cache={folder.parent / 'engines'}"
    command = ["models", "build", str(folder), "--set", cache]
    for arguments in (["--dry-run"], ["--size", "160x96"], ["--precision", "fp32"]):
        with pytest.raises(SystemExit) as end:
            main([*command, *arguments])
        assert not end.value.code
    shown = capsys.readouterr().out
    assert shown.count("all taken") == 6
    assert "Orin (nvgpu) (8.7), TensorRT 10.3.0, CUDA 12.6" in shown
    assert "largest difference from the CPU, of the range: anomaly 0 %" in shown
    built = sorted(folder.parent.glob("engines/toy/*/*/context.onnx"))
    assert [path.parent.parent.name for path in built] == ["decoder", "encoder", "encoder"]
    for precision in ("fp16", "fp32"):
        given = settings(folder, provider_policy="require", tensorrt__precision=precision)
        assert build_perception(given.perception).info["provider"] == PROVIDER
    with pytest.raises(InputError, match=r"shapes .*here .*192"):
        build_perception(settings(folder, provider_policy="require", width=192).perception)


def key_for(folder: Path, config: Model, part: str = "encoder") -> tuple[Path, store.Key]:
    manifest = manifests.read(folder)
    graph = manifest.file(part)
    wanted = plan(manifest, part, config)
    shapes = fixed_shapes(graph, wanted.template)
    return graph, store.key_of(graph, shapes, wanted.precision, config, HERE)


def test_a_graph_that_tensorrt_does_not_take_is_not_built(tmp_path: Path, gpu: None) -> None:
    (tmp_path / "odd").mkdir()
    node = helper.make_node("NonZero", ["x"], ["y"], name="search")
    x = helper.make_tensor_value_info("x", onnx.TensorProto.FLOAT, [2, 3])
    y = helper.make_tensor_value_info("y", onnx.TensorProto.INT64, [2, "n"])
    model = helper.make_model(helper.make_graph([node], "g", [x], [y]), ir_version=8,
                              opset_imports=[helper.make_opsetid("", 17)])  # fmt: skip
    path = tmp_path / "odd" / "odd.onnx"
    onnx.save(model, str(path))
    config = settings(tmp_path / "odd", tensorrt__missing="build").perception.model
    given = config.model_copy(update={"provider_policy": "require"})
    with pytest.raises(InputError, match=r"not for TensorRT: NonZero 'search': not taken"):
        Session(path, given, plan=lambda: Plan({}, "fp32"))
    assert Session(path, config, plan=lambda: Plan({}, "fp32")).provider == CPU


@pytest.mark.parametrize(
    ("write", "told"),
    [
        (lambda source, given: None, "ONNX Runtime wrote no engine"),
        (
            lambda source, given: onnx.save(
                onnx.load(str(source)), given["trt_ep_context_file_path"]
            ),
            "TensorRT left out",
        ),
    ],
)
def test_a_build_without_a_whole_engine_fails_and_leaves_nothing(
    folder: Path, write: engines.Compile, told: str
) -> None:
    config = settings(folder).perception.model
    graph, key = key_for(folder, config)
    with pytest.raises(InputError, match=told):
        engines.build(graph, key, config, write)
    assert [p.name for p in store.shelf(config, graph).iterdir()] == [".lock"]


def test_the_calibration_lies_beside_the_graph_that_is_built(folder: Path, tmp_path: Path) -> None:
    table = tmp_path / "site.flatbuffers"
    table.write_bytes(b"ranges")
    config = settings(folder, tensorrt__precision="int8", tensorrt__calibration=str(table))
    graph, key = key_for(folder, config.perception.model)
    seen = {}

    def watched(source: Path, given: Mapping[str, str]) -> None:
        name = given["trt_int8_calibration_table_name"]
        seen["table"] = (source.parent / given["trt_engine_cache_path"] / name).read_bytes()
        compile_(source, given)

    engines.build(graph, key, config.perception.model, watched)
    assert seen == {"table": b"ranges"}


@pytest.mark.filterwarnings("ignore:Specified provider")
def test_an_onnx_runtime_that_cannot_run_the_engine_is_an_error(folder: Path) -> None:
    config = settings(folder).perception.model
    graph, key = key_for(folder, config)
    context = engines.build(graph, key, config, compile_)
    with pytest.raises(InputError, match="TensorRT refuses the engine"):
        engines.opened(context, config)


def test_the_difference_of_two_runs(folder: Path) -> None:
    graph, key = key_for(folder, settings(folder).perception.model)
    one = OnnxRuntimeGraph(graph, [CPU], 1)
    assert set(engines.difference(one, one, key.shapes).values()) == {0.0}
