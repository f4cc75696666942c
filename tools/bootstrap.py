#!/usr/bin/env python3
"""Set up a machine without ROS: a virtual environment, ROS 2 as wheels, and our messages.

Needs Linux on x86_64, Python 3.10 to 3.13 with venv, a C and a C++ compiler, and PyPI. Everything
goes into ``.venv`` of the repository; a second run with nothing changed does nothing. Afterwards
``.venv/bin/s2m`` and ``tools/env COMMAND`` run with the whole environment.
"""

from __future__ import annotations

import hashlib
import json
import os
import platform
import shutil
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
ROS = VENV / "ros"  # colcon's build, install and log folders
LOG = VENV / "setup.log"
STAMP = VENV / "setup.json"
LOCK = ROOT / "requirements" / "default.lock"
MESSAGES = ROOT / "ros2_ws" / "src" / "s2m_msgs"
WHEELFIX = ROOT / "ros2_ws" / "wheelfix.cmake"
PYTHONS = ((3, 10), (3, 13))
UV = "uv==0.13.8"


class SetupError(Exception):
    """What is missing on this machine and what to do about it."""


def main() -> int:
    started = time.monotonic()
    try:
        check_machine()
        done = read_stamp()
        packages = digest(LOCK, Path(__file__))
        messages = digest(MESSAGES, WHEELFIX) + packages
        if done.get("packages") != packages or not (VENV / "bin" / "python").exists():
            interpreter = find_python()
            done = {}
            with step(f"virtual environment with {interpreter}"):
                make_venv(interpreter)
            with step("Python packages and ROS 2 Jazzy wheels"):
                install_packages()
            done["packages"] = packages
            write_stamp(done)
        if done.get("messages") != messages:
            with step("message package s2m_msgs (colcon)"):
                build_messages()
            write_environment()
            with step("rclpy and s2m_msgs import"):
                check_result()
            done["messages"] = messages
            write_stamp(done)
            print(f"ready in {time.monotonic() - started:.0f} s: .venv/bin/s2m --help", flush=True)
    except SetupError as error:
        print(f"setup: {error}", file=sys.stderr)
        return 1
    return 0


def check_machine() -> None:
    machine = (platform.system(), platform.machine())
    if machine != ("Linux", "x86_64"):
        raise SetupError(
            f"ROS 2 wheels exist for Linux on x86_64, this is {' on '.join(machine)}. Source a "
            "ROS 2 distribution and use colcon (docker/README.md), or use docker/."
        )


def find_python() -> str:
    """The interpreter to build on: $PYTHON, else the first of 3.10 to 3.13 that can make a venv."""
    wanted = os.environ.get("PYTHON")
    names = (
        [wanted] if wanted else ["python3", "python3.12", "python3.11", "python3.13", "python3.10"]
    )
    seen = []
    for name in names:
        probe = (
            "import sys, venv, ensurepip; print('%d %d %s' % (*sys.version_info[:2], "
            "getattr(sys, '_base_executable', sys.executable)))"
        )
        result = (
            subprocess.run(
                [shutil.which(name) or name, "-c", probe], text=True, capture_output=True
            )
            if shutil.which(name)
            else None
        )
        if result is None:
            seen.append(f"{name}: not found")
        elif result.returncode:
            reason = (result.stderr.strip().splitlines() or ["does not run"])[-1]
            seen.append(f"{name}: {reason}")
        else:
            major, minor, path = result.stdout.split(maxsplit=2)
            if PYTHONS[0] <= (int(major), int(minor)) <= PYTHONS[1]:
                return path.strip()
            seen.append(f"{name}: version {major}.{minor}")
    raise SetupError(
        "no Python 3.10 to 3.13 with venv (" + "; ".join(seen) + "). On Debian or Ubuntu: "
        "apt install python3-venv; or name an interpreter: make setup PYTHON=/path/to/python3.12"
    )


def make_venv(interpreter: str) -> None:
    compilers = [name for name in ("cc", "c++", "make") if not shutil.which(name)]
    if compilers:
        raise SetupError(
            f"missing: {', '.join(compilers)}. Messages are compiled. On Debian or Ubuntu: "
            "apt install build-essential"
        )
    run([interpreter, "-m", "venv", "--clear", str(VENV)])
    headers = capture("import sysconfig; print(sysconfig.get_path('include'))")
    if not (Path(headers) / "Python.h").exists():
        shutil.rmtree(VENV)
        raise SetupError(
            f"no Python.h in {headers}: the headers of {interpreter} are missing. On Debian or "
            "Ubuntu: apt install python3-dev"
        )


def install_packages() -> None:
    """uv installs in seconds; pip does the same more slowly where uv cannot be had.

    Byte code is left to the first import, except where Python is told never to write it: there
    every start of every process would compile SciPy and the rest anew.
    """
    python = str(VENV / "bin" / "python")
    compile_now = ["--compile-bytecode"] if sys.dont_write_bytecode else []
    try:
        run([python, "-m", "pip", "install", "--quiet", UV])
        run(
            [
                python,
                "-m",
                "uv",
                "pip",
                "install",
                "--python",
                python,
                *compile_now,
                "-r",
                str(LOCK),
            ]
        )
    except SetupError:
        print("  uv did not work, pip goes on (about a minute) ...", flush=True)
        run([python, "-m", "pip", "install", "-r", str(LOCK)])


