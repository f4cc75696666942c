"""Makes rclpy messages for the codecs."""

from __future__ import annotations

import array
import importlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

_FLOATS = ("float", "double")

# Codes of array.array by the element type that rosidl names.
_CODES = {
    "uint8": "B",
    "int8": "b",
    "uint16": "H",
    "int16": "h",
    "uint32": "I",
    "int32": "i",
    "uint64": "Q",
    "int64": "q",
    "float": "f",
    "double": "d",
}


class RclpyFactory:
    """The ``MessageFactory`` of the nodes.

    Fields that are not given are shared by all messages of a type, so what is made is not to be
    changed in place. To build the defaults anew takes longer than all else: a Marker has 30.
    """

    def make(self, type_name: str, /, **fields: Any) -> Any:
        plan = _plan(type_name, tuple(fields))
        message = plan.type.__new__(plan.type)
        for slot, value in plan.defaults:
            setattr(message, slot, value)
        for (name, convert), value in zip(plan.fields, fields.values(), strict=True):
            setattr(message, name, value if convert is None else convert(value))
        return message

    def rows(
        self, type_name: str, names: tuple[str, ...], values: NDArray[np.floating]
    ) -> list[Any]:
        plan = _plan(type_name, names)
        cls, defaults = plan.type, plan.defaults
        places = [name for name, _ in plan.fields]
        made = []
        for row in values.tolist():
            message = cls.__new__(cls)
            for slot, value in defaults:
                setattr(message, slot, value)
            for place, number in zip(places, row, strict=True):
                setattr(message, place, number)
            made.append(message)
        return made


def message_type(type_name: str) -> Any:
    """The rclpy class of 'package/msg/Name'."""
    package, kind, name = type_name.split("/")
    return getattr(importlib.import_module(f"{package}.{kind}"), name)


@dataclass(frozen=True, slots=True)
class _Plan:
    """How a message is made of some of its fields.

    fields: attribute and converter of each, in their order; defaults: the slots of all others. A
    float goes right into its slot: the property could only find out again that it is one.
    """

    type: Any
    fields: tuple[tuple[str, Callable[[Any], Any] | None], ...]
    defaults: tuple[tuple[str, Any], ...]


@cache
def _plan(type_name: str, names: tuple[str, ...]) -> _Plan:
    cls = message_type(type_name)
    whole, kinds = cls(), cls.get_fields_and_field_types()
    unknown = set(names) - kinds.keys()
    if unknown:
        raise TypeError(f"{type_name} has no field {', '.join(map(repr, sorted(unknown)))}")
    given = {f"_{name}" for name in names}
    return _Plan(
        cls,
        tuple((f"_{n}" if kinds[n] in _FLOATS else n, _converter(kinds[n])) for n in names),
        tuple((slot, getattr(whole, slot)) for slot in cls.__slots__ if slot not in given),
    )


def _converter(kind: str) -> Callable[[Any], Any] | None:
    if kind.startswith("sequence<"):
        code = _CODES.get(kind[len("sequence<") : -1].split(",")[0])
        return partial(_array, code) if code else list
    if kind.endswith("]"):
        code = _CODES.get(kind.split("[")[0])
        return partial(_fixed, code) if code else list
    if kind == "octet":
        return lambda value: bytes([value])
    return float if kind in _FLOATS else None


def _fixed(code: str, values: Any) -> np.ndarray[Any, Any]:
    return np.asarray(values, np.dtype(code)).ravel()


def _array(code: str, values: Sequence[Any] | np.ndarray[Any, Any]) -> array.array[Any]:
    # The setter checks each element of anything but an array.array: 0.9 s for a 6 MB image.
    result: array.array[Any] = array.array(code)
    flat = np.ascontiguousarray(values, np.dtype(code))
    result.frombytes(flat.reshape(-1).view(np.uint8).data)
    return result
