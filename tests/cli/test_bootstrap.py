"""The set-up: what it says when a machine lacks something, and when it does nothing."""

from __future__ import annotations

import importlib.util
import os
import re
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest


@pytest.fixture
def bootstrap(repository: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    """The script as a module, with its environment folder in a temporary place."""
    spec = importlib.util.spec_from_file_location("bootstrap", repository / "tools/bootstrap.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    for name, path in (("VENV", ""), ("LOG", "setup.log"), ("STAMP", "setup.json")):
        monkeypatch.setattr(module, name, tmp_path / "venv" / path)
    return module


@pytest.fixture
def no_path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A PATH with one empty folder in it."""
    folder = tmp_path / "bin"
    folder.mkdir()
    monkeypatch.setenv("PATH", str(folder))
    monkeypatch.delenv("PYTHON", raising=False)
    return folder


def test_another_processor_gets_the_other_way(
    bootstrap: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("platform.machine", lambda: "aarch64")
    with pytest.raises(bootstrap.SetupError, match=r"Linux on aarch64.*colcon"):
        bootstrap.check_machine()


def test_no_python_at_all(bootstrap: ModuleType, no_path: Path) -> None:
    with pytest.raises(bootstrap.SetupError, match=r"python3: not found.*apt install python3-venv"):
        bootstrap.find_python()


def test_a_python_too_old_is_passed_over(bootstrap: ModuleType, no_path: Path) -> None:
    old = no_path / "python3"
    old.write_text("#!/bin/sh\necho 3 8 /usr/bin/python3\n")
    old.chmod(0o755)
    with pytest.raises(bootstrap.SetupError, match=r"python3: version 3\.8"):
        bootstrap.find_python()
    (no_path / "python3.11").symlink_to(sys.executable)
    assert Path(bootstrap.find_python()).exists()


def test_a_python_without_venv_says_so(bootstrap: ModuleType, no_path: Path) -> None:
    bare = no_path / "python3"
    bare.write_text("#!/bin/sh\necho \"No module named 'ensurepip'\" >&2\nexit 1\n")
    bare.chmod(0o755)
    with pytest.raises(bootstrap.SetupError, match="No module named 'ensurepip'"):
        bootstrap.find_python()


def test_no_compiler(bootstrap: ModuleType, no_path: Path) -> None:
    with pytest.raises(bootstrap.SetupError, match=r"cc, c\+\+, make.*build-essential"):
        bootstrap.make_venv(sys.executable)


def test_a_failing_command_shows_its_last_words(bootstrap: ModuleType) -> None:
    with pytest.raises(bootstrap.SetupError, match="last words"):
        bootstrap.run([sys.executable, "-c", "import sys; print('last words'); sys.exit(4)"])


def test_the_stamp_counts_only_where_it_was_made(bootstrap: ModuleType) -> None:
    bootstrap.VENV.mkdir()
    bootstrap.write_stamp({"packages": "a"})
    assert bootstrap.read_stamp()["packages"] == "a"
    bootstrap.ROOT = bootstrap.ROOT / "moved"
    assert bootstrap.read_stamp() == {}
    bootstrap.STAMP.write_text("{")
    assert bootstrap.read_stamp() == {}


def test_the_digest_sees_names_and_contents(bootstrap: ModuleType, tmp_path: Path) -> None:
    bootstrap.ROOT = tmp_path
    folder = tmp_path / "messages"
    folder.mkdir()
    (folder / "A.msg").write_text("int32 x\n")
    first = bootstrap.digest(folder)
    assert bootstrap.digest(folder) == first
    (folder / "A.msg").write_text("int32 y\n")
    second = bootstrap.digest(folder)
    (folder / "A.msg").rename(folder / "B.msg")
    assert len({first, second, bootstrap.digest(folder)}) == 3


def test_the_wrapper_says_when_there_is_no_environment(repository: Path, tmp_path: Path) -> None:
    tool = tmp_path / "tools" / "env"
    tool.parent.mkdir()
    tool.write_bytes((repository / "tools" / "env").read_bytes())
    tool.chmod(0o755)
    result = subprocess.run([str(tool), "true"], text=True, capture_output=True, check=False)
    assert result.returncode == 1
    assert "run 'make setup' first" in result.stderr


def test_the_lock_pins_every_package(repository: Path) -> None:
    lines = (repository / "requirements" / "default.lock").read_text().splitlines()
    pins = [line for line in lines if line and not line.lstrip().startswith("#")]
    assert len(pins) > 100
    assert all("==" in pin and "/" not in pin.partition(";")[0] for pin in pins)
    assert not any(pin.startswith(("torch", "nvidia")) for pin in pins), "torch is an extra"


def test_make_help_lists_the_targets(repository: Path) -> None:
    env = {**os.environ, "MAKEFLAGS": ""}
    shown = subprocess.run(
        ["make", "help"], cwd=repository, text=True, capture_output=True, check=True, env=env
    ).stdout
    for target in ("setup", "demo", "test", "lint", "model", "eval", "clean"):
        assert f"make {target} " in shown


def test_vehicle_and_distribution_together_bring_all_dependencies(repository: Path) -> None:
    from_distribution = {"numpy", "opencv-python-headless", "PyYAML", "scipy"}
    text = (repository / "pyproject.toml").read_text()
    block = text.partition("\ndependencies = [")[2].partition("\n]")[0]
    wanted = set(re.findall(r'"([^"]+)"', block))
    lines = (repository / "requirements" / "vehicle.txt").read_text().splitlines()
    listed = {line for line in lines if not line.startswith("#")}
    assert {w for w in wanted if re.split("[>=]", w)[0] not in from_distribution} == listed
