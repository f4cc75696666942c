"""From a recorded drive to results on disk: run it, keep inputs and outputs in one bag, tell."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from s2m_ros import __version__
from s2m_ros.audit.artefacts import Artefacts, make_artefacts
from s2m_ros.audit.drive import LIVE, LOCKSTEP
from s2m_ros.audit.inputs import Inputs, find_inputs
from s2m_ros.audit.lockstep import run_lockstep
from s2m_ros.audit.merge import merge
from s2m_ros.audit.pace import lag
from s2m_ros.audit.status import Status
from s2m_ros.bags import BagError, BagReader, TopicMap
from s2m_ros.config import Config, leaves
from s2m_ros.store.layout import about, clear, model_of
from s2m_ros.store.writer import StoreWriter
from s2m_ros.types import State
from s2m_ros.wire import topics


@dataclass(frozen=True, slots=True)
class Options:
    """How to replay. rate: speed of a live replay; title: of the report; store: folder of the
    audit store that a lockstep replay writes."""

    config: Config
    topics: TopicMap | None = None
    lockstep: bool = False
    rate: float = 1.0
    title: str = ""
    store: Path | None = None


def replay(
    source: Path, out: Path, options: Options, status: Status = lambda what, share: None
) -> Artefacts:
    """Run the bag ``source`` and write bag, recording, film, report and logs into ``out``.

    Live by default: nodes as processes over DDS, at recorded speed. Raises BagError for a bag that
    cannot be used, ReplayError when the nodes fail.
    """
    target, results = out / "bag", out / ".outputs"
    if source.resolve() in (target.resolve(), out.resolve()):
        raise BagError(str(source), "would be replaced by the results", "choose another --out")
    with BagReader(source, options.topics) as bag:
        inputs = find_inputs(bag, options.config)
        out.mkdir(parents=True, exist_ok=True)
        _clear(out)
        inputs = inputs.with_calibration(out / "calibration.yaml")
        notes = list(inputs.notes)
        about = _about(source, options, inputs)
        if options.lockstep:
            with _store(options, source, inputs) as store:
                run = run_lockstep(bag, inputs, results, store=store, status=status)
            about["drops"] = json.dumps(run.drops, sort_keys=True)
        else:
            from s2m_ros.audit.live import play

            played = play(bag, inputs, results, out / "logs", rate=options.rate, status=status)
            notes += [
                f"{name} was not played: {why}"
                for name, why in played.left_out.items()
                if name != topics.TF_STATIC or not inputs.config.fusion.calibration_file
            ]  # the fusion node has what is in /tf_static as a file
            if late := lag(played.late_ms):
                notes.append(late)
        status("writing the bag", 0.0)
        with BagReader(results) as outputs:
            merge(bag, outputs, target, about=about, overwrite=True)
        shutil.rmtree(results)
    return make_artefacts(
        target,
        out,
        title=options.title or f"Replay of {source.name}",
        rig=inputs.rig,
        notes=notes,
        step=status,
    )


def _about(source: Path, options: Options, inputs: Inputs) -> dict[str, str]:
    """What must be known to run it again: versions, model, settings that differ from defaults."""
    defaults = {name: value for name, value, _ in leaves()}
    changed = {
        name: value
        for name, value, _ in leaves(inputs.config)
        if value != defaults[name] and name != "fusion.calibration_file"
    }
    return {
        "mode": LOCKSTEP if options.lockstep else LIVE,
        "source": source.name,
        "s2m_ros": __version__,
        **model_of(inputs.config),
        "settings": json.dumps(changed, sort_keys=True) if changed else "defaults",
        **({} if options.lockstep else {"speed": f"{options.rate:g}"}),
    }


@contextmanager
def _store(options: Options, source: Path, inputs: Inputs) -> Iterator[StoreWriter | None]:
    """The store of this run, of everything; an older one of that name is replaced."""
    folder, given = options.store, options.config.fusion.calibration_file
    if folder is None:
        yield None
        return
    clear(folder)
    settings = inputs.config.audit.model_copy(update={"keep": "all"})
    # The calibration of the bag is in the store itself; a file of it in --out says nothing.
    fusion = inputs.config.fusion.model_copy(update={"calibration_file": given})
    config = inputs.config.model_copy(update={"fusion": fusion})
    said = about(config, mode=LOCKSTEP, source=str(source.resolve()))
    with StoreWriter(folder, settings, said, wait=True) as store:
        yield store
    if store.condition.state != State.OK:
        raise BagError(str(folder), store.condition.reason, "run it again")


def _clear(out: Path) -> None:
    """Remove what an earlier run left, and nothing else."""
    for name in ("bag", ".outputs"):
        if (out / name / "metadata.yaml").is_file() or (out / name / f"{name}.mcap").is_file():
            shutil.rmtree(out / name)
    if (out / "logs").is_dir():
        for log in (out / "logs").glob("*.log"):
            log.unlink()
    for pattern in ("overlay*.mp4", "overlay*.webm"):
        for path in out.glob(pattern):
            path.unlink()
    for name in ("report.html", "recording.rrd", "summary.json", "calibration.yaml"):
        (out / name).unlink(missing_ok=True)
