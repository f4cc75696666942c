"""The ranges of all tensors of a graph on footage of a site, which int8 engines are scaled by."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterable
from itertools import chain
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ...types import InputError
from ..graph import Array
from .fixing import fixed
from .store import Shapes

TABLE = "calibration.flatbuffers"
"""The name under which ONNX Runtime writes the table that its TensorRT provider reads."""


def calibrate(
    graph: Path,
    shapes: Shapes,
    feeds: Iterable[dict[str, Array]],
    out: Path,
    advance: Callable[[], None] = lambda: None,
) -> int:
    """Run the graph on the CPU over all feeds, write the table, return its number of tensors.

    A range is the least and the greatest value seen (ONNX Runtime's MinMax): its ways with
    histograms keep every activation of every image. InputError when there is nothing to run on.
    """
    import onnx
    from onnxruntime.quantization import write_calibration_table
    from onnxruntime.quantization.calibrate import CalibrationMethod, create_calibrator

    rest = iter(feeds)
    first = next(rest, None)
    if first is None:
        raise InputError("footage", "has no image", "name bags or folders with images")
    model = fixed(graph, shapes)
    with TemporaryDirectory() as folder:
        source = Path(folder) / "fixed.onnx"
        onnx.save(model, str(source))
        calibrator = create_calibrator(
            source,
            augmented_model_path=str(Path(folder) / "augmented.onnx"),
            calibrate_method=CalibrationMethod.MinMax,
        )
        calibrator.set_execution_providers(["CPUExecutionProvider"])
        calibrator.collect_data(_Reader(chain([first], rest), advance))
        ranges = calibrator.compute_data().data
        write_calibration_table(ranges, folder)
        out.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(Path(folder) / TABLE, out)
    return len(ranges)


class _Reader:
    """What ONNX Runtime's calibrators ask for input (``CalibrationDataReader``)."""

    def __init__(self, feeds: Iterable[dict[str, Array]], advance: Callable[[], None]) -> None:
        self._feeds = iter(feeds)
        self._advance = advance

    def get_next(self) -> dict[str, Any] | None:
        feed = next(self._feeds, None)
        if feed is not None:
            self._advance()
        return feed

    def __len__(self) -> int:
        return 0
