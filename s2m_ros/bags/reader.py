"""Read any rosbag2: MCAP or sqlite3, folder or single file, of any distribution."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rosbags.interfaces import Connection, MessageDefinitionFormat, Nodetype, QosDurability
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_types_from_idl, get_types_from_msg, get_typestore
from rosbags.typesys.store import Typestore
from typing_extensions import Self

from s2m_ros.bags.errors import BagError
from s2m_ros.bags.topics import absolute
from s2m_ros.wire.factory import load_typestore


@dataclass(frozen=True, slots=True)
class Topic:
    """A topic of a bag. name is ours, stored_name the bag's; latched: late joiners get it too."""

    name: str
    stored_name: str
    type: str
    count: int
    latched: bool
    definition: str
    digest: str


@dataclass(frozen=True, slots=True)
class Message:
    """A recorded message: CDR bytes. stamp_ns is the time of recording, not the header's."""

    topic: str
    type: str
    stamp_ns: int
    data: bytes


class BagReader:
    """A bag as a context manager.

    Topics are renamed to ours by ``topics`` (our name -> the bag's name) as they are read.
    Raises BagError when the bag is missing, corrupt or empty, at opening or while reading.
    """

    def __init__(self, path: Path | str, topics: Mapping[str, str] | None = None) -> None:
        self.path = Path(path)
        self._ours = {absolute(b): absolute(a) for a, b in (topics or {}).items()}
        self._reader: Reader | None = None
        self._store: Typestore | None = None
        self._gaps: dict[str, str] = {}

    def __enter__(self) -> Self:
        try:
            self._reader = Reader(_storage(self.path))
            self._reader.open()
        except BagError:
            raise
        except Exception as error:  # rosbags lets parser errors of many kinds through
            self._reader = None
            raise _corrupt(self.path, error) from error
        if self._reader.message_count == 0:
            self.close()
            raise BagError(str(self.path), "the bag holds no messages", "record it again")
        if absent := self._ours.keys() - {c.topic for c in self._reader.connections}:
            stored = _list_of(c.topic for c in self._reader.connections)
            self.close()
            raise BagError(
                str(self.path),
                f"the topic map asks for {', '.join(sorted(absent))}, the bag has {stored}",
                "correct the right-hand side of the topic map",
            )
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        if self._reader is not None:
            self._reader.close()
            self._reader = None

    @property
    def topics(self) -> tuple[Topic, ...]:
        """All topics, by name."""
        return tuple(
            Topic(
                name=self._name(c),
                stored_name=c.topic,
                type=c.msgtype,
                count=c.msgcount,
                latched=_latched(c),
                definition=c.msgdef.data,
                digest=c.digest,
            )
            for c in sorted(self._open.connections, key=lambda c: c.topic)
        )

    @property
    def about(self) -> dict[str, str]:
        """What the writer said of the bag: its metadata's custom data."""
        metadata = self._open.storage.metadata
        return {str(k): str(v) for k, v in (metadata.custom or {}).items()}

    @property
    def start_ns(self) -> int:
        return self._open.start_time

    @property
    def duration_ns(self) -> int:
        return self._open.duration

    def require(self, name: str, *types: str) -> Topic:
        """The topic of this name and one of these types (any type when none is given).

        Raises BagError that lists what is there and how to map it.
        """
        found = [t for t in self.topics if t.name == absolute(name)]
        for topic in found:
            if not types or topic.type in types:
                return topic
        wanted = " or ".join(types)
        problem = (
            f"{absolute(name)} is a {found[0].type}, expected {wanted}"
            if found
            else f"no topic {absolute(name)}" + (f" ({wanted})" if wanted else "")
        )
        fitting = [t for t in self.topics if not types or t.type in types]
        others = [t for t in self.topics if t not in fitting]
        there = _list_of(f"{t.stored_name} ({t.type}, {t.count})" for t in fitting + others)
        example = fitting[0].stored_name if fitting else "/topic/in/the/bag"
        raise BagError(
            str(self.path),
            f"{problem}; it has {there}",
            f"give --topics a YAML file with a line `{absolute(name)}: {example}`",
        )

    def messages(self, topics: Iterable[str] | None = None) -> Iterator[Message]:
        """Messages in order of recording, of these topics or all."""
        wanted = None if topics is None else {absolute(t) for t in topics}
        connections = [
            c for c in self._open.connections if wanted is None or self._name(c) in wanted
        ]
        if not connections:
            return
        stream = self._open.messages(connections)
        while True:
            try:
                item = next(stream, None)
            except Exception as error:
                raise _corrupt(self.path, error) from error
            if item is None:
                return
            connection, stamp_ns, data = item
            yield Message(self._name(connection), connection.msgtype, stamp_ns, bytes(data))

    def decode(self, message: Message) -> Any:
        """The message as a rosbags value with the fields of its definition in this bag.

        Raises BagError when the bytes do not fit the definition, or when that lacks fields which
        the type has in ROS 2.
        """
        try:
            if message.type not in self._gaps:
                self._gaps[message.type] = _lacking(self.store, message.type)
            if not (gap := self._gaps[message.type]):
                return self.store.deserialize_cdr(message.data, message.type)
        except Exception as error:
            raise BagError(
                f"{self.path}, {message.topic} at {message.stamp_ns} ns",
                f"not a valid {message.type} ({error})",
                "record the topic again, or leave it out",
            ) from error
        raise BagError(
            f"{self.path}, {message.topic}",
            f"its definition of {message.type} lacks {gap}",
            "record the topic again, or leave it out",
        )

    @property
    def store(self) -> Typestore:
        """Definitions: those embedded in the bag before ours, so that old bags stay readable."""
        if self._store is None:
            self._store = _store_of(self._open.connections)
        return self._store

    @property
    def _open(self) -> Reader:
        if self._reader is None:
            raise RuntimeError("BagReader is used outside its `with` block")
        return self._reader

    def _name(self, connection: Connection) -> str:
        return self._ours.get(connection.topic, absolute(connection.topic))


