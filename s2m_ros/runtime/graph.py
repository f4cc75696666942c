"""One ONNX graph in ONNX Runtime: threads by configuration, deterministic."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Provider = str | tuple[str, Mapping[str, str]]
"""An execution provider by name, or with its options."""

DTYPES = {
    "float": np.float32, "double": np.float64, "float16": np.float16, "bool": np.bool_,
    "uint8": np.uint8, "int8": np.int8, "int32": np.int32, "int64": np.int64,
}  # fmt: skip


class OnnxRuntimeGraph:
    """One ONNX graph in ONNX Runtime."""

    def __init__(
        self,
        path: Path,
        providers: Sequence[Provider],
        threads: int,
        *,
        settle: bool = True,
        optimize: bool = True,
        held_on: tuple[str, int] | None = None,
    ) -> None:
        """Raises ONNX Runtime's errors when it refuses the file.

        settle: when a provider cannot start, start without it; else that is an error. optimize:
        rewrite the graph, which one that only reads from an engine does not need. held_on: keep
        inputs and outputs at the same addresses of a device ('cuda', 0), as CUDA graphs want it;
        the shapes must be fixed.
        """
        import onnxruntime

        options = onnxruntime.SessionOptions()
        options.intra_op_num_threads = threads
        options.inter_op_num_threads = 1
        options.execution_mode = onnxruntime.ExecutionMode.ORT_SEQUENTIAL
        options.use_deterministic_compute = True
        options.log_severity_level = 3
        if not optimize:
            options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_DISABLE_ALL
        # Waiting threads sleep: spinning ones would take the cores from the other nodes.
        options.add_session_config_entry("session.intra_op.allow_spinning", "0")
        self._session = onnxruntime.InferenceSession(
            str(path), options, providers=list(providers), enable_fallback=settle
        )
        self.provider = str(self._session.get_providers()[0])
        self.inputs: tuple[str, ...] = tuple(i.name for i in self._session.get_inputs())
        self.outputs: tuple[str, ...] = tuple(o.name for o in self._session.get_outputs())
        self.input_shapes: Mapping[str, tuple[int | str | None, ...]] = {
            i.name: tuple(i.shape) for i in self._session.get_inputs()
        }
        self.input_types: Mapping[str, str] = {
            i.name: str(i.type) for i in self._session.get_inputs()
        }
        self._held = _Held(self._session, *held_on) if held_on else None

    def run(self, feed: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        if self._held is not None:
            return self._held.run(feed, outputs)
        result: list[Array] = self._session.run(list(outputs), dict(feed))
        return [np.asarray(array) for array in result]


class _Held:
    """Inputs and outputs of a session in memory of the device that stays where it is."""

    def __init__(self, session: Any, device: str, index: int) -> None:
        import onnxruntime

        def place(value: Any) -> Any:
            kind = DTYPES[str(value.type).removeprefix("tensor(").removesuffix(")")]
            make = onnxruntime.OrtValue.ortvalue_from_shape_and_type
            return make([int(size) for size in value.shape], kind, device, index)

        self._session = session
        self._binding = session.io_binding()
        self._given = {value.name: place(value) for value in session.get_inputs()}
        self._written = {value.name: place(value) for value in session.get_outputs()}
        for name, value in self._given.items():
            self._binding.bind_ortvalue_input(name, value)
        for name, value in self._written.items():
            self._binding.bind_ortvalue_output(name, value)

    def run(self, feed: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        for name, value in self._given.items():
            value.update_inplace(np.ascontiguousarray(feed[name]))
        self._session.run_with_iobinding(self._binding)
        return [np.array(self._written[name].numpy()) for name in outputs]


def declared(path: Path) -> Mapping[str, tuple[int | str | None, ...]]:
    """The shapes that a graph declares for its inputs; free dimensions are names or None."""
    return OnnxRuntimeGraph(path, ["CPUExecutionProvider"], 1, optimize=False).input_shapes
