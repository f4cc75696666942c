"""What ONNX Runtime's own TensorRT provider says to our options. It needs no GPU for that, but
onnxruntime-gpu: installed, or its wheel unpacked in the folder $S2M_ONNXRUNTIME_GPU."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import onnx
import provider_stubs
import pytest
from onnx import helper

from s2m_ros.config import Model, TensorRT
from s2m_ros.runtime.tensorrt import options
from s2m_ros.runtime.tensorrt.machine import PROVIDER_LIBRARY

ACCEPTED = Path(__file__).with_name("accepted_options.txt")
ASK = """
import json, sys, onnxruntime
onnxruntime.InferenceSession(
    sys.argv[1],
    providers=[("TensorrtExecutionProvider", json.loads(sys.argv[2]))],
    enable_fallback=0,
)
"""


@pytest.fixture(scope="module")
def package() -> Path:
    """The folder that holds the package onnxruntime with a TensorRT provider in it."""
    spec = find_spec("onnxruntime")
    assert spec is not None
    assert spec.origin is not None
    for folder in (os.environ.get("S2M_ONNXRUNTIME_GPU"), Path(spec.origin).parent.parent):
        if folder and (Path(folder) / "onnxruntime" / "capi" / PROVIDER_LIBRARY).is_file():
            return Path(folder)
    pytest.skip("no onnxruntime-gpu: pip download it, unzip, name the folder S2M_ONNXRUNTIME_GPU")


def asked(package: Path, tmp_path: Path, given: dict[str, str]) -> str:
    """What is said when a session is made with these options. It cannot come to life, with
    libraries that compute nothing, but its options are read first."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None or shutil.which("nm") is None or shutil.which("readelf") is None:
        pytest.skip("no gcc and binutils, which make the stand-ins for NVIDIA's libraries")
    provider_stubs.write(package / "onnxruntime" / "capi" / PROVIDER_LIBRARY, tmp_path, compiler)
    values = [
        helper.make_tensor_value_info(name, onnx.TensorProto.FLOAT, [1, 4]) for name in ("x", "y")
    ]
    nodes = [helper.make_node("Relu", ["x"], ["y"])]
    graph = helper.make_graph(nodes, "g", values[:1], values[1:])
    opsets = [helper.make_opsetid("", 17)]
    path = tmp_path / "graph.onnx"
    onnx.save(helper.make_model(graph, opset_imports=opsets, ir_version=8), str(path))
    result = subprocess.run(
        [sys.executable, "-c", ASK, str(path), json.dumps(given)],
        env={**os.environ, "LD_LIBRARY_PATH": str(tmp_path), "PYTHONPATH": str(package)},
        text=True, capture_output=True, check=False, timeout=60,
    )  # fmt: skip
    return result.stderr


def test_the_provider_takes_our_options_and_refuses_others(package: Path, tmp_path: Path) -> None:
    nonsense = asked(package, tmp_path, {"trt_nonsense": "1"})
    assert "Invalid TensorRT EP option: trt_nonsense" in nonsense
    number = asked(package, tmp_path, {"trt_fp16_enable": "1"})
    assert "'trt_fp16_enable' should be 'True' or 'False'" in number
    config = Model(tensorrt=TensorRT(precision="int8", calibration="x/table", cuda_graph=True))
    ours = [options.running(config)]
    for precision in ("fp32", "fp16", "int8"):
        ours.append(options.building(config, precision, tmp_path, tmp_path))
    for given in ours:
        told = asked(package, tmp_path, given)
        assert "CUDA Provider not available" in told  # the step after the options
        assert "EP option" not in told
        assert "should be" not in told


def test_the_list_of_names_is_the_librarys(package: Path) -> None:
    content = (package / "onnxruntime" / "capi" / PROVIDER_LIBRARY).read_bytes()
    for name in ACCEPTED.read_text().splitlines():
        if not name.startswith(("#", "user_compute_stream")):
            assert name.encode() in content, name