def build_messages() -> None:
    """colcon builds s2m_msgs against the wheels; nothing of a sourced ROS may mix in."""
    foreign = (
        "AMENT_",
        "COLCON_",
        "CMAKE_PREFIX_PATH",
        "ROS_",
        "PYTHONPATH",
        "LD_LIBRARY_PATH",
        "PYTHONHOME",
        "_ROS_WHEELS",
    )
    env = {k: v for k, v in os.environ.items() if not k.startswith(foreign)}
    env.update(
        VIRTUAL_ENV=str(VENV),
        PATH=f"{VENV / 'bin'}{os.pathsep}{env['PATH']}",
        AMENT_PREFIX_PATH=str(VENV),
        CMAKE_PREFIX_PATH=str(VENV),
        MAKEFLAGS=f"-j{os.cpu_count() or 2}",
    )
    shutil.rmtree(ROS, ignore_errors=True)
    run(
        [
            "colcon",
            "--log-base",
            str(ROS / "log"),
            "build",
            "--merge-install",
            "--base-paths",
            str(MESSAGES),
            "--build-base",
            str(ROS / "build"),
            "--install-base",
            str(ROS / "install"),
            "--event-handlers",
            "console_direct+",
            "--cmake-args",
            f"-DPython3_EXECUTABLE={VENV / 'bin' / 'python'}",
            "-DPython3_FIND_VIRTUALENV=ONLY",
            "-DBUILD_TESTING=OFF",
            f"-DCMAKE_PROJECT_INCLUDE={WHEELFIX}",
        ],
        env=env,
    )


def write_environment() -> None:
    """One shell file with the environment, and an ``s2m`` that uses it.

    It sets what colcon's own setup files would set, in one go, and names the wheels' libraries,
    which spares each Python start the wheels' own restart of the process.
    """
    site = Path(capture("import sysconfig; print(sysconfig.get_path('purelib'))"))
    install = ROS / "install"
    own_site = install / site.relative_to(VENV)
    libraries = [install / "lib", VENV / "lib", *sorted(site.glob("ros_*.libs"))]
    (site / "s2m_ros.pth").write_text(f"{ROOT}\n{own_site}\n")
    (VENV / "ros_env.sh").write_text(
        "# Made by tools/bootstrap.py. Sourced by tools/env and .venv/bin/s2m.\n"
        f'export VIRTUAL_ENV="{VENV}"\n'
        f'export PATH="{VENV}/bin:$PATH"\n'
        f'export AMENT_PREFIX_PATH="{install}:{VENV}"\n'
        f'export LD_LIBRARY_PATH="{":".join(map(str, libraries))}"\n'
        "export _ROS_WHEELS_BOOTSTRAP_COMPLETE=1\n"
        "unset PYTHONPATH PYTHONHOME\n"
        "export ROS_DISTRO=jazzy ROS_VERSION=2 ROS_PYTHON_VERSION=3\n"
        "export RMW_IMPLEMENTATION=rmw_fastrtps_cpp\n"
        'export ROS_AUTOMATIC_DISCOVERY_RANGE="${ROS_AUTOMATIC_DISCOVERY_RANGE:-LOCALHOST}"\n'
        f'profile="${{FASTRTPS_DEFAULT_PROFILES_FILE:-{ROOT}/launch/config/fastdds.xml}}"\n'
        'export FASTRTPS_DEFAULT_PROFILES_FILE="$profile"\n'
        'export FASTDDS_DEFAULT_PROFILES_FILE="$profile"\n'
        "unset profile\n"
    )
    command = VENV / "bin" / "s2m"
    command.write_text(
        f'#!/bin/sh\n. "{VENV}/ros_env.sh"\nexec "{VENV}/bin/python" -m s2m_ros.cli "$@"\n'
    )
    command.chmod(0o755)


def check_result() -> None:
    run(
        [
            str(ROOT / "tools" / "env"),
            "python",
            "-c",
            "import rclpy, s2m_msgs.msg; rclpy.init(); rclpy.create_node('check')",
        ]
    )


def capture(code: str) -> str:
    """What a line of Python prints in the new environment."""
    return subprocess.run(
        [str(VENV / "bin" / "python"), "-c", code], text=True, check=True, stdout=subprocess.PIPE
    ).stdout.strip()


def run(command: list[str], env: dict[str, str] | None = None) -> None:
    """Run a command, its output into the log; on failure raise with the output's end."""
    result = subprocess.run(
        command,
        env=env,
        text=True,
        errors="replace",
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    if VENV.exists():
        with LOG.open("a") as log:
            log.write(f"$ {' '.join(command)}\n{result.stdout}\n")
    if result.returncode:
        tail = "\n".join(result.stdout.splitlines()[-25:])
        raise SetupError(
            f"failed ({result.returncode}): {' '.join(command)}\n{tail}\nWhole log: {LOG}"
        )


@contextmanager
def step(what: str):
    """Say what is being done before, and how long it took after."""
    start = time.monotonic()
    print(f"  {what} ...", end=" " if sys.stdout.isatty() else "\n", flush=True)
    yield
    done = f"{time.monotonic() - start:.0f} s"
    print(done if sys.stdout.isatty() else f"  {what}: {done}", flush=True)


def digest(*paths: Path) -> str:
    """SHA-256 over the names and contents of files and of all files in folders."""
    sha = hashlib.sha256(sys.platform.encode())
    for path in paths:
        for file in sorted(path.rglob("*")) if path.is_dir() else [path]:
            if file.is_file():
                sha.update(str(file.relative_to(ROOT)).encode() + b"\0" + file.read_bytes())
    return sha.hexdigest()


def read_stamp() -> dict[str, str]:
    """What an earlier run finished here; nothing when the repository has moved since."""
    try:
        stamp = json.loads(STAMP.read_text())
    except (OSError, ValueError):
        return {}
    return stamp if stamp.get("root") == str(ROOT) else {}


def write_stamp(done: dict[str, str]) -> None:
    STAMP.write_text(json.dumps({**done, "root": str(ROOT)}, indent=1))


if __name__ == "__main__":
    sys.exit(main())
