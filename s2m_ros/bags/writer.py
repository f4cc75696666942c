"""Write a rosbag2 folder with MCAP storage that `ros2 bag`, RViz and Foxglove open."""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal

from rosbags.interfaces import (
    Connection,
    Qos,
    QosDurability,
    QosHistory,
    QosLiveliness,
    QosReliability,
    QosTime,
)
from rosbags.rosbag2 import StoragePlugin, Writer
from rosbags.rosbag2.enums import CompressionFormat, CompressionMode
from rosbags.rosbag2.errors import WriterError
from rosbags.typesys.store import Typestore
from typing_extensions import Self

from s2m_ros.bags.errors import BagError
from s2m_ros.bags.topics import absolute
from s2m_ros.wire.factory import load_typestore

_VERSION: Literal[8] = 8
"""Metadata version: the newest whose QoS text Humble reads too."""


class BagWriter:
    """A new bag as a context manager; messages are streamed to disk in chunks of 1 MiB.

    Definitions of every type are embedded. ``compress`` packs the chunks with zstd. ``overwrite``
    replaces an older bag of that name (and nothing that is not a bag). ``about`` goes into the
    metadata's custom data. Leaving the block by an error closes the bag too: what was written
    stays readable.
    Raises BagError when the folder is there already.
    """

    def __init__(
        self,
        path: Path | str,
        *,
        compress: bool = True,
        overwrite: bool = False,
        about: Mapping[str, str] | None = None,
    ) -> None:
        self.path = Path(path)
        if overwrite and _is_bag(self.path):
            shutil.rmtree(self.path)
        if self.path.exists():
            raise BagError(str(self.path), "exists already", "choose another folder or remove it")
        self._writer = Writer(self.path, version=_VERSION, storage_plugin=StoragePlugin.MCAP)
        if compress:
            self._writer.set_compression(CompressionMode.STORAGE, CompressionFormat.ZSTD)
        for key, value in (about or {}).items():
            self._writer.set_custom_data(key, value)
        self._connections: dict[str, Connection] = {}
        self.counts: dict[str, int] = {}

    def __enter__(self) -> Self:
        try:
            self._writer.open()
        except (OSError, WriterError) as error:
            raise BagError(
                str(self.path), f"cannot be created ({error})", "choose another folder"
            ) from error
        return self

    def __exit__(self, *_: object) -> None:
        self._writer.close()

    def add(
        self,
        topic: str,
        kind: str,
        *,
        latched: bool = False,
        definition: str = "",
        digest: str = "",
        store: Typestore | None = None,
    ) -> None:
        """Declare a topic of type ``kind`` ('sensor_msgs/msg/Image'); again is no error.

        The definition comes from ``definition`` and ``digest`` (as a BagReader's Topic has them),
        else from ``store``, else from ours. Raises BagError for a type that none of them knows
        and for a topic that was declared with another type.
        """
        name = absolute(topic)
        known = self._connections.get(name)
        if known is not None:
            if known.msgtype != kind:
                raise BagError(
                    f"{self.path}, {name}", f"is a {known.msgtype}, got a {kind}", "rename one"
                )
            return
        given = definition and digest
        store = store or load_typestore()
        if not given and kind not in store.fielddefs:
            raise BagError(
                f"{self.path}, {name}", f"unknown type {kind}", "give its message definition"
            )
        self._connections[name] = self._writer.add_connection(
            name,
            kind,
            typestore=store,
            msgdef=definition if given else None,
            rihs01=digest if given else None,
            offered_qos_profiles=[_qos(latched or name == "/tf_static")],
        )
        self.counts[name] = 0

    def write(self, topic: str, message: Any, stamp_ns: int, kind: str = "") -> None:
        """Append a message recorded at ``stamp_ns``.

        ``message`` is CDR bytes of a declared topic (or with ``kind``), or a rosbags value.
        """
        name = absolute(topic)
        raw = isinstance(message, (bytes, bytearray, memoryview))
        if name not in self._connections:
            self.add(name, kind or ("" if raw else message.__msgtype__))
        connection = self._connections[name]
        data = message if raw else load_typestore().serialize_cdr(message, connection.msgtype)
        self._writer.write(connection, stamp_ns, data)
        self.counts[name] += 1


def _is_bag(path: Path) -> bool:
    """Whether the folder is a bag, or what a killed recorder left of one."""
    storage = path / f"{path.name}.mcap"
    return path.is_dir() and (
        (path / "metadata.yaml").is_file() or list(path.iterdir()) == [storage]
    )


def _qos(latched: bool) -> Qos:
    durability = QosDurability.TRANSIENT_LOCAL if latched else QosDurability.VOLATILE
    zero = QosTime(0, 0)
    return Qos(
        QosHistory.KEEP_LAST,
        10,
        QosReliability.RELIABLE,
        durability,
        zero,
        zero,
        QosLiveliness.AUTOMATIC,
        zero,
        False,
    )
