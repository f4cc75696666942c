"""Values as bytes that hold values alone: whoever reads them runs no code of theirs."""

from __future__ import annotations

from typing import Any, Generic, TypeVar

import msgspec
import numpy as np

from s2m_ros.types import InputError

T = TypeVar("T")


class Packing(Generic[T]):
    """Packs values of one kind, with all the arrays in them bit for bit, as MessagePack.

    problem, remedy: of the error that other bytes are.
    """

    def __init__(self, kind: type[T], problem: str, remedy: str) -> None:
        self._problem, self._remedy = problem, remedy
        self._encoder = msgspec.msgpack.Encoder(enc_hook=_plain)
        self._decoder = msgspec.msgpack.Decoder(kind, dec_hook=_array)

    def pack(self, value: T) -> bytes:
        return self._encoder.encode(value)

    def unpack(self, packed: bytes, source: str) -> T:
        """What ``pack`` packed. Raises InputError naming ``source`` for anything else."""
        try:
            return self._decoder.decode(packed)
        except (msgspec.MsgspecError, TypeError, ValueError) as error:
            raise InputError(source, f"{self._problem} ({error})", self._remedy) from error


def _plain(value: Any) -> Any:
    if isinstance(value, np.ndarray):
        return value.dtype.str, value.shape, value.tobytes()
    if isinstance(value, np.generic):
        return value.item()
    raise NotImplementedError(f"{type(value).__name__} is not packed")


def _array(kind: Any, value: Any) -> Any:
    dtype, shape, data = value
    return np.frombuffer(data, dtype).reshape(shape).copy()
