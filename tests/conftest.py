"""What all tests share: the data folder, a ROS domain of their own, and an end to every hang."""

from __future__ import annotations

import faulthandler
import importlib.util
import os
from collections.abc import Iterator
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
ROS_FOLDERS = ("ros", "system")  # below tests/
GRACE_S = 30.0  # after the per-test timeout; then the process is ended from outside Python

_stderr = pytest.StashKey[int]()


def pytest_configure(config: pytest.Config) -> None:
    # Output is captured during tests: keep the true stderr for the traceback of a hang.
    config.stash[_stderr] = os.dup(2)


def pytest_unconfigure(config: pytest.Config) -> None:
    faulthandler.cancel_dump_traceback_later()
    if _stderr in config.stash:
        os.close(config.stash[_stderr])
        del config.stash[_stderr]


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Tests over the real middleware are marked; without it they are skipped unless required."""
    missing = _missing_ros()
    for item in items:
        below = Path(item.path).relative_to(REPOSITORY / "tests").parts
        if below[0] in ROS_FOLDERS:
            item.add_marker(pytest.mark.ros)
        required = bool(os.environ.get("S2M_REQUIRE_ROS"))
        if missing and not required and item.get_closest_marker("ros"):
            item.add_marker(pytest.mark.skip(reason=f"{missing}; run: tools/env pytest"))


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """End a test that hangs where Python signals do not reach, with all threads' tracebacks."""
    mark = item.get_closest_marker("timeout")
    limit_s = float(mark.args[0] if mark and mark.args else item.config.getini("timeout"))
    faulthandler.dump_traceback_later(limit_s + GRACE_S, exit=True, file=item.config.stash[_stderr])
    try:
        return (yield)
    finally:
        faulthandler.cancel_dump_traceback_later()


@pytest.fixture(scope="session", autouse=True)
def _own_cache(tmp_path_factory: pytest.TempPathFactory) -> None:
    """What is kept between runs is neither the user's nor left to them."""
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))


@pytest.fixture(scope="session")
def repository() -> Path:
    return REPOSITORY


@pytest.fixture(scope="session")
def data_dir() -> Path:
    """The folder of the shared data sets: $S2M_DATA, else ../shared/data beside the repository."""
    folder = Path(os.environ.get("S2M_DATA") or REPOSITORY.parent / "shared" / "data")
    if not folder.is_dir():
        pytest.skip(f"no data sets in {folder}; set S2M_DATA")
    return folder


@pytest.fixture(scope="session")
def ros_domain_id() -> int:
    """A ROS domain that no other test process on this machine uses, set in the environment.

    Linux allows 0 to 101; 0 is what a person's own nodes are in. Set ROS_DOMAIN_ID to choose.
    """
    domain = int(os.environ.get("ROS_DOMAIN_ID") or 1 + os.getpid() % 101)
    os.environ["ROS_DOMAIN_ID"] = str(domain)
    return domain


def _missing_ros() -> str:
    for package in ("rclpy", "s2m_msgs"):
        if importlib.util.find_spec(package) is None:
            return f"{package} is not importable"
    return ""
