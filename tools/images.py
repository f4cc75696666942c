#!/usr/bin/env python3
"""Replay the steps of docker/ as far as that goes without a Docker engine.

Reads the Dockerfiles and says what in them cannot work: files that are not there, stages that are
not there, versions that are not pinned, a user who is root, a health check that nothing answers.
With --resolve it also asks the package index whether all that pip would install fits together.
"""

from __future__ import annotations

import argparse
import fnmatch
import json
import re
import shlex
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from s2m_ros.cli.main import COMMANDS
from s2m_ros.config import PROFILES

ROOT = Path(__file__).resolve().parent.parent
BUILD_ARGUMENTS = {"COMPUTE": ("cpu", "gpu")}
"""Arguments that take several values, all of which must work."""
PLATFORMS = {"cpu": ("3.12", "x86_64"), "gpu": ("3.12", "x86_64"), "jetson": ("3.10", "aarch64")}
"""Python and processor that each lock is for."""


@dataclass(frozen=True)
class Instruction:
    word: str
    text: str
    line: int


@dataclass
class Stage:
    """One FROM and what follows it. base: an image, or the stage that it goes on from."""

    name: str
    base: str
    instructions: list[Instruction] = field(default_factory=list)

    def of(self, *words: str) -> list[Instruction]:
        return [i for i in self.instructions if i.word in words]


def parse(text: str) -> tuple[dict[str, str], list[Stage]]:
    """The arguments with their defaults, and the stages in order."""
    arguments: dict[str, str] = {}
    stages: list[Stage] = []
    for instruction in _instructions(text):
        if instruction.word == "ARG":
            name, _, default = instruction.text.partition("=")
            arguments[name] = default
        if instruction.word == "FROM":
            words = _fill(instruction.text, arguments).split()
            name = words[2] if len(words) == 3 and words[1].upper() == "AS" else ""
            stages.append(Stage(name, words[0]))
        elif stages:
            stages[-1].instructions.append(instruction)
    return arguments, stages


def problems(path: Path) -> list[str]:
    """What in a Dockerfile cannot work, or breaks the rules of this folder."""
    arguments, stages = parse(path.read_text())
    found = [f"{path.name}: no stage"] if not stages else []
    if not any(stage.name for stage in stages):
        found.append(f"{path.name}: one stage alone: what builds would stay in the image")
    for position, stage in enumerate(stages):
        earlier = {s.name: s for s in stages[:position] if s.name}
        for told in _of_stage(stage, earlier, arguments):
            found.append(f"{path.name}, stage '{stage.name or 'last'}': {told}")
    if stages:
        found += [f"{path.name}: {told}" for told in _of_image(stages)]
    return found


def _of_stage(stage: Stage, earlier: dict[str, Stage], arguments: dict[str, str]) -> Iterator[str]:
    if stage.base not in earlier:
        name = stage.base.rpartition("/")[2]
        tag = name.partition("@")[2] or name.partition(":")[2]
        if not tag or tag == "latest":
            yield f"base '{stage.base}' is not pinned"
    for copy in stage.of("COPY", "ADD"):
        words = [w for w in shlex.split(copy.text) if not w.startswith("--chown")]
        origin = next((w.partition("=")[2] for w in words if w.startswith("--from=")), "")
        sources = [w for w in words if not w.startswith("--")][:-1]
        for source in sources:
            if origin and origin not in earlier:
                yield f"line {copy.line}: COPY from '{origin}', no such stage"
            elif origin and not _makes(earlier[origin], source):
                yield f"line {copy.line}: nothing in '{origin}' makes {source}"
            elif not origin:
                for name in _each(source, arguments):
                    if not (ROOT / name).exists():
                        yield f"line {copy.line}: COPY {name}, which is not there"
                    elif _ignored(name):
                        yield f"line {copy.line}: COPY {name}, which .dockerignore leaves out"
    for run in stage.of("RUN"):
        if "apt-get install" in run.text and (
            "--no-install-recommends" not in run.text or "rm -rf /var/lib/apt/lists" not in run.text
        ):
            yield f"line {run.line}: apt-get without --no-install-recommends or without tidying up"
        for told in _pip(run.text, arguments, stage, earlier):
            yield f"line {run.line}: {told}"


def _pip(
    text: str, arguments: dict[str, str], stage: Stage, earlier: dict[str, Stage]
) -> Iterator[str]:
    """What pip would install that is not pinned, or not there."""
    for command in re.split(r"&&|;", text):
        if "pip install" not in command:
            continue
        words = shlex.split(command.partition("pip install")[2])
        for word, before in zip(words, ["", *words], strict=False):
            if before in ("-r", "-c", "--constraint"):
                for file in _requirements(word, stage, arguments):
                    yield from unpinned(file)
            elif not word.startswith("-") and "==" not in _fill(word, arguments):
                yield f"pip installs '{word}', which is not pinned"


