"""One source -> the unknown objects that were met in it.

A store is read as it is: only the images that show an object best go through a network. A bag is
first worked off in lockstep into a store.
"""

from __future__ import annotations

import tempfile
import time
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from s2m_ros.audit.inputs import find_inputs
from s2m_ros.audit.lockstep import run_lockstep
from s2m_ros.audit.mining.looks import Followed, Look, best, follow
from s2m_ros.audit.mining.real import Reality
from s2m_ros.audit.mining.specimen import Met, Specimen, View
from s2m_ros.bags import BagReader
from s2m_ros.bags.calibration import camera_names
from s2m_ros.config import Config, Model
from s2m_ros.perception.naming import Name, Namer
from s2m_ros.runtime.build import build_perception
from s2m_ros.runtime.embedding import Embedder, build_embedder, unit
from s2m_ros.runtime.naming import build_namer
from s2m_ros.store.layout import about, clear, segments
from s2m_ros.store.reader import Store
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import Float32, InputError, State


@dataclass(frozen=True, slots=True)
class Options:
    """model: folder of the embedder, '' for the default model's features; truth: also say what a
    simulator knows; stores: folder where the stores of bags stay, None: they go."""

    config: Config
    model: str = ""
    truth: bool = False
    stores: Path | None = None


def meet(source: Path, options: Options) -> Met:
    """All unknown objects of a store or a bag. Raises InputError or BagError when it is neither."""
    begun = time.perf_counter()
    if segments(source):
        return _in_store(source, source, options, begun)
    if options.stores is not None:
        kept = options.stores / source.name
        _work_off(source, kept, options.config)
        return _in_store(kept, source, options, begun)
    with tempfile.TemporaryDirectory(prefix="s2m_mine_") as folder:
        store = Path(folder) / "store"
        _work_off(source, store, options.config)
        return _in_store(store, source, options, begun)


def _work_off(source: Path, folder: Path, config: Config) -> None:
    """Run a bag through all stages into a store of everything."""
    clear(folder)
    with BagReader(source) as bag:
        audit = config.audit.model_copy(update={"keep": "all"})
        cameras = camera_names(bag) or config.cameras
        config = config.model_copy(update={"audit": audit, "cameras": cameras})
        inputs = find_inputs(bag, config)
        said = about(config, mode="lockstep", source=str(source.resolve()))
        with StoreWriter(folder, audit, said, wait=True) as store:
            run_lockstep(bag, inputs, None, build=build_perception, store=store)
    if store.condition.state != State.OK:
        raise InputError(str(folder), store.condition.reason, "make room and run it again")


def _in_store(path: Path, source: Path, options: Options, begun: float) -> Met:
    embedder = _embedder(options.model, options.config.perception.model.model_dump_json())
    namer = build_namer(options.config)
    with Store(path) as store:
        if not store.moments():
            raise InputError(
                str(path), "not one hazard array can be read in it", "make the store again"
            )
        tracks, left_out = follow(store)
        chosen = {}
        for track, one in tracks.items():
            if not one.confirmed:
                left_out["never confirmed"] += 1
            elif not one.looks:
                left_out["no mask: seen by LiDAR alone"] += 1
            else:
                chosen[track] = best(one.looks)
        views, names = _views(store, chosen, embedder, namer, left_out)
        specimens = [
            _specimen(str(source), track, tracks[track], views[track], names[track])
            for track in sorted(views)
        ]
        if options.truth:
            reality = Reality(Path(store.about.get("source", "")))
            specimens = reality.told(specimens)
    return Met(
        str(source),
        embedder.name,
        tuple(specimens),
        dict(left_out),
        time.perf_counter() - begun,
    )


@lru_cache(maxsize=1)
def _embedder(model: str, settings: str) -> Embedder:
    """A process mines many sources: it loads the model once."""
    return build_embedder(model, Model.model_validate_json(settings))


def _views(
    store: Store,
    chosen: dict[int, list[Look]],
    embedder: Embedder,
    namer: Namer,
    left_out: Counter[str],
) -> tuple[dict[int, list[View]], dict[int, Name]]:
    """The chosen views of each track, best first, and the name of the best; each image once."""
    wanted: dict[tuple[str, int], list[tuple[int, Look]]] = defaultdict(list)
    for track, looks in chosen.items():
        for look in looks:
            wanted[look.camera, look.stamp_ns].append((track, look))
    found: dict[int, list[tuple[float, View, Name]]] = defaultdict(list)
    for (camera, stamp), members in sorted(wanted.items()):
        frame = store.frame(camera, stamp)
        image = frame.picture() if frame is not None else None
        if frame is None or image is None:
            continue
        masks = {item.id: item for item in frame.masks.items}
        items = [masks[look.mask] for _, look in members]
        vectors = embedder(image, frame.masks, items)
        given = namer(image, frame.masks, items)
        for (track, look), item, vector, name in zip(members, items, vectors, given, strict=True):
            view = View(
                camera, stamp, frame.jpeg, frame.masks.image_size, item.box,
                frame.masks.grid_size, item.x, item.y, item.bits, vector,
            )  # fmt: skip
            found[track].append((look.worth, view, name))
    if lost := len(chosen.keys() - found.keys()):
        left_out["no picture in the store (audit.picture_width)"] += lost
    views: dict[int, list[View]] = {}
    names: dict[int, Name] = {}
    for track, shown in found.items():
        shown.sort(key=lambda one: -one[0])
        views[track] = [view for _, view, _ in shown]
        names[track] = shown[0][2]
    return views, names


def _specimen(source: str, number: int, track: Followed, views: list[View], name: Name) -> Specimen:
    last = track.last.track
    return Specimen(
        source=source,
        tracks=(number,),
        first_ns=track.first_ns,
        last_ns=track.last_ns,
        first_position=track.first.track.position,
        position=last.position,
        size=np.array([*last.size[:2], last.height]),
        level=int(track.worst.level),
        text=track.worst.text,
        reasons=tuple(track.reasons),
        looks=tuple((look.camera, look.stamp_ns) for look in track.looks),
        views=tuple(views),
        embedding=mean([view.embedding for view in views]),
        name=name,
        nested=dict(track.nested),
    )


def mean(vectors: list[Float32]) -> Float32:
    """The direction that vectors have in common, of length 1."""
    return np.asarray(unit(np.mean(vectors, axis=0)[None])[0], np.float32)
