"""A graph of fixed shapes out of one with free dimensions, as TensorRT wants it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

from ...types import InputError
from .store import Shapes

if TYPE_CHECKING:
    import onnx


def fixed(path: Path, shapes: Shapes) -> onnx.ModelProto:
    """The same graph for these input shapes alone: shapes inferred, constants folded.

    What computed shapes is gone from it, and 8-bit images are cast before anything else looks at
    them, since TensorRT takes 8-bit integers as inputs of a Cast only.

    Raises InputError for inputs without a shape, and for a graph that these shapes do not fit.
    """
    import onnx
    from onnx import shape_inference

    try:
        model = onnx.load(str(path))
        _lay(model, path, shapes)
        model = shape_inference.infer_shapes(
            model, check_type=True, strict_mode=True, data_prop=True
        )
        model = _folded(model)
    except InputError:
        raise
    except Exception as error:  # of classes without a common base
        raise InputError(
            str(path),
            f"cannot be given the shapes {dict(shapes)}: {str(error).strip().splitlines()[0]}",
            "export it for other shapes, or correct the sizes",
        ) from error
    _cast_first(model)
    return model


def _lay(model: onnx.ModelProto, path: Path, shapes: Shapes) -> None:
    """Write the shapes over those of the inputs; those of outputs are inferred anew."""
    for value in model.graph.input:
        kind = value.type.tensor_type
        declared = [d.dim_value if d.HasField("dim_value") else None for d in kind.shape.dim]
        wanted = shapes.get(value.name)
        if wanted is None:
            if None in declared:
                raise InputError(
                    str(path),
                    f"input '{value.name}' has free dimensions and no shape was given",
                    "export it with fixed shapes",
                )
            continue
        fits = len(wanted) == len(declared) and all(
            have in (None, want) for have, want in zip(declared, wanted, strict=True)
        )
        if not fits:
            raise InputError(
                str(path),
                f"input '{value.name}' is {declared}, wanted {list(wanted)}",
                "correct perception.model.width and height, or tensorrt.boxes and points",
            )
        for dimension, size in zip(kind.shape.dim, wanted, strict=True):
            dimension.dim_value = size
    for value in model.graph.output:
        value.type.tensor_type.ClearField("shape")
    del model.graph.value_info[:]


def _folded(model: onnx.ModelProto) -> onnx.ModelProto:
    """What ONNX Runtime makes of it before it looks at providers: standard operators, no more."""
    import onnx
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    options.log_severity_level = 3
    with TemporaryDirectory() as folder:
        target = str(Path(folder) / "folded.onnx")
        options.optimized_model_filepath = target
        onnxruntime.InferenceSession(
            model.SerializeToString(), options, providers=["CPUExecutionProvider"]
        )
        folded = onnx.load(target)
    used = {node.domain for node in folded.graph.node}
    kept = [opset for opset in folded.opset_import if opset.domain in used]
    del folded.opset_import[:]
    folded.opset_import.extend(kept)
    return folded


def _cast_first(model: onnx.ModelProto) -> None:
    """Swap a Transpose of an 8-bit input with the Cast behind it, in place."""
    import onnx

    elements = {v.name: v.type.tensor_type.elem_type for v in model.graph.input}
    readers: dict[str, list[Any]] = {}
    for node in model.graph.node:
        for name in node.input:
            readers.setdefault(name, []).append(node)
    outputs = {v.name for v in model.graph.output}
    for turn in model.graph.node:
        if turn.op_type != "Transpose" or elements.get(turn.input[0]) != onnx.TensorProto.UINT8:
            continue
        behind = readers.get(turn.output[0], [])
        if len(behind) != 1 or behind[0].op_type != "Cast" or turn.output[0] in outputs:
            continue
        (cast,) = behind
        image, between, result = turn.input[0], turn.output[0], cast.output[0]
        attributes = list(turn.attribute), list(cast.attribute)
        turn.op_type, cast.op_type = "Cast", "Transpose"
        for node, given in ((turn, attributes[1]), (cast, attributes[0])):
            del node.attribute[:]
            node.attribute.extend(given)
        turn.input[0], turn.output[0] = image, between
        cast.input[0], cast.output[0] = between, result
    del model.graph.value_info[:]
    model.CopyFrom(onnx.shape_inference.infer_shapes(model))