def _storage(path: Path) -> Path:
    """The folder, or the one file in it when its metadata.yaml is missing."""
    if not path.exists():
        raise BagError(str(path), "no such file or folder", "give a rosbag2 folder, .mcap or .db3")
    if path.is_file() or (path / "metadata.yaml").is_file():
        return path
    files = sorted(p for p in path.iterdir() if p.suffix in {".mcap", ".db3"})
    if len(files) == 1:
        return files[0]
    problem = "holds no metadata.yaml" + (f" and {len(files)} storage files" if files else "")
    raise BagError(str(path), problem, "run `ros2 bag reindex` on it, or give one file of it")


def _corrupt(path: Path, error: Exception) -> BagError:
    return BagError(
        str(path),
        f"the bag is damaged or cut short ({type(error).__name__}: {error})",
        "recover it with `mcap recover` or `ros2 bag reindex`, or record it again",
    )


def _latched(connection: Connection) -> bool:
    profiles = getattr(connection.ext, "offered_qos_profiles", [])
    return connection.topic == "/tf_static" or any(
        p.durability is QosDurability.TRANSIENT_LOCAL for p in profiles
    )


def _list_of(names: Iterable[str]) -> str:
    return ", ".join(sorted(names)) or "no topics"


def _lacking(store: Typestore, kind: str) -> str:
    """A field of a type of ROS 2 that a bag's definition has not, or an empty string.

    Our own types may be those of an older release.
    """
    ours = load_typestore().fielddefs
    if kind.startswith("s2m_msgs/") or kind not in ours or kind not in store.fielddefs:
        return ""
    fields = dict(store.fielddefs[kind][1])
    for name, _ in ours[kind][1]:
        if name not in fields:
            return f"{kind}.{name}"
    held = (_held_type(field) for field in fields.values())
    return next((gap for inner in held if inner and (gap := _lacking(store, inner))), "")


def _held_type(field: Any) -> str:
    """The type of a field, or of its elements, when it is a message."""
    node, inner = field
    if node is Nodetype.NAME:
        return str(inner)
    return _held_type(inner[0]) if node in (Nodetype.ARRAY, Nodetype.SEQUENCE) else ""


def _store_of(connections: Iterable[Connection]) -> Typestore:
    store = get_typestore(Stores.EMPTY)
    for connection in {c.msgtype: c for c in connections}.values():
        text = connection.msgdef.data
        if connection.msgdef.format is MessageDefinitionFormat.MSG:
            store.register(get_types_from_msg(text, connection.msgtype))
        elif connection.msgdef.format is MessageDefinitionFormat.IDL:
            store.register(get_types_from_idl(text))
    ours = load_typestore()
    for name in ours.fielddefs.keys() - store.fielddefs.keys():
        store.fielddefs[name] = ours.fielddefs[name]
        store.types[name] = ours.types[name]
    return store
