"""Engines built, found and opened."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable, Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from ...config import Model
from ...types import InputError
from ..graph import DTYPES, Array, OnnxRuntimeGraph
from . import PROVIDER, options, store
from .fixing import fixed
from .machine import preload, this_machine
from .shapes import Plan, fixed_shapes
from .store import Key, Shapes
from .support import problems

log = logging.getLogger(__name__)

Compile = Callable[[Path, Mapping[str, str]], None]
"""From a graph of fixed shapes and options of the provider to a context model on disk."""


def open_engine(graph: Path, plan: Plan, config: Model) -> OnnxRuntimeGraph:
    """The graph as an engine of this machine, which must have been built, or is built here where
    the settings allow it. InputError says what is in the way."""
    machine = this_machine(config.device)
    key = store.key_of(graph, fixed_shapes(graph, plan.template), plan.precision, config, machine)
    try:
        context = store.find(config, graph, key)
    except InputError as refusal:
        if config.tensorrt.missing != "build":
            raise
        log.warning("%s: building an engine, which takes minutes: %s", graph.name, refusal.problem)
        context = build(graph, key, config)
    return opened(context, config)


def build(graph: Path, key: Key, config: Model, compile_: Compile | None = None) -> Path:
    """Build the engine of this key unless it is there, and return its context model.

    Raises InputError when TensorRT would not take each node, or fails. compile_: for tests.
    """
    import onnx

    with store.alone(config, graph):
        with suppress(InputError):
            return store.find(config, graph, key)
        model = fixed(graph, key.shapes)
        wrong = problems(model)
        if wrong:
            told = "; ".join(map(str, wrong[:3])) + (
                f"; and {len(wrong) - 3} more" * (len(wrong) > 3)
            )
            raise InputError(str(graph), f"not for TensorRT: {told}", "see `s2m models check`")
        timings = store.cache_folder(config) / "timings"
        timings.mkdir(parents=True, exist_ok=True)
        with store.placing(config, graph, key) as folder:
            source = folder / "fixed.onnx"
            onnx.save(model, str(source))
            if key.calibration:
                table = Path(config.tensorrt.calibration)
                shutil.copyfile(table, folder / table.name)
            given = options.building(config, key.precision, folder, timings)
            (compile_ or compile_engine)(source, given)
            _require_whole(folder / options.CONTEXT_MODEL, graph)
            source.unlink()
        return store.find(config, graph, key)


def compile_engine(source: Path, given: Mapping[str, str]) -> None:
    """Have ONNX Runtime's provider build; it writes the context model that the options name."""
    fallback = ["CUDAExecutionProvider", "CPUExecutionProvider"]
    try:
        OnnxRuntimeGraph(source, [(PROVIDER, given), *fallback], 1, settle=False)
    except Exception as error:  # of classes without a common base
        raise InputError(
            str(source), f"TensorRT cannot build it: {error}", "see the log of TensorRT above"
        ) from error


def _require_whole(context: Path, graph: Path) -> None:
    """Raise InputError unless the context model is there and all of the graph is in engines."""
    import onnx

    if not context.is_file():
        raise InputError(
            str(graph), "ONNX Runtime wrote no engine", "see its log; use onnxruntime-gpu >= 1.20"
        )
    kinds = {node.op_type for node in onnx.load(str(context)).graph.node}
    if kinds != {"EPContext"}:
        left = sorted(kinds - {"EPContext"})
        raise InputError(str(graph), f"TensorRT left out {left}", "see `s2m models check`")


def difference(one: OnnxRuntimeGraph, two: OnnxRuntimeGraph, shapes: Shapes) -> dict[str, float]:
    """By output, the largest difference of two runs of a graph as a share of its range, on random
    inputs that are the same each time. InputError when a value is not finite."""
    rng = np.random.default_rng(0)
    feed: dict[str, Array] = {}
    for name, shape in shapes.items():
        dtype = DTYPES[one.input_types[name].removeprefix("tensor(").removesuffix(")")]
        feed[name] = (rng.random(shape) * (255 if dtype == np.uint8 else 1)).astype(dtype)
    result = {}
    for name, a, b in zip(
        one.outputs, one.run(feed, one.outputs), two.run(feed, one.outputs), strict=True
    ):
        if not (np.isfinite(a).all() and np.isfinite(b).all()):
            raise InputError(name, "not finite", "choose precision fp32")
        extent = float(np.ptp(b)) or 1.0
        result[name] = float(np.abs(a.astype(np.float64) - b).max()) / extent
    return result


def opened(context: Path, config: Model) -> OnnxRuntimeGraph:
    """A session over a context model; InputError when the provider does not take the engine."""
    preload()
    try:
        return OnnxRuntimeGraph(
            context,
            [
                (PROVIDER, options.running(config)),
                ("CUDAExecutionProvider", options.cuda(config)),
                "CPUExecutionProvider",
            ],
            config.threads,
            settle=False,
            optimize=False,
            held_on=("cuda", config.device) if config.tensorrt.cuda_graph else None,
        )
    except Exception as error:  # of classes without a common base
        raise InputError(
            str(context),
            f"TensorRT refuses the engine: {error}",
            "build it again: `s2m models build`",
        ) from error
