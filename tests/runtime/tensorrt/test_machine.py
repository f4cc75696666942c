"""Libraries and GPU as they tell of themselves, by stand-ins that gcc builds."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from s2m_ros.runtime.tensorrt.machine import PROVIDER_LIBRARY, tensorrt_version, this_machine
from s2m_ros.types import InputError

LIBRARIES = {
    "libnvinfer.so.10": "int getInferLibVersion(void) { return 100300; }",
    "libcudart.so.12": "int cudaRuntimeGetVersion(int *v) { *v = 12060; return 0; }",
    "libcuda.so.1": """
        #include <string.h>
        int cuInit(unsigned flags) { return INIT; }
        int cuDeviceGetCount(int *n) { *n = 2; return 0; }
        int cuDeviceGet(int *d, int i) { *d = 40 + i; return 0; }
        int cuDeviceGetName(char *s, int n, int d) {
            strncpy(s, d == 41 ? "Orin (nvgpu)" : "other", n); return 0; }
        int cuDeviceGetAttribute(int *v, int a, int d) { *v = a == 75 ? 8 : 7; return 0; }
    """,
}


def asked(folder: Path, device: int, lacking: str = "", status: int = 0) -> str:
    """What ``this_machine`` says in a process that finds these libraries."""
    compiler = shutil.which("gcc") or shutil.which("cc")
    if compiler is None:
        pytest.skip("no C compiler, which makes the stand-ins for NVIDIA's libraries")
    for name, code in LIBRARIES.items():
        if name != lacking:
            (folder / "code.c").write_text(code)
            subprocess.run(
                [compiler, "-shared", "-fPIC", f"-DINIT={status}", "-o", folder / name,
                 folder / "code.c"],
                check=True,
            )  # fmt: skip
    (folder / PROVIDER_LIBRARY).write_bytes(b"\x7fELF libnvinfer.so.10\0libcudart.so.12\0")
    code = (
        "import sys; from pathlib import Path\n"
        "from s2m_ros.runtime.tensorrt.machine import this_machine\n"
        f"try: print(this_machine({device}, Path(sys.argv[1])))\n"
        "except Exception as error: print(type(error).__name__, error)"
    )
    result = subprocess.run(
        [sys.executable, "-c", code, str(folder)],
        env={**os.environ, "LD_LIBRARY_PATH": str(folder)},
        text=True, capture_output=True, check=True,
    )  # fmt: skip
    return result.stdout


def test_all_that_an_engine_depends_on_is_asked_for(tmp_path: Path) -> None:
    told = asked(tmp_path, device=1)
    assert "tensorrt='10.3.0'" in told
    assert "cuda='12.6'" in told
    assert "gpu='Orin (nvgpu)', compute_capability='8.7'" in told


@pytest.mark.parametrize(
    ("lacking", "status", "device", "problem"),
    [
        ("libnvinfer.so.10", 0, 0, "InputError libnvinfer.so.10: cannot be loaded"),
        ("libcudart.so.12", 0, 0, "InputError libcudart.so.12: cannot be loaded"),
        ("", 100, 0, "cuInit gave error 100: no usable GPU"),
        ("", 0, 2, "InputError perception.model.device: is 2, there are 2 GPUs"),
    ],
)
def test_what_is_missing_is_named(
    tmp_path: Path, lacking: str, status: int, device: int, problem: str
) -> None:
    assert problem in asked(tmp_path, device, lacking, status)


def test_an_onnx_runtime_without_tensorrt(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has no TensorRT: pip install onnxruntime-gpu"):
        this_machine(0, tmp_path)


@pytest.mark.parametrize(
    ("number", "words"), [(8503, "8.5.3"), (8601, "8.6.1"), (100300, "10.3.0"), (101601, "10.16.1")]
)
def test_numbers_of_versions(number: int, words: str) -> None:
    assert tensorrt_version(number) == words
