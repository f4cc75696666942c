"""colcon builds the package, and what nodes and launch files look up is where they look."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = [pytest.mark.ros, pytest.mark.timeout(180)]


@pytest.fixture(scope="module")
def installed(repository: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The install folder of ``colcon build`` over the workspace, s2m_ros alone."""
    base = tmp_path_factory.mktemp("colcon")
    result = subprocess.run(
        ["colcon", "--log-base", str(base / "log"), "build", "--packages-select", "s2m_ros",
         "--base-paths", str(repository / "ros2_ws" / "src"),
         "--build-base", str(base / "build"), "--install-base", str(base / "install")],
        text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False,
    )  # fmt: skip
    assert result.returncode == 0, result.stdout
    return base / "install" / "s2m_ros"


def test_the_workspace_holds_each_package_once(repository: Path) -> None:
    listed = subprocess.run(
        ["colcon", "list", "--names-only", "--base-paths", str(repository / "ros2_ws" / "src")],
        text=True, capture_output=True, check=True,
        env={**os.environ, "COLCON_LOG_PATH": os.devnull},
    )  # fmt: skip
    assert sorted(listed.stdout.split()) == ["s2m_msgs", "s2m_ros"]


@pytest.mark.parametrize(
    "name",
    [
        "camera_node",
        "fusion_node",
        "tracker_node",
        "monitor_node",
        "vehicle_node",
        "s2m",
    ],
)
def test_ros2_run_finds_the_executables(installed: Path, name: str) -> None:
    assert os.access(installed / "lib" / "s2m_ros" / name, os.X_OK)


@pytest.mark.parametrize(
    "path",
    ["package.xml", "launch/s2m.launch.py", "launch/replay.launch.py",
     "launch/multi_camera.launch.py", "launch/config/s2m.service", "launch/rviz/s2m.rviz",
     "launch/config/s2m.yaml", "launch/config/fastdds.xml", "launch/config/fastdds_loopback.xml",
     "models/apron_lite0/model.yaml"],
)  # fmt: skip
def test_the_share_folder_is_complete(installed: Path, path: str) -> None:
    assert (installed / "share" / "s2m_ros" / path).is_file()


def test_all_modules_and_their_data_are_installed(repository: Path, installed: Path) -> None:
    (site,) = installed.glob("lib/python*/site-packages")
    here = {
        str(path.relative_to(repository))
        for path in (repository / "s2m_ros").rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    there = {str(p.relative_to(site)) for p in (site / "s2m_ros").rglob("*") if p.is_file()}
    assert here - there == set()


def test_the_installed_command_runs(installed: Path) -> None:
    (site,) = installed.glob("lib/python*/site-packages")
    result = subprocess.run(
        [sys.executable, str(installed / "lib" / "s2m_ros" / "s2m"), "--version"],
        text=True, capture_output=True, check=False, cwd="/",
        env={**os.environ, "PYTHONPATH": str(site)},
    )  # fmt: skip
    assert result.stdout.startswith("s2m_ros "), result.stderr


def test_the_entrypoint_of_the_images_finds_what_is_installed(
    repository: Path, installed: Path, tmp_path: Path, ros_domain_id: int
) -> None:
    """The script as it is, but for the two places that an image has and this machine has not."""
    (tmp_path / "jazzy").mkdir()
    (tmp_path / "jazzy" / "setup.sh").write_text("")
    script = (repository / "docker" / "entrypoint.sh").read_text()
    script = script.replace("/opt/ros", str(tmp_path)).replace("/opt/s2m_ws", str(installed.parent))
    assert "/opt" not in script
    asked = ["s2m", "health", "--timeout", "0.5"]
    shown = 'echo "$FASTRTPS_DEFAULT_PROFILES_FILE"; exec "$@"'
    result = subprocess.run(
        ["sh", "-c", script, "entrypoint", "sh", "-c", shown, "sh", *asked],
        text=True, capture_output=True, check=False, cwd="/",
        env={**os.environ, "ROS_DISTRO": "jazzy", "ROS_DOMAIN_ID": str(ros_domain_id),
             "FASTRTPS_DEFAULT_PROFILES_FILE": ""},
    )  # fmt: skip
    assert result.returncode == 1, result.stderr
    profile, told = result.stdout.splitlines()
    assert Path(profile).is_file()
    assert told == "no Health from /monitor in 0.5 s: are the nodes running?"
