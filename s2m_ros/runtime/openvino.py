"""OpenVINO on Intel CPUs: the same ONNX graph, in bfloat16 where the processor has it (AMX).

Stands in for ONNX Runtime's provider of that name, whose wheel would replace the one for GPUs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from . import compiled
from .manifest import sha256

Array = NDArray[Any]

PROVIDER = "OpenVINOExecutionProvider"
COMPILED_SHAPES = 4
"""Compiled graphs that are kept, one for each set of input shapes."""
DEEP = 16
"""Channels from which a map leaves the graph as the convolutions hold it."""
_REWRITING = 2
"""Counts up when what is done to a graph before it is compiled changes."""


def importable() -> bool:
    return find_spec("openvino") is not None


class OpenVinoGraph:
    """One ONNX graph, compiled anew for each set of input shapes.

    Of inputs whose first size is free, as of a batch, it stays free.
    """

    provider = PROVIDER

    def __init__(self, path: Path, threads: int) -> None:
        """Raises OpenVINO's RuntimeError when it refuses the file."""
        import openvino

        self._sha256 = sha256(path)
        self._core = openvino.Core()
        self._model = self._core.read_model(str(path))
        self._turned = _deep(self._model)
        self._options = {
            "PERFORMANCE_HINT": "LATENCY",
            "INFERENCE_NUM_THREADS": threads,
            "ENABLE_CPU_PINNING": False,  # several nodes share the cores
        }
        inputs = self._model.inputs
        self.inputs = tuple(port.get_any_name() for port in inputs)
        self.outputs = tuple(port.get_any_name() for port in self._model.outputs)
        self.input_shapes: Mapping[str, tuple[int | str | None, ...]] = {
            port.get_any_name(): tuple(
                None if size.is_dynamic else size.get_length() for size in port.partial_shape
            )
            for port in inputs
        }
        self.input_types: Mapping[str, str] = {
            port.get_any_name(): f"tensor({port.element_type.to_dtype().name})" for port in inputs
        }
        self._requests: dict[tuple[tuple[int, ...], ...], Any] = {}

    def run(self, feed: Mapping[str, Array], outputs: Sequence[str]) -> list[Array]:
        shapes = tuple(
            tuple(feed[name].shape)
            if self.input_shapes[name][:1] != (None,)
            else (-1, *feed[name].shape[1:])
            for name in self.inputs
        )
        request = self._requests.get(shapes)
        if request is None:
            request = self._compile(shapes)
            if len(self._requests) == COMPILED_SHAPES:
                del self._requests[next(iter(self._requests))]
            self._requests[shapes] = request
        given = {name: np.ascontiguousarray(feed[name]) for name in self.inputs}
        request.infer(given, share_inputs=True, share_outputs=True)
        return [self._own(name, request.get_tensor(name).data) for name in outputs]

    def _own(self, name: str, data: Array) -> Array:
        """A copy of an output, which the next run would overwrite, its channels in front."""
        if name not in self._turned:
            return np.array(data)
        _, height, width, channels = data.shape
        maps = cv2.transpose(data.reshape(height * width, channels))
        return np.asarray(maps).reshape(1, channels, height, width)

    def _compile(self, shapes: tuple[tuple[int, ...], ...]) -> Any:
        name = compiled.key(
            model=self._sha256,
            rewriting=_REWRITING,
            shapes=dict(zip(self.inputs, shapes, strict=True)),
            options=self._options,
            processor=self._core.get_property("CPU", "FULL_DEVICE_NAME"),
            arithmetic=sorted(self._core.get_property("CPU", "OPTIMIZATION_CAPABILITIES")),
            openvino=str(self._core.get_versions("CPU")["CPU"].build_number),
        )
        ready = compiled.load(self._core, name, self._options)
        if ready is None:
            model = self._model.clone()
            _unshare_weights(model)
            _channels_last(model, self._turned)
            model.reshape({n: list(shape) for n, shape in zip(self.inputs, shapes, strict=True)})
            ready = self._core.compile_model(model, "CPU", self._options)
            compiled.keep(ready, name)
        return ready.create_infer_request()


def _unshare_weights(model: Any) -> None:
    """Give each operation weights of its own, in place.

    OpenVINO does not fuse an activation into a convolution whose weights a second one shares, as in
    a graph that looks at two scales: 30 of 110 ms.
    """
    from openvino import opset13

    for node in model.get_ops():
        if node.get_type_name() != "Constant":
            continue
        for port in list(node.output(0).get_target_inputs())[1:]:
            port.replace_source_output(
                opset13.constant(node.data, node.get_element_type()).output(0)
            )


def _deep(model: Any) -> set[str]:
    """The outputs that are maps (1, C, H, W) of at least ``DEEP`` channels."""
    deep: set[str] = set()
    for port in model.outputs:
        shape = port.get_partial_shape()
        if shape.rank.get_length() == 4 and shape[0] == 1 and shape[1].is_static:
            deep |= port.get_names() if shape[1].get_length() >= DEEP else set()
    return deep


def _channels_last(model: Any, names: set[str]) -> None:
    """Let these maps (1, C, H, W) out as (1, H, W, C), in place.

    That is how the convolutions hold them, and what OpenVINO takes 4 ms for takes OpenCV 0.4. The
    convolution by one keeps what stands between the last true one and the output, a whole level of
    the pyramid with its copies, from being computed in float32.
    """
    from openvino import opset13

    for result in model.get_results():
        source = result.input_value(0)
        known = source.get_names()
        if not known & names:
            continue
        one = np.eye(source.get_partial_shape()[1].get_length(), dtype=np.float32)
        still = opset13.convolution(
            source, opset13.constant(one[:, :, None, None]), [1, 1], [0, 0], [0, 0], [1, 1]
        )
        last = opset13.transpose(still, opset13.constant(np.asarray([0, 2, 3, 1])))
        source.get_tensor().set_names(set())
        last.output(0).get_tensor().set_names(known)
        result.input(0).replace_source_output(last.output(0))
    model.validate_nodes_and_infer_types()
