"""Messages of rosbags, for what runs without ROS. The nodes do not import this."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from functools import lru_cache
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rosbags.interfaces import Nodetype
from rosbags.typesys import Stores, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore


class RosbagsFactory:
    """Makes messages that rosbags serialises: no ROS installation needed."""

    def __init__(self, typestore: Typestore | None = None) -> None:
        self.typestore = typestore or load_typestore()
        self._defaults: dict[str, list[tuple[str, Callable[[Any], Any], Callable[[], Any]]]] = {}

    def make(self, type_name: str, /, **fields: Any) -> Any:
        values: dict[str, Any] = {}
        for name, convert, default in self._plan(type_name):
            values[name] = convert(fields.pop(name)) if name in fields else default()
        if fields:
            raise TypeError(f"{type_name} has no field {', '.join(map(repr, fields))}")
        return self.typestore.types[type_name](**values)

    def rows(
        self, type_name: str, names: tuple[str, ...], values: NDArray[np.floating]
    ) -> list[Any]:
        return [
            self.make(type_name, **dict(zip(names, row, strict=True))) for row in values.tolist()
        ]

    def _plan(self, type_name: str) -> list[tuple[str, Callable[[Any], Any], Callable[[], Any]]]:
        if type_name not in self._defaults:
            if type_name not in self.typestore.fielddefs:
                raise TypeError(f"{type_name}: unknown message type")
            special = _NONZERO_DEFAULTS.get(type_name, {})
            self._defaults[type_name] = [
                (name, _converter(node), self._default(node, special.get(name)))
                for name, node in self.typestore.fielddefs[type_name][1]
            ]
        return self._defaults[type_name]

    def _default(self, node: Any, special: Any) -> Callable[[], Any]:
        kind, spec = node
        if kind == Nodetype.BASE:
            value = _ZERO.get(spec[0], 0) if special is None else special
            return lambda: value
        if kind == Nodetype.NAME:
            return lambda: self.make(spec)
        element, count = spec
        length = count if kind == Nodetype.ARRAY else 0
        dtype = _dtype(element)
        if dtype is not None:
            return lambda: np.zeros(length, dtype)
        one = self._default(element, None)
        return lambda: [one() for _ in range(length)]


def _converter(node: Any) -> Callable[[Any], Any]:
    kind, spec = node
    if kind in (Nodetype.ARRAY, Nodetype.SEQUENCE):
        dtype = _dtype(spec[0])
        if dtype is not None:
            return lambda value: np.ascontiguousarray(value, dtype)
    return lambda value: value


def _dtype(node: Any) -> np.dtype[Any] | None:
    kind, spec = node
    if kind != Nodetype.BASE or spec[0] == "string":
        return None
    dtype: np.dtype[Any] = np.dtype(_DTYPE_NAMES.get(spec[0], spec[0]))
    return dtype


_ZERO: dict[str, Any] = {"string": "", "bool": False, "float32": 0.0, "float64": 0.0}
_DTYPE_NAMES = {"byte": "uint8", "char": "uint8", "octet": "uint8"}
# Defaults that .msg files state and the type store does not keep.
_NONZERO_DEFAULTS: dict[str, dict[str, Any]] = {"geometry_msgs/msg/Quaternion": {"w": 1.0}}


@lru_cache(maxsize=1)
def load_typestore() -> Typestore:
    """The message types of ROS 2 Jazzy and of s2m_msgs, for rosbags.

    Raises FileNotFoundError when the .msg files of s2m_msgs are nowhere.
    """
    store = get_typestore(Stores.ROS2_JAZZY)
    for path in sorted(definitions_dir().glob("*.msg")):
        store.register(get_types_from_msg(path.read_text(), f"s2m_msgs/msg/{path.stem}"))
    return store


def definitions_dir() -> Path:
    """The folder of the .msg files of s2m_msgs: in the source tree, else in an ament prefix."""
    candidates = list(_definition_dirs())
    for folder in candidates:
        if (folder / "ObjectMaskArray.msg").is_file():
            return folder
    tried = ", ".join(map(str, candidates))
    raise FileNotFoundError(
        f"the .msg files of s2m_msgs are in none of {tried}: "
        "source the workspace that s2m_msgs was built in, or run from the source tree"
    )


def _definition_dirs() -> Iterator[Path]:
    yield Path(__file__).resolve().parents[2] / "ros2_ws" / "src" / "s2m_msgs" / "msg"
    for prefix in os.environ.get("AMENT_PREFIX_PATH", "").split(os.pathsep):
        if prefix:
            yield Path(prefix) / "share" / "s2m_msgs" / "msg"
