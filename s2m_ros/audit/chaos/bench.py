"""Runs a drive with faults: message by message, or through the nodes over DDS."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from s2m_ros.audit.chaos import saboteur
from s2m_ros.audit.chaos.faults import Fault
from s2m_ros.audit.chaos.stream import FaultyBag, Spell
from s2m_ros.audit.chaos.verdict import Said, Verdict, judge
from s2m_ros.audit.inputs import Inputs, find_inputs
from s2m_ros.audit.lockstep import Lockstep
from s2m_ros.audit.status import Status
from s2m_ros.audit.vitals import Lives
from s2m_ros.bags import BagReader
from s2m_ros.config import Config
from s2m_ros.nodes.graph import NodeSpec, graph
from s2m_ros.nodes.processes import Processes
from s2m_ros.perception.pipeline import Perception
from s2m_ros.runtime.build import build_perception
from s2m_ros.types import State
from s2m_ros.wire import topics
from s2m_ros.wire.hazards import decode_hazards

BEFORE_S, LASTS_S, AFTER_S = 3.0, 2.0, 3.0
RESPAWN_S = 0.2


def in_lockstep(
    source: Path,
    config: Config,
    faults: Sequence[Fault],
    *,
    seed: int = 0,
    build: Callable[..., Perception] = build_perception,
    status: Status = lambda what, share: None,
) -> list[Verdict]:
    """Each fault in a run of its own, without ROS: the same verdicts each time.

    Faults of processes are left out. Raises InputError when the model cannot be used.
    """
    made: dict[str, Perception] = {}

    def once(settings: object) -> Perception:
        return made.setdefault("", build(settings)) if not made else made[""]

    chosen = [fault for fault in faults if fault.change is not None]
    verdicts = []
    with BagReader(source) as bag:
        inputs = find_inputs(bag, config)
        for i, fault in enumerate(chosen):
            status(fault.name, i / len(chosen))
            spell = _spell(fault, BEFORE_S)
            verdicts.append(judge(_lockstep(bag, inputs, spell, seed, once), spell))
    return verdicts


def _lockstep(
    bag: BagReader,
    inputs: Inputs,
    spell: Spell,
    seed: int,
    build: Callable[..., Perception],
) -> list[Said]:
    stages = Lockstep(inputs, build)
    stages.load()
    faulty = FaultyBag(bag, [spell], seed)
    end_ns = bag.start_ns + spell.end_ns + round(AFTER_S * 1e9)
    said = []
    for step in stages.steps(faulty, end_ns):
        for answer in step.answers:
            said.append(_said(answer.tracking.hazards, step.stamp_ns, bag.start_ns))
    return said


def live(
    source: Path,
    config: Config,
    spells: Sequence[Spell],
    out: Path,
    *,
    seed: int = 0,
    loops: int = 1,
    status: Status = lambda what, share: None,
) -> tuple[list[Verdict], Lives, float]:
    """All spells in one run of the nodes over DDS; also how late the player was, ms.

    The outputs stay in out/outputs, what the nodes printed in out/logs. Raises ReplayError.
    """
    from s2m_ros.audit.live import play

    out.mkdir(parents=True, exist_ok=True)
    lives, flag = Lives(), out / "sabotage"
    flag.unlink(missing_ok=True)
    os.environ[saboteur.VARIABLE] = str(flag)
    done: dict[int, int] = {}
    struck: dict[int, int] = {}

    def meddle(nodes: Processes, since_ns: int) -> None:
        lives.take(nodes.pids, since_ns * 1e-9)
        for i, spell in enumerate(spells):
            if not spell.fault.process or since_ns < spell.begin_ns:
                continue
            if i not in struck:
                struck[i] = since_ns
                _strike(spell.fault.process, nodes, flag)
            if since_ns >= spell.end_ns and i not in done:
                done[i] = since_ns
                _relent(spell.fault.process, nodes, flag)

    with BagReader(source) as bag:
        inputs = find_inputs(bag, config).with_calibration(out / "calibration.yaml")
        played = play(
            FaultyBag(bag, spells, seed, loops),
            inputs,
            out / "outputs",
            out / "logs",
            status=status,
            specs=[_sabotaged(spec) for spec in graph(inputs.config, use_sim_time=True)],
            respawn_delay_s=RESPAWN_S,
            meddle=meddle,
        )
        start_ns = bag.start_ns
    with BagReader(out / "outputs") as outputs:
        said = [
            _said(outputs.decode(message), message.stamp_ns, start_ns)
            for message in outputs.messages([topics.HAZARDS])
        ]
    exact = [
        replace(spell, begin_ns=struck.get(i, spell.begin_ns), end_ns=_end(spell, done.get(i)))
        for i, spell in enumerate(spells)
    ]
    return [judge(said, spell) for spell in exact], lives, played.late_ms


def _said(message: object, logged_ns: int, start_ns: int) -> Said:
    hazards = decode_hazards(message, topics.HAZARDS)
    return Said(
        logged_ns - start_ns,
        hazards.stamp_ns - start_ns,
        State(hazards.state),
        len(hazards.items),
        hazards.reason,
    )


def one_after_another(faults: Sequence[Fault]) -> list[Spell]:
    """Each fault once, with time to recover between them."""
    spells, at_s = [], BEFORE_S + 2
    for fault in faults:
        spells.append(_spell(fault, at_s))
        at_s += LASTS_S + AFTER_S + (6.0 if fault.process.startswith("kill") else 2.0)
    return spells


def loops_for(source: Path, spells: Sequence[Spell], least_s: float = 0.0) -> int:
    """How often a drive must run for all spells to end, and to recover from."""
    with BagReader(source) as bag:
        once_ns = bag.duration_ns
    end_ns = max([spell.end_ns for spell in spells], default=0) + round(5 * AFTER_S * 1e9 / 3)
    return max(1, -(-max(end_ns, round(least_s * 1e9)) // max(once_ns, 1)))


def _spell(fault: Fault, at_s: float) -> Spell:
    begin_ns = round(at_s * 1e9)
    return Spell(fault, begin_ns, begin_ns + round(LASTS_S * 1e9))


def _end(spell: Spell, relented_ns: int | None) -> int:
    return spell.end_ns if relented_ns is None else max(relented_ns, spell.end_ns)


def _strike(process: str, nodes: Processes, flag: Path) -> None:
    how, _, name = process.partition(" ")
    if how == "throw":
        flag.touch()
    for pid in _pids(nodes, name):
        os.kill(pid, signal.SIGKILL if how == "kill" else signal.SIGSTOP)


def _relent(process: str, nodes: Processes, flag: Path) -> None:
    how, _, name = process.partition(" ")
    if how == "throw":
        flag.unlink(missing_ok=True)
    if how == "stop":
        for pid in _pids(nodes, name):
            os.kill(pid, signal.SIGCONT)


def _pids(nodes: Processes, name: str) -> list[int]:
    return [pid for node, pid in nodes.running.items() if name and node.startswith(name)]


def _sabotaged(spec: NodeSpec) -> NodeSpec:
    return (
        Sabotaged(**{n: getattr(spec, n) for n in spec.__dataclass_fields__})
        if (spec.executable == "camera_node")
        else spec
    )


class Sabotaged(NodeSpec):
    """A camera node whose model can be made to raise."""

    def command(self, python: str = "") -> list[str]:
        import sys

        return [python or sys.executable, "-m", saboteur.__name__, *self.ros_arguments()]
