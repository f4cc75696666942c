"""Run a drive again from its store: with the same settings, or with others."""

from __future__ import annotations

import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from s2m_ros.audit.inputs import IMAGE_TYPES, find_inputs
from s2m_ros.audit.lockstep import run_lockstep
from s2m_ros.audit.status import Status
from s2m_ros.bags import BagReader, BagWriter
from s2m_ros.bags.calibration import read_rig
from s2m_ros.config import Config
from s2m_ros.fusion.calibration import Rig
from s2m_ros.pipeline.tracking import TrackingStage
from s2m_ros.store.feed import Feed
from s2m_ros.store.index import read
from s2m_ros.store.layout import about, clear
from s2m_ros.store.reader import Store
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import InputError
from s2m_ros.wire import topics
from s2m_ros.wire.factory import RosbagsFactory

SOURCE = "source"
BEHIND_OBJECTS = ("tracking.", "hazards.")
"""Settings that only matter behind the stored objects."""
_IMAGES = frozenset(IMAGE_TYPES.values())


def rerun(
    store: Store,
    config: Config,
    changed: Mapping[str, Any],
    out: Path,
    status: Status = lambda what, share: None,
) -> str:
    """Write a new store to ``out``; returns what it was made from.

    From the inputs in the store when it has them (audit.inputs), else from the bag it was made
    from, else, when ``changed`` (dotted names) is about tracking and hazards alone, from the
    stored objects. Raises InputError when none of these can be.
    """
    clear(out)
    with tempfile.TemporaryDirectory(prefix="s2m_rerun_") as folder:
        bag = Path(folder) / "inputs"
        if _has_inputs(store):
            status("unpacking the inputs", 0.0)
            unpack(store, bag)
            _run(bag, config, out, store, Path(folder), status)
            return "the inputs in the store"
        source = store.about.get(SOURCE, "")
        if source and Path(source).exists():
            _run(Path(source), config, out, store, Path(folder), status)
            return source
    if all(name.startswith(BEHIND_OBJECTS) for name in changed):
        _behind_objects(store, config, out, status)
        return "the stored objects: tracking and hazards alone"
    raise InputError(
        str(store.path),
        f"has no inputs to run {', '.join(changed)} from, and its bag "
        f"'{source or 'unknown'}' is not here",
        "record with audit.inputs, or bring the bag back",
    )


def unpack(store: Store, bag: Path, only_calibration: bool = False) -> None:
    """Write the inputs of a store as the bag they were."""
    wanted = {topics.TF_STATIC, "/" + topics.ODOM, "/" + topics.POINTS, topics.TF}
    seen: set[tuple[str, bytes]] = set()
    with BagWriter(bag, compress=False) as writer:
        for message in store.messages():
            lasting = message.topic == topics.TF_STATIC or message.topic.endswith("/camera_info")
            if only_calibration and not lasting:
                continue
            image = message.kind in _IMAGES and message.topic.startswith("/camera/")
            if not (lasting or image or message.topic in wanted):
                continue
            if lasting and (message.topic, message.data) in seen:
                continue  # said again at the beginning of a file
            if lasting:
                seen.add((message.topic, message.data))
            writer.write(message.topic, message.data, message.stamp_ns, message.kind)


def rig_of(store: Store) -> Rig:
    """The calibration that a store carries, perhaps empty."""
    with tempfile.TemporaryDirectory(prefix="s2m_rig_") as folder:
        path = Path(folder) / "calibration"
        unpack(store, path, only_calibration=True)
        try:
            with BagReader(path) as bag:
                return read_rig(bag, store.config.fusion.base_frame)[0]
        except InputError:
            return Rig()


def _has_inputs(store: Store) -> bool:
    first = store.span_ns[0]
    soon = first + 2_000_000_000
    return any(
        m.kind in _IMAGES and m.topic.startswith("/camera/")
        for m in store.messages(None, first, soon)
    )


def _run(bag: Path, config: Config, out: Path, store: Store, folder: Path, status: Status) -> None:
    with BagReader(bag) as reader:
        inputs = find_inputs(reader, config).with_calibration(folder / "calibration.yaml")
        settings = _all(config)
        said = about(config, mode="rerun", source=store.about.get(SOURCE, ""))
        with StoreWriter(out, settings, said, wait=True) as writer:
            run_lockstep(reader, inputs, None, store=writer, status=status)


def _behind_objects(store: Store, config: Config, out: Path, status: Status) -> None:
    stage = TrackingStage(config, RosbagsFactory())
    said = about(config, mode="rerun", source=store.about.get(SOURCE, ""))
    names = [topics.OBJECTS, *(topics.masks(camera) for camera in store.cameras), topics.TF_STATIC]
    names += [topics.picture(camera) for camera in store.cameras]
    settings = _all(config)
    begin, end = store.span_ns
    with StoreWriter(out, settings, said, wait=True) as writer:
        feed = Feed(writer, settings)
        for message in store.messages(names):
            if message.topic == "/" + topics.OBJECTS:
                objects = read(message)
                feed.answer(objects, stage.process(objects))
                status("tracking", (message.stamp_ns - begin) / max(1, end - begin))
            else:
                writer.put(message.topic, message.kind, message.data, message.stamp_ns)
                if message.topic == topics.TF_STATIC:
                    stage.add_transforms(read(message), static=True)


def _all(config: Config) -> Any:
    return config.audit.model_copy(update={"keep": "all", "folder": ""})
