"""Sessions of ONNX graphs: which runtime and which provider, by policy."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ..config import Model
from ..types import InputError
from . import openvino, tensorrt
from .graph import Array, OnnxRuntimeGraph, Provider
from .tensorrt import engines
from .tensorrt.machine import preload
from .tensorrt.options import cuda
from .tensorrt.shapes import Plan

log = logging.getLogger(__name__)

CUDA = "CUDAExecutionProvider"


@dataclass(frozen=True, slots=True)
class Providers:
    """The execution providers to use, and a warning when they are not the wanted ones."""

    names: tuple[str, ...]
    warning: str = ""


def choose_providers(
    wanted: Sequence[str], available: Sequence[str], policy: str, explicit: bool = True
) -> Providers:
    """Those wanted that are available, in order of preference.

    Under the policy 'require' the first wanted one must be there; under 'fallback' its absence is
    a warning. InputError names what is missing, what is there, and the remedy.
    """
    usable = tuple(name for name in wanted if name in available)
    missing = [name for name in wanted if name not in available]
    source = "perception.model.providers"
    remedy = "install onnxruntime-gpu (and TensorRT), or list CPUExecutionProvider first"
    if not usable or (policy == "require" and wanted[0] not in available):
        raise InputError(
            source, f"wanted {list(wanted)}, this ONNX Runtime offers {list(available)}", remedy
        )
    first_missing = bool(missing) and wanted[0] in missing
    warning = f"{', '.join(missing)} not available, using {usable[0]}" if first_missing else ""
    return Providers(usable, warning)


def offered() -> list[str]:
    """The execution providers of this machine. InputError when ONNX Runtime is absent."""
    try:
        import onnxruntime
    except ImportError as error:
        raise InputError(
            "onnxruntime", f"not importable ({error})", "pip install onnxruntime"
        ) from error
    names = [str(name) for name in onnxruntime.get_available_providers()]
    if openvino.importable() and openvino.PROVIDER not in names:
        names.insert(names.index("CPUExecutionProvider"), openvino.PROVIDER)
    return names


class Session:
    """One ONNX graph, ready to run. Inputs and outputs are numpy arrays by name."""

    def __init__(
        self,
        path: Path,
        config: Model,
        *,
        reduced_precision: bool = False,
        plan: Callable[[], Plan] | None = None,
    ) -> None:
        """Raises InputError when ONNX Runtime is absent, refuses the file or a provider.

        reduced_precision: the graph may run in bfloat16, which is what OpenVINO is for. Graphs that
        compute with pixel coordinates may not, and go to the next provider. plan: asked for shapes
        and arithmetic of an engine of TensorRT; without it that is passed over.
        """
        unfit = [] if reduced_precision else [openvino.PROVIDER]
        unfit += [tensorrt.PROVIDER] if plan is None else []
        wanted = [name for name in config.providers if name not in unfit]
        chosen = choose_providers(wanted, offered(), config.provider_policy)
        self.path = path
        self.warning = chosen.warning
        self._config = config
        self._plan = plan
        self._names = chosen.names
        self._may_fall_back = config.provider_policy == "fallback"
        self._graph = self._start()
        if self.provider != self._names[0]:
            self.warning = f"{self._names[0]} did not start, using {self.provider}"
            if config.provider_policy == "require":
                raise InputError(
                    str(path), self.warning, "install what the provider needs, or use 'fallback'"
                )
        if self.warning:
            log.info("%s: %s", path.name, self.warning)
        self.inputs = self._graph.inputs
        self.outputs = self._graph.outputs
        self.input_shapes = self._graph.input_shapes
        self.input_types = self._graph.input_types

    @property
    def provider(self) -> str:
        """The execution provider in use."""
        return self._graph.provider

    def _start(self) -> OnnxRuntimeGraph | openvino.OpenVinoGraph:
        """The graph in the first runtime that takes it. InputError when none does."""
        first = self._names[0]
        try:
            if first == tensorrt.PROVIDER and self._plan is not None:
                return engines.open_engine(self.path, self._plan(), self._config)
            if first == openvino.PROVIDER:
                return openvino.OpenVinoGraph(self.path, self._config.threads)
        except Exception as error:  # OpenVINO raises plain RuntimeErrors, and worse
            self._give_up(first, error)
            return self._start()
        # TensorRT would build here in silence; OpenVINO is not ONNX Runtime's.
        special = (tensorrt.PROVIDER, openvino.PROVIDER)
        usable: list[Provider] = [
            (name, cuda(self._config)) if name == CUDA else name
            for name in self._names
            if name not in special
        ]
        if CUDA in self._names:
            preload()
        try:
            return OnnxRuntimeGraph(self.path, usable, self._config.threads)
        except Exception as error:  # of classes without a common base
            raise InputError(
                str(self.path), f"{first} refuses it: {error}", "check the file and its opset"
            ) from error

    def _give_up(self, provider: str, error: Exception) -> None:
        """Leave it to the next provider; InputError where there is none or it may not be used."""
        own = isinstance(error, InputError)
        refusal = str(error).strip().splitlines()[0]
        refusal = refusal if own else f"{provider} refuses it: {refusal}"
        rest = tuple(name for name in self._names if name != provider)
        if not rest or not self._may_fall_back:
            if own:
                raise error
            raise InputError(
                str(self.path),
                refusal,
                "check the file and its opset, or list CPUExecutionProvider",
            ) from error
        self._names = rest
        self.warning = f"{refusal}; using {rest[0]}"
        log.warning("%s: %s", self.path.name, self.warning)

    def expect(self, given: str, outputs: Sequence[str], remedy: str) -> None:
        """Raise InputError unless the graph takes an input ``given`` and has these outputs."""
        if given not in self.inputs or set(outputs) - set(self.outputs):
            raise InputError(
                str(self.path),
                f"expected input '{given}' and outputs {list(outputs)}, got "
                f"{list(self.inputs)} and {list(self.outputs)}",
                remedy,
            )

    def run(self, feed: Mapping[str, Array], outputs: Sequence[str] | None = None) -> list[Array]:
        """Run once; ``outputs`` by name and in that order (all of them by default)."""
        names = self.outputs if outputs is None else outputs
        try:
            return self._graph.run(feed, names)
        except Exception as error:
            # OpenVINO compiles for each new shape, so it may refuse as late as here.
            if not isinstance(self._graph, openvino.OpenVinoGraph):
                raise
            self._give_up(openvino.PROVIDER, error)
        self._graph = self._start()
        return self._graph.run(feed, names)
