"""The options that ONNX Runtime's TensorRT provider gets, made from the settings."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Literal

from ...config import Model

Precision = Literal["fp32", "fp16", "int8"]
CONTEXT_MODEL = "context.onnx"
"""The ONNX file of one node, with the engine in it (ONNX Runtime's EPContext)."""
TRUE, FALSE = "True", "False"
"""How the provider wants to read them: it refuses 1 and 0."""


def running(config: Model) -> dict[str, str]:
    """Options of a session over a built engine: nothing in them lets the provider build."""
    return {
        "device_id": str(config.device),
        "trt_cuda_graph_enable": TRUE if config.tensorrt.cuda_graph else FALSE,
    }


def building(config: Model, precision: Precision, folder: Path, timings: Path) -> dict[str, str]:
    """Options of the session that builds an engine into ``folder``.

    timings: where measured times of kernels are kept, so that the next build is shorter. The
    calibration of int8 must lie in the folder: beside a context model the provider takes relative
    paths only. The engine goes into the context model, so the provider's own cache stays off.
    """
    settings = config.tensorrt
    options = {
        "device_id": str(config.device),
        "trt_fp16_enable": TRUE if precision in ("fp16", "int8") else FALSE,
        "trt_builder_optimization_level": str(settings.optimization_level),
        "trt_max_workspace_size": str(settings.workspace_mb << 20),
        "trt_timing_cache_enable": TRUE,
        "trt_timing_cache_path": str(timings),
        "trt_dump_ep_context_model": TRUE,
        "trt_ep_context_embed_mode": "1",
        "trt_ep_context_file_path": str(folder / CONTEXT_MODEL),
    }
    if precision == "int8":
        options |= {
            "trt_int8_enable": TRUE,
            "trt_int8_use_native_calibration_table": FALSE,
            "trt_engine_cache_path": ".",
            "trt_int8_calibration_table_name": Path(settings.calibration).name,
        }
    return options


def cuda(config: Model) -> Mapping[str, str]:
    """Options of the CUDA provider."""
    return {"device_id": str(config.device)}
