"""What an engine depends on besides its graph: the libraries and the GPU of this machine."""

from __future__ import annotations

import ctypes
import importlib
import re
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...types import InputError

PROVIDER_LIBRARY = "libonnxruntime_providers_tensorrt.so"
REMEDY = (
    "install the driver, CUDA and TensorRT that this ONNX Runtime was built for (docs/tensorrt.md),"
    " or leave TensorrtExecutionProvider out of perception.model.providers"
)
COMPUTE_CAPABILITY = (75, 76)
"""CU_DEVICE_ATTRIBUTE_COMPUTE_CAPABILITY_MAJOR and _MINOR."""


@dataclass(frozen=True, slots=True)
class Machine:
    """Versions as 'major.minor.patch'; compute_capability as '8.7', which is an Orin."""

    tensorrt: str
    onnxruntime: str
    cuda: str
    gpu: str
    compute_capability: str


def this_machine(device: int = 0, capi: Path | None = None) -> Machine:
    """Ask the libraries that ONNX Runtime's provider will use. capi: their folder, for tests.

    Raises InputError where one of them, the driver or the GPU is missing.
    """
    import onnxruntime

    folder = Path(onnxruntime.__file__).parent / "capi" if capi is None else capi
    provider = folder / PROVIDER_LIBRARY
    if not provider.is_file():
        raise InputError(
            str(folder), "this ONNX Runtime has no TensorRT", "pip install onnxruntime-gpu"
        )
    preload()
    name, capability = _gpu(_library("libcuda.so.1"), device)
    content = provider.read_bytes()
    cuda = ctypes.c_int()
    _library(_wanted(content, "libcudart")).cudaRuntimeGetVersion(ctypes.byref(cuda))
    tensorrt = int(_library(_wanted(content, "libnvinfer")).getInferLibVersion())
    return Machine(
        tensorrt_version(tensorrt),
        str(onnxruntime.__version__),
        f"{cuda.value // 1000}.{cuda.value % 1000 // 10}",
        name,
        capability,
    )


def preload() -> None:
    """Load CUDA and TensorRT where they came as Python packages: the provider then finds them."""
    import onnxruntime

    if hasattr(onnxruntime, "preload_dlls"):
        with suppress(Exception):  # a help only: what is missing is told by whoever needs it
            onnxruntime.preload_dlls()
    with suppress(Exception):
        importlib.import_module("tensorrt")


def tensorrt_version(number: int) -> str:
    """NV_TENSORRT_VERSION as words: 8503 is 8.5.3; from TensorRT 10 on 100300 is 10.3.0."""
    major = 10_000 if number >= 10_000 else 1000
    return f"{number // major}.{number % major // 100}.{number % 100}"


def _wanted(provider: bytes, library: str) -> str:
    """The file name under which the provider looks for a library: libnvinfer.so.10."""
    found = re.search(library.encode() + rb"\.so\.[0-9.]+", provider)
    return found[0].decode() if found else f"{library}.so"


def _library(name: str) -> ctypes.CDLL:
    try:
        return ctypes.CDLL(name)
    except OSError as error:
        raise InputError(name, f"cannot be loaded: {error}", REMEDY) from None


def _gpu(driver: Any, device: int) -> tuple[str, str]:
    """Name and compute capability by the CUDA driver API."""
    handle, count = ctypes.c_int(), ctypes.c_int()
    _check(driver.cuInit(0), "cuInit")
    _check(driver.cuDeviceGetCount(ctypes.byref(count)), "cuDeviceGetCount")
    if device >= count.value:
        raise InputError(
            "perception.model.device", f"is {device}, there are {count.value} GPUs", "correct it"
        )
    _check(driver.cuDeviceGet(ctypes.byref(handle), device), "cuDeviceGet")
    name = ctypes.create_string_buffer(256)
    _check(driver.cuDeviceGetName(name, len(name), handle), "cuDeviceGetName")
    capability = []
    for attribute in COMPUTE_CAPABILITY:
        value = ctypes.c_int()
        status = driver.cuDeviceGetAttribute(ctypes.byref(value), attribute, handle)
        _check(status, "cuDeviceGetAttribute")
        capability.append(str(value.value))
    return name.value.decode(errors="replace"), ".".join(capability)


def _check(status: int, call: str) -> None:
    if status:
        raise InputError("libcuda.so.1", f"{call} gave error {status}: no usable GPU", REMEDY)