def _requirements(word: str, stage: Stage, arguments: dict[str, str]) -> list[Path]:
    """The files of the repository behind a path in the image."""
    for copy in stage.of("COPY"):
        words = copy.text.split()
        if words[-1] == word:
            return [ROOT / name for name in _each(words[-2], arguments)]
    return [ROOT / word]


def unpinned(path: Path) -> list[str]:
    """Lines of a file of requirements that do not name one version."""
    if not path.is_file():
        return [f"{path.relative_to(ROOT)} is not there"]
    lines = [line.partition("#")[0].strip() for line in path.read_text().splitlines()]
    return [f"{path.name}: '{line}' is not pinned" for line in lines if line and "==" not in line]


def _of_image(stages: list[Stage]) -> Iterator[str]:
    """What the image that is built by default lacks."""
    named = {stage.name: stage for stage in stages if stage.name}
    chain, stage = [stages[-1]], stages[-1]
    while stage.base in named:
        stage = named[stage.base]
        chain.insert(0, stage)
    all_of = Stage("", "", [i for s in chain for i in s.instructions])
    user = next((i.text for i in reversed(all_of.of("USER"))), "0")
    if user.split(":")[0] in ("0", "root"):
        yield "runs as root"
    copied = {i.text.split()[-1] for i in all_of.of("COPY")}
    for word in ("HEALTHCHECK", "ENTRYPOINT", "CMD"):
        last = next((i for i in reversed(all_of.of(word))), None)
        if last is None or last.text == "NONE":
            yield f"has no {word}"
            continue
        command = json.loads(last.text[last.text.index("[") :])
        if command[0].startswith("/") and command[0] not in copied:
            yield f"{word} runs {command[0]}, which nothing brings"
        yield from (f"{word}: {told}" for told in wrong_command(command))


def wrong_command(command: list[str]) -> list[str]:
    """What of this package a command names that is not there: subcommand, launch file, profile."""
    found = []
    if "s2m" in command:
        asked = command[command.index("s2m") + 1]
        if asked not in {c.name for c in COMMANDS}:
            found.append(f"no command `s2m {asked}`")
    if (
        command[:3] == ["ros2", "launch", "s2m_ros"]
        and not (ROOT / "launch" / command[3]).is_file()
    ):
        found.append(f"no launch file {command[3]}")
    for word in command:
        name, assigned, value = word.partition(":=")
        if assigned and name == "profile" and not (PROFILES / f"{value}.yaml").is_file():
            found.append(f"no profile '{value}'")
        share = word.partition("/share/s2m_ros/")[2]
        if share and not (ROOT / share).is_file():
            found.append(f"no file {share}")
    return found


def resolve() -> list[str]:
    """Locks whose versions do not fit together, by uv and the package index."""
    wrong = []
    for name, (python, processor) in PLATFORMS.items():
        lock = ROOT / "docker" / "requirements" / f"{name}.lock"
        result = subprocess.run(
            ["uv", "pip", "compile", "--quiet", "--no-header", "--python-version", python,
             "--python-platform", f"{processor}-manylinux_2_28", str(lock)],
            text=True, capture_output=True, check=False,
        )  # fmt: skip
        if result.returncode:
            wrong.append(f"{lock.name}: {result.stderr.strip()}")
    return wrong


def _instructions(text: str) -> Iterator[Instruction]:
    held, start = "", 0
    for number, line in enumerate(text.splitlines(), 1):
        if line.lstrip().startswith("#") or (not line.strip() and not held):
            continue
        start = start if held else number
        held += line.rstrip()
        if held.endswith("\\"):
            held = held[:-1] + " "
            continue
        word, _, rest = held.strip().partition(" ")
        yield Instruction(word.upper(), rest.strip(), start)
        held = ""


def _fill(text: str, arguments: dict[str, str]) -> str:
    for name, value in arguments.items():
        text = text.replace(f"${{{name}}}", value)
    return text


def _each(text: str, arguments: dict[str, str]) -> list[str]:
    """The text with its arguments filled in, once for each value that they take."""
    for name, values in BUILD_ARGUMENTS.items():
        if f"${{{name}}}" in text:
            return [_fill(text, {**arguments, name: value}) for value in values]
    return [_fill(text, arguments)]


def _makes(stage: Stage, path: str) -> bool:
    return any(
        path in i.text.split() or f"{path} " in f"{i.text} " for i in stage.of("RUN", "COPY")
    )


def _ignored(name: str) -> bool:
    patterns = (ROOT / ".dockerignore").read_text().split()
    return any(fnmatch.fnmatch(name, p) or name.startswith(f"{p}/") for p in patterns)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--resolve", action="store_true", help="ask the package index too")
    wanted = parser.parse_args()
    found = [
        told for path in sorted((ROOT / "docker").glob("*.Dockerfile")) for told in problems(path)
    ]
    if wanted.resolve:
        found += resolve()
    print("\n".join(found) if found else "docker/: nothing found that cannot work (never built)")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
