"""Where the processes of a demonstration or replay can be reached from."""

from __future__ import annotations

import os
import subprocess
import sys

import pytest

pytest.importorskip("rclpy")

from s2m_ros.audit.live import dds_environment

# Addresses of all sockets of a node, by kind; RTPS listens on ports below 33 000, senders have
# what the kernel gives them.
NODE = """
import os, pathlib, rclpy, time
rclpy.init()
node = rclpy.create_node("listener")
time.sleep(0.5)
own = set()
for number in os.listdir("/proc/self/fd"):
    try:
        own.add(os.readlink(f"/proc/self/fd/{number}"))
    except OSError:
        pass
for kind in ("udp", "tcp"):
    for line in pathlib.Path(f"/proc/self/net/{kind}").read_text().splitlines()[1:]:
        words = line.split()
        if f"socket:[{words[9]}]" in own:
            address, port = words[1].split(":")
            print(kind, address, int(port, 16), words[3])
"""
LOOPBACK = "0100007F"  # 127.0.0.1 as the kernel writes it
FIRST_OF_THE_KERNEL = 32_768


def test_a_replay_listens_on_loopback_only(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("FASTRTPS_DEFAULT_PROFILES_FILE", "FASTDDS_DEFAULT_PROFILES_FILE"):
        monkeypatch.delenv(name, raising=False)
    listed = subprocess.run(
        [sys.executable, "-c", NODE],
        env={**os.environ, **dds_environment()},
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    ).stdout
    sockets = [line.split() for line in listed.splitlines()]
    receiving = [s for s in sockets if int(s[2]) < FIRST_OF_THE_KERNEL]
    assert receiving, listed
    assert {address for _, address, _, _ in receiving} == {LOOPBACK}, listed
    assert not [s for s in sockets if s[0] == "tcp"], listed
